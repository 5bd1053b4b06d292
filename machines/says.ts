import type { NewEvent } from '../wire/events.ts';
import { iso } from '../wire/iso.ts';
import type { Args, RunContext, StageParams } from './context.ts';
import { askedBy, factsOf, failedBeside, failureOf, policyOf, stuckOf } from './facts.ts';
import { decisionOf, rejectionOf } from './stage-facts.ts';

type Say<Params> = (args: Args, params: Params) => NewEvent;

/**
 * An event of an attempt; called before the assign of the same edge, while `ending` still tells the
 * cause.
 */
const ofAttempt = (context: RunContext, stage: string) => ({
  stage,
  attempt: factsOf(context, stage).attempt,
});
/** Of the stage alone where it was skipped before an attempt. */
const ofOpen = (context: RunContext, stage: string) =>
  factsOf(context, stage).attempt === 0 ? { stage } : ofAttempt(context, stage);
const because = (reason: string | null): string => (reason ? `: ${reason}` : '');

/**
 * The emits of the chart: one fact, one event (I7). They stand before the assigns of their edge
 * unless they need its result.
 */
export const stageSays = {
  sayStarted: ({ context }, { stage }) => ({
    ...ofAttempt(context, stage),
    event: 'started',
    severity: 'info',
    msg: `attempt ${factsOf(context, stage).attempt} of ${stage} started`,
    data: {
      timeout_ms: policyOf(context, stage).timeoutMs,
      heartbeat_ms: policyOf(context, stage).heartbeatMs,
    },
  }),
  saySucceeded: ({ context }, { stage }) => ({
    ...ofAttempt(context, stage),
    event: 'succeeded',
    severity: 'info',
    msg: `${stage} succeeded${factsOf(context, stage).partial ? ` in part: ${factsOf(context, stage).reason}` : ''}`,
    data: {
      outputs: factsOf(context, stage).outputs ?? {},
      metrics: factsOf(context, stage).metrics ?? {},
    },
  }),
  saySkipped: ({ context }, { stage }) => ({
    ...ofOpen(context, stage),
    event: 'skipped',
    severity: 'info',
    msg: `${stage} skipped: ${factsOf(context, stage).reason ?? ''}`,
    data: { reason: factsOf(context, stage).reason ?? null },
  }),
  /**
   * Somebody skips the stage; the end of an attempt only where one is open. Stands before the
   * assign that closes it.
   */
  sayPassedOver: ({ context, event }, { stage }) => {
    const { by, reason } = factsOf(context, stage).skip ?? askedBy(event);
    const of = factsOf(context, stage).attemptOpen ? ofAttempt(context, stage) : { stage };
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
    data: { outputs: factsOf(context, stage).outputs ?? {} },
  }),
  sayFailed: ({ context, event }, { stage }) => {
    const failure = factsOf(context, stage).ending?.failure ?? failureOf(event);
    return {
      // It may fail before an attempt, and its limit may be over between two.
      ...(factsOf(context, stage).attemptOpen ? ofAttempt(context, stage) : { stage }),
      event: 'failed',
      severity: 'warning',
      msg: failure.message,
      data: { error: failure },
    };
  },
  /** What came of the run was decided before. */
  sayHookFailed: ({ context, event }, { stage }) => {
    const error = factsOf(context, stage).ending?.failure ?? failureOf(event);
    return {
      stage,
      event: 'warning',
      severity: 'warning',
      msg: `${stage} failed, which does not change the outcome of the run: ${error.message}`,
      data: { kind: 'hook-failed', error },
    };
  },
  /** The stage has failed, and the run goes on. */
  sayAllowed: ({ context, event }, { stage }) => {
    const error = factsOf(context, stage).ending?.failure ?? failureOf(event);
    return {
      stage,
      event: 'warning',
      severity: 'warning',
      msg: `${stage} failed, which is allowed: ${error.message}`,
      data: { kind: 'allowed-failure', error },
    };
  },
  sayLost: ({ context }, { stage }) => ({
    ...ofAttempt(context, stage),
    event: 'lost',
    severity: 'warning',
    msg: `attempt ${factsOf(context, stage).attempt} of ${stage} was lost: ${factsOf(context, stage).ending?.failure.message ?? 'interrupted'}`,
    data: { error: factsOf(context, stage).ending?.failure ?? null },
  }),
  sayRetrying: ({ context }, { stage }) => {
    const { backoffMs, retryAt, reason } = factsOf(context, stage);
    return {
      ...ofAttempt(context, stage),
      event: 'retrying',
      severity: 'info',
      msg: `${stage} is tried again ${backoffMs === 0 ? 'at once' : `in ${backoffMs / 1000} s`}`,
      data: { delay_ms: backoffMs, due_at: retryAt, reason },
    };
  },
  sayAttemptSlow: ({ context }, { stage }) => {
    const limit = policyOf(context, stage).warnAfterMs ?? 0;
    const msg = `attempt ${factsOf(context, stage).attempt} of ${stage} works longer than ${limit / 1000} s; it goes on until its timeout`;
    return {
      ...ofAttempt(context, stage),
      event: 'warning',
      severity: 'warning',
      msg,
      data: { warn_after_ms: limit },
    };
  },
  sayApprovalRequested: ({ context }, { stage }) => {
    const { message, deadlineMs, otherwise } = policyOf(context, stage).approval ?? {
      message: '',
      deadlineMs: null,
      otherwise: 'reject',
    };
    return {
      stage,
      event: 'approval_requested',
      severity: 'warning',
      msg: `${stage} waits for approval: ${message}`,
      data: {
        message,
        deadline_at: iso(factsOf(context, stage).decidedAt ?? null),
        default: deadlineMs === null ? null : otherwise,
      },
    };
  },
  sayApproved: ({ event }, { stage }) => {
    const { by, reason } = decisionOf(event);
    const msg = `${stage} approved by ${by}${because(reason)}`;
    return { stage, event: 'approved', severity: 'info', msg, data: { by, reason } };
  },
  sayRejected: ({ event }, { stage }) => {
    const { by, reason } = decisionOf(event);
    const error = rejectionOf(event, stage);
    const data = { by, reason, error };
    return { stage, event: 'rejected', severity: 'warning', msg: error.message, data };
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
} satisfies Record<string, Say<StageParams>>;

