import type { Failure } from '../wire/failure.ts';
import type { Args, Reused, RunContext, StageParams } from './context.ts';
import {
  askedBy,
  begunStages,
  change,
  factsOf,
  failedBeside,
  failureOf,
  groupOf,
  located,
  membersOf,
} from './facts.ts';

type Change = (args: Args, params?: StageParams) => Partial<RunContext>;

/** Stages whose work an earlier run has done. */
const withReused = (context: RunContext, reused: Reused | undefined): RunContext['stages'] =>
  reused
    ? Object.fromEntries(
        Object.entries(context.stages).map(([name, facts]) => [
          name,
          reused[name] ? { ...facts, ...reused[name], state: 'reused' } : facts,
        ]),
      )
    : context.stages;
const closeAs = (
  state: 'failed' | 'stopped',
  context: RunContext,
  at: number,
): Pick<RunContext, 'stages'> => {
  const ended = (stage: string) => {
    const failed = state === 'failed' ? failedBeside(context, stage) : null;
    return failed === null
      ? { state }
      : { state: 'stopped' as const, reason: `ended because ${failed} failed` };
  };
  return {
    stages: Object.assign(
      {},
      context.stages,
      ...begunStages(context).map((stage) => ({
        [stage]: {
          ...factsOf(context, stage),
          ...ended(stage),
          endedAt: at,
          attemptOpen: false,
        },
      })),
    ),
  };
};
/** What a stop has to be shorter than: beside each other, each stage has its own. */
const longestGrace = (context: RunContext): number | null => {
  const working = groupOf(context, context.stage) ? begunStages(context) : [context.stage ?? ''];
  const graces = working.flatMap((stage) => context.policy[stage]?.graceMs ?? []);
  return graces.length > 0 ? Math.max(...graces) : null;
};
/** The first that failed of these, and how. */
const firstFailure = (context: RunContext, stages: string[]): Failure | null =>
  stages
    .map((stage) => factsOf(context, stage))
    .filter(({ failure = null }) => failure !== null)
    .toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0))[0]?.failure ?? null;
/** Limits stand still while the run is paused: of its stages beside each other none is at work. */
export const isAtRest = (context: RunContext, stage: string): boolean => {
  const states = groupOf(context, stage)?.stages.map((name) => factsOf(context, name).state) ?? [];
  return (
    states.includes('paused') &&
    !states.some((state) => ['pending', 'running', 'retrying'].includes(state))
  );
};

/**
 * The assigns of the run: what each fact changes in the context. Pure; time comes in with the
 * event.
 */
export const runFacts = {
  noteQueued: ({ context, event }) =>
    event.type === 'ENQUEUED'
      ? { runId: event.run_id, queued: event.queued, stages: withReused(context, event.reused) }
      : {},
  beginRun: ({ context, event }) =>
    event.type === 'ADMITTED'
      ? { runId: event.run_id, startedAt: event.at, stages: withReused(context, event.reused) }
      : { startedAt: event.at },
  noteQueueTimeout: ({ context }) => ({
    error: {
      code: 'queue-timeout',
      message: `the run waited for its turn longer than ${(context.queueTimeoutMs ?? 0) / 1000} s`,
      retryable: true,
    },
  }),
  /** Limits begin to count where work begins; they stand still while the run is paused. */
  beginRunLimit: ({ context, event }) => ({
    runLimit:
      context.runTimeoutMs === null ? null : { leftMs: context.runTimeoutMs, armedAt: event.at },
  }),
  notePause: ({ event }) => ({ pause: askedBy(event) }),
  withdrawPause: () => ({ pause: null }),
  noteReleased: ({ context }) => ({
    stuck: null,
    ...(context.groups && {
      stages: Object.fromEntries(
        Object.entries(context.stages).map(([name, facts]) => [
          name,
          facts.stuck ? { ...facts, stuck: null } : facts,
        ]),
      ),
    }),
  }),
  noteStuck: ({ context, event }) => {
    if (event.type !== 'DRAIN_LATE') return {};
    const { pids, stage } = event;
    // Of several stages that are ended together, each may have somebody.
    return stage !== undefined && groupOf(context, stage)
      ? change(context, stage, { stuck: { pids } })
      : { stuck: { pids } };
  },
  noteError: ({ context, event }) => ({ error: located(context, failureOf(event)) }),
  noteFault: ({ context, event }) => ({
    error: located(
      context,
      event.type === 'FAULT'
        ? {
            code: event.code,
            message: `${event.message} (during ${event.during})`,
            retryable: false,
          }
        : failureOf(event),
    ),
  }),
  notePreflightTimeout: () => ({
    error: {
      code: 'preflight-timeout',
      message: 'the checks before the first stage took longer than 30 s',
      retryable: true,
    },
  }),
  noteRunTimeout: ({ context }) => ({
    error: located(context, {
      code: 'run-timeout',
      message: `the run was still working after its timeout of ${(context.runTimeoutMs ?? 0) / 1000} s`,
      retryable: true,
    }),
  }),
  /** The first stop stands; another one changes nothing but the grace, which only gets shorter. */
  noteStop: ({ context, event }) => {
    if (event.type !== 'STOP') return {};
    const { reason, by, at, grace_ms: graceMs } = event;
    const { stop } = context;
    if (!stop) return { stop: { reason, by, at, graceMs } };
    const before = stop.graceMs ?? longestGrace(context);
    const isShorter = graceMs !== null && (before === null || graceMs < before);
    return isShorter ? { stop: { ...stop, graceMs } } : {};
  },
  /** Every stage of the group is over; the failure that came first is the run's. */
  failGroup: ({ context }, params) => ({
    error: firstFailure(context, membersOf(context, params?.stage)),
  }),
  /** What was not over when the run failed or stopped: the processes are gone now. */
  closeFailed: ({ context, event }) => closeAs('failed', context, event.at),
  closeStopped: ({ context, event }) => closeAs('stopped', context, event.at),
  /**
   * What comes of the run is decided, and hooks do not change it. A grace that somebody gave was for
   * the stages.
   */
  conclude: ({ context }) => {
    const { error, stop, stage } = context;
    const as = error ? 'failed' : stop ? 'stopped' : 'done';
    return { conclusion: { as, stage }, stop: stop && { ...stop, graceMs: null } };
  },
  /** Where the run is shown is where it ended, not its last hook. */
  showConclusion: ({ context }) => ({ stage: context.conclusion?.stage ?? context.stage }),
  endRun: ({ event }) => ({ endedAt: event.at }),
} satisfies Record<string, Change>;
