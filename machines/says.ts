import type { NewEvent } from '../wire/events.ts';
import type { RunContext, RunEvent } from './context.ts';
import { attemptOf, failureOf } from './facts.ts';

type Args = { context: RunContext; event: RunEvent };
type P = { stage: string };
type Said = (args: Args, params: P) => NewEvent;

/**
 * An event of an attempt; called before the assign of the same edge, while `ending` still tells the
 * cause.
 */
const ofAttempt = (context: RunContext, stage: string) => ({
  stage,
  attempt: context.stages[stage]?.attempt ?? 0,
});
/** Who asked, and why. */
const asked = (event: RunEvent) =>
  'by' in event ? { by: event.by, reason: event.reason } : { by: 'somebody', reason: null };
const because = (reason: string | null): string => (reason ? `: ${reason}` : '');

/**
 * The emits of the chart: one fact, one event (I7). They stand before the assigns of their edge
 * unless they need its result.
 */
export const says = {
  sayQueued: ({ context }) => {
    const { number, pipeline, run_id, ahead, replaces } = context.queued ?? {
      number: 0,
      pipeline: '',
      run_id: '',
      ahead: 0,
      replaces: false,
    };
    const msg = `waits ${replaces ? 'until' : 'for'} run ${number} of ${pipeline} ${replaces ? 'has stopped, which it replaces' : 'to end'}`;
    return {
      stage: 'pipeline',
      event: 'queued',
      severity: 'info',
      msg,
      data: { behind: run_id, ahead, replaces },
    };
  },
  sayStarted: ({ context }, { stage }) => ({
    ...ofAttempt(context, stage),
    event: 'started',
    severity: 'info',
    msg: `attempt ${attemptOf(context)} of ${stage} started`,
    data: {
      timeout_ms: context.policy[stage]?.timeoutMs,
      heartbeat_ms: context.policy[stage]?.heartbeatMs,
    },
  }),
  saySucceeded: ({ context }, { stage }) => ({
    ...ofAttempt(context, stage),
    event: 'succeeded',
    severity: 'info',
    msg: `${stage} succeeded${context.stages[stage]?.partial ? ` in part: ${context.stages[stage]?.reason}` : ''}`,
    data: {
      outputs: context.stages[stage]?.outputs ?? {},
      metrics: context.stages[stage]?.metrics ?? {},
    },
  }),
  saySkipped: ({ context }, { stage }) => ({
    ...ofAttempt(context, stage),
    event: 'skipped',
    severity: 'info',
    msg: `${stage} skipped: ${context.stages[stage]?.reason ?? ''}`,
    data: { reason: context.stages[stage]?.reason ?? null },
  }),
  /**
   * Somebody skips the stage; the end of an attempt only where one is open. Stands before the
   * assign that closes it.
   */
  sayPassedOver: ({ context, event }, { stage }) => {
    const { by, reason } = context.skip ?? asked(event);
    const of = context.attemptOpen ? ofAttempt(context, stage) : { stage };
    return {
      ...of,
      event: 'skipped',
      severity: 'info',
      msg: `${stage} skipped by ${by}${because(reason)}`,
      data: { by, reason },
    };
  },
  sayReused: ({ context }, { stage }) => ({
    stage,
    event: 'reused',
    severity: 'info',
    msg: `${stage} is not run again: its outputs are those of an earlier run`,
    data: { outputs: context.stages[stage]?.outputs ?? {} },
  }),
  sayFailed: ({ context, event }, { stage }) => {
    const failure = context.ending?.failure ?? failureOf(event);
    return {
      ...ofAttempt(context, stage),
      event: 'failed',
      severity: 'warning',
      msg: failure.message,
      data: { error: failure },
    };
  },
  sayLost: ({ context }, { stage }) => ({
    ...ofAttempt(context, stage),
    event: 'lost',
    severity: 'warning',
    msg: `attempt ${attemptOf(context)} of ${stage} was lost: ${context.ending?.failure.message ?? 'interrupted'}`,
    data: { error: context.ending?.failure ?? null },
  }),
  sayRetrying: ({ context }, { stage }) => ({
    ...ofAttempt(context, stage),
    event: 'retrying',
    severity: 'info',
    msg: `${stage} is tried again ${context.backoffMs === 0 ? 'at once' : `in ${context.backoffMs / 1000} s`}`,
    data: {
      delay_ms: context.backoffMs,
      due_at: context.retryAt,
      reason: context.stages[stage]?.reason ?? null,
    },
  }),
  sayAttemptSlow: ({ context }, { stage }) => {
    const limit = context.policy[stage]?.warnAfterMs ?? 0;
    const msg = `attempt ${attemptOf(context)} of ${stage} works longer than ${limit / 1000} s; it goes on until its timeout`;
    return {
      ...ofAttempt(context, stage),
      event: 'warning',
      severity: 'warning',
      msg,
      data: { warn_after_ms: limit },
    };
  },
  sayRunSlow: ({ context }) => {
    const limit = context.runWarnAfterMs ?? 0;
    const msg = `the run works longer than ${limit / 1000} s; it goes on`;
    return {
      stage: 'pipeline',
      event: 'warning',
      severity: 'warning',
      msg,
      data: { warn_after_ms: limit },
    };
  },
  sayPaused: ({ context }, { stage }) => {
    const { by, reason } = context.pause ?? { by: 'somebody', reason: null };
    return {
      stage: 'pipeline',
      event: 'paused',
      severity: 'info',
      msg: `paused before ${stage} by ${by}${because(reason)}`,
      data: { by, reason, before: stage },
    };
  },
  sayResumed: ({ event }) => {
    const { by, reason } = asked(event);
    return {
      stage: 'pipeline',
      event: 'resumed',
      severity: 'info',
      msg: `resumed by ${by}${because(reason)}`,
      data: { by, reason },
    };
  },
  /** Somebody takes the run out of the hands of a process that nobody can end (T1). */
  sayReleased: ({ context, event }) => {
    const { by = null, reason = null } = event.type === 'RELEASE' ? event : {};
    const pids = context.stuck?.pids ?? [];
    const msg = `released by ${by}, although process ${pids.join(', ')} may still live: ${reason}`;
    return {
      stage: 'pipeline',
      event: 'warning',
      severity: 'warning',
      msg,
      data: { pids, by, reason },
    };
  },
} satisfies Record<string, Said>;

/** Said when the run ends with an attempt still open: its one end event. */
export const closings = {
  sayClosedFailed: ({ context }: Args): NewEvent | null =>
    context.attemptOpen && context.stage
      ? {
          ...ofAttempt(context, context.stage),
          event: 'failed',
          severity: 'warning',
          msg: context.error?.message ?? 'failed',
          data: { error: context.error },
        }
      : null,
  sayClosedStopped: ({ context }: Args): NewEvent | null =>
    context.attemptOpen && context.stage
      ? {
          ...ofAttempt(context, context.stage),
          event: 'stopped',
          severity: 'info',
          msg: `attempt ${attemptOf(context)} of ${context.stage} stopped`,
          data: { reason: context.stop?.reason ?? null },
        }
      : null,
} as const;