/** What is said of the run as a whole. */
export const runSays = {
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
  sayResumed: ({ event }) => {
    const { by, reason } = askedBy(event);
    return {
      stage: 'pipeline',
      event: 'resumed',
      severity: 'info',
      msg: `resumed by ${by}${because(reason)}`,
      data: { by, reason },
    };
  },
  /** A plain stop is for stages: what is left to do is done. */
  sayHooksGoOn: ({ context }) => ({
    stage: 'pipeline',
    event: 'warning',
    severity: 'info',
    msg: `${context.stage} goes on: the run is over but for its hooks, which only a stop that names grace_ms ends (stop --now)`,
    data: { kind: 'hooks-go-on' },
  }),
  /** Somebody takes the run out of the hands of a process that nobody can end (T1). */
  sayReleased: ({ context, event }) => {
    const { by = null, reason = null } = event.type === 'RELEASE' ? event : {};
    const pids = stuckOf(context)?.pids ?? [];
    const msg = `released by ${by}, although process ${pids.join(', ')} may still live: ${reason}`;
    return {
      stage: 'pipeline',
      event: 'warning',
      severity: 'warning',
      msg,
      data: { pids, by, reason },
    };
  },
} satisfies Record<string, Say<StageParams | undefined>>;

type Close = (context: RunContext, stage: string) => NewEvent;
/** Said when the run ends, of each attempt that is still open: its one end event. */
export const closings = {
  sayClosedFailed: (context, stage) => {
    const failed = failedBeside(context, stage);
    if (failed !== null)
      return {
        ...ofAttempt(context, stage),
        event: 'stopped',
        severity: 'info',
        msg: `attempt ${factsOf(context, stage).attempt} of ${stage} stopped, because ${failed} failed`,
        data: { reason: `ended because ${failed} failed` },
      };
    return {
      ...ofAttempt(context, stage),
      event: 'failed',
      severity: 'warning',
      msg: context.error?.message ?? 'failed',
      data: { error: context.error },
    };
  },
  sayClosedStopped: (context, stage) => ({
    ...ofAttempt(context, stage),
    event: 'stopped',
    severity: 'info',
    msg: `attempt ${factsOf(context, stage).attempt} of ${stage} stopped`,
    data: { reason: context.stop?.reason ?? null },
  }),
} satisfies Record<string, Close>;
