import type { Failure } from '../wire/failure.ts';
import { backoffMs } from './backoff.ts';
import type { Reused, RunContext, RunEvent, StageFacts, StagePolicy } from './context.ts';
import { classOf } from './guards.ts';

type Args = { context: RunContext; event: RunEvent };
type P = { stage: string };
type Answer = {
  outputs?: Record<string, unknown>;
  metrics?: Record<string, number>;
  skipped?: string | null;
  partial?: string | null;
};

const change = (
  context: RunContext,
  stage: string,
  facts: Partial<StageFacts>,
): Partial<RunContext> => ({
  stages: { ...context.stages, [stage]: { ...(context.stages[stage] as StageFacts), ...facts } },
});
export const failureOf = (event: RunEvent): Failure =>
  'error' in event
    ? event.error
    : { code: 'internal', message: `no failure in ${event.type}`, retryable: false };
const answerOf = (event: RunEvent): Answer =>
  'output' in event ? ((event.output as Answer | null) ?? {}) : {};
const located = (context: RunContext, failure: Failure): Failure => ({
  ...failure,
  stage: failure.stage ?? context.stage,
  attempt:
    failure.attempt ?? (context.stage ? (context.stages[context.stage]?.attempt ?? null) : null),
});
export const attemptOf = (context: RunContext): number =>
  context.stage ? (context.stages[context.stage]?.attempt ?? 0) : 0;
const closeAs = (
  state: 'failed' | 'stopped',
  context: RunContext,
  at: number,
): Partial<RunContext> => {
  const { stage } = context;
  const isOpen = ['running', 'retrying', 'paused'].includes(
    (stage && context.stages[stage]?.state) ?? '',
  );
  return stage && isOpen
    ? { attemptOpen: false, ...change(context, stage, { state, endedAt: at }) }
    : {};
};
const askedBy = (event: RunEvent) =>
  'by' in event ? { by: event.by, reason: event.reason } : { by: 'somebody', reason: null };
const policyOf = (context: RunContext, stage: string): StagePolicy =>
  context.policy[stage] as StagePolicy;
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
/** What a limit has left after it ran until now; null when there is none. */
type Limit = NonNullable<RunContext['runLimit']> | null;
const rested = (limit: Limit | undefined, at: number): Limit =>
  limit ? { leftMs: Math.max(0, limit.leftMs - (at - limit.armedAt)), armedAt: at } : null;
const rearmed = (limit: Limit | undefined, at: number): Limit =>
  limit ? { ...limit, armedAt: at } : null;

/**
 * The assigns of the chart: what each fact changes in the context. Pure; time comes in with the
 * event.
 */
export const assigns = {
  noteQueued: ({ context, event }: Args) =>
    event.type === 'ENQUEUED'
      ? { runId: event.run_id, queued: event.queued, stages: withReused(context, event.reused) }
      : {},
  beginRun: ({ context, event }: Args) =>
    event.type === 'ADMITTED'
      ? { runId: event.run_id, startedAt: event.at, stages: withReused(context, event.reused) }
      : { startedAt: event.at },
  noteQueueTimeout: ({ context }: Args) => ({
    error: {
      code: 'queue-timeout',
      message: `the run waited for its turn longer than ${(context.queueTimeoutMs ?? 0) / 1000} s`,
      retryable: true,
    },
  }),
  /** Limits begin to count where work begins; they stand still while the run is paused. */
  beginRunLimit: ({ context, event }: Args) => ({
    runLimit:
      context.runTimeoutMs === null ? null : { leftMs: context.runTimeoutMs, armedAt: event.at },
  }),
  enterStage: ({ context, event }: Args, { stage }: P) => {
    const total = policyOf(context, stage).totalTimeoutMs ?? null;
    return { stage, stageLimit: total === null ? null : { leftMs: total, armedAt: event.at } };
  },
  holdStage: ({ context, event }: Args, { stage }: P) => ({
    retryAt: null,
    runLimit: rested(context.runLimit, event.at),
    stageLimit: rested(context.stageLimit, event.at),
    ...change(context, stage, { state: 'paused' }),
  }),
  releaseStage: ({ context, event }: Args) => ({
    runLimit: rearmed(context.runLimit, event.at),
    stageLimit: rearmed(context.stageLimit, event.at),
  }),
  notePause: ({ event }: Args) => ({ pause: askedBy(event) }),
  withdrawPause: () => ({ pause: null }),
  noteSkip: ({ event }: Args, { stage }: P) => {
    const message = `${stage} is being skipped by ${askedBy(event).by}`;
    return {
      skip: { ...askedBy(event), outputs: event.type === 'SKIP_STAGE' ? event.outputs : null },
      ending: { kind: 'skip' as const, failure: { code: 'skipped', message, retryable: false } },
    };
  },
  /** The stage is over because somebody said so; its attempt, if one was open, with it. */
  passOver: ({ context, event }: Args, { stage }: P) => {
    const { by, reason } = context.skip ?? askedBy(event);
    const outputs =
      context.skip?.outputs ?? (event.type === 'SKIP_STAGE' ? event.outputs : null) ?? {};
    const said = `skipped by ${by}${reason ? `: ${reason}` : ''}`;
    return {
      attemptOpen: false,
      ending: null,
      stuck: null,
      skip: null,
      retryAt: null,
      ...change(context, stage, { state: 'skipped', endedAt: event.at, outputs, reason: said }),
    };
  },
  noteStageTimeout: ({ context }: Args, { stage }: P) => ({
    error: located(context, {
      code: 'stage-timeout',
      message: `all attempts of ${stage} together took longer than its total_timeout of ${(policyOf(context, stage).totalTimeoutMs ?? 0) / 1000} s`,
      retryable: true,
    }),
  }),
  beginAttempt: ({ context, event }: Args, { stage }: P) => {
    const facts = context.stages[stage] as StageFacts;
    return {
      stage,
      attemptOpen: true,
      ending: null,
      stuck: null,
      retryAt: null,
      ...change(context, stage, {
        state: 'running',
        attempt: facts.attempt + 1,
        startedAt: facts.startedAt ?? event.at,
        attemptStartedAt: event.at,
        reason: null,
      }),
    };
  },
  keepAnswer: ({ context, event }: Args, { stage }: P) => {
    const answer = answerOf(event);
    const partial = answer.partial ?? null;
    const facts = {
      outputs: answer.outputs ?? {},
      metrics: answer.metrics ?? {},
      partial: partial !== null,
      reason: partial,
    };
    return change(context, stage, facts);
  },
  completeStage: ({ context, event }: Args, { stage }: P) => ({
    attemptOpen: false,
    ...change(context, stage, { state: 'succeeded', endedAt: event.at }),
  }),
  skipStage: ({ context, event }: Args, { stage }: P) => {
    const answer = answerOf(event);
    const facts = {
      outputs: answer.outputs ?? {},
      metrics: answer.metrics ?? {},
      reason: answer.skipped ?? null,
    };
    return {
      attemptOpen: false,
      ...change(context, stage, { state: 'skipped', endedAt: event.at, ...facts }),
    };
  },
  /** The attempt has failed and another one follows; the judgement was the guard's. */
  scheduleRetry: ({ context, event }: Args, { stage }: P) => {
    const failure = context.ending?.failure ?? failureOf(event);
    const facts = context.stages[stage] as StageFacts;
    const policy = policyOf(context, stage);
    const place = classOf(policy, failure);
    const taken = facts.retriesOf ?? [];
    const retriesOf = (policy.classes ?? []).map(
      (_, index) => (taken[index] ?? 0) + (index === place ? 1 : 0),
    );
    // A class counts its own failures, so that its first wait is its initial one.
    const n =
      place < 0 ? Math.max(1, facts.attempt - facts.interruptions) : (retriesOf[place] as number);
    const wait = backoffMs(
      policy.classes?.[place] ?? policy,
      `${context.runId}/${stage}${place < 0 ? '' : `/${place}`}`,
      n,
      failure.retry_after_ms,
    );
    return {
      attemptOpen: false,
      ending: null,
      stuck: null,
      backoffMs: wait,
      retryAt: event.at + wait,
      retryCount: context.retryCount + 1,
      ...change(context, stage, {
        state: 'retrying',
        reason: failure.message,
        ...(retriesOf.length > 0 && { retriesOf }),
      }),
    };
  },
  /**
   * An interruption uses up no retry. The first one continues at once; a crash loop backs off like
   * any failure.
   */
  scheduleContinuation: ({ context, event }: Args, { stage }: P) => {
    const interruptions = (context.stages[stage] as StageFacts).interruptions + 1;
    const policy = policyOf(context, stage);
    const wait =
      interruptions === 1
        ? 0
        : backoffMs(policy, `${context.runId}/${stage}/lost`, interruptions - 1);
    return {
      attemptOpen: false,
      ending: null,
      stuck: null,
      backoffMs: wait,
      retryAt: event.at + wait,
      ...change(context, stage, { state: 'retrying', interruptions, reason: 'interrupted' }),
    };
  },
  /** No retry is left: the failure becomes the run's. */
  failStage: ({ context, event }: Args, { stage }: P) => {
    const failure = located(context, context.ending?.failure ?? failureOf(event));
    return {
      attemptOpen: false,
      ending: null,
      error: failure,
      ...change(context, stage, { state: 'failed', endedAt: event.at, reason: failure.message }),
    };
  },
  noteTimeout: ({ context }: Args, { stage }: P) => {
    const seconds = (context.policy[stage]?.timeoutMs ?? 0) / 1000;
    const message = `${stage} was still working after its timeout of ${seconds} s`;
    return {
      ending: { kind: 'timeout' as const, failure: { code: 'timeout', message, retryable: true } },
    };
  },
  noteVerifyTimeout: (_: Args, { stage }: P) => {
    const message = `checking the files of ${stage} took longer than 60 s`;
    return {
      ending: {
        kind: 'timeout' as const,
        failure: { code: 'verify-timeout', message, retryable: true },
      },
    };
  },
  noteSilence: ({ event }: Args, { stage }: P) => {
    const seconds = event.type === 'HEARTBEAT_LATE' ? Math.round(event.silent_ms / 1000) : 0;
    const message = `${stage} gave no sign of life for ${seconds} s`;
    return {
      ending: {
        kind: 'heartbeat' as const,
        failure: { code: 'heartbeat', message, retryable: true },
      },
    };
  },
  noteInterrupted: ({ event }: Args) => {
    const message = event.type === 'INTERRUPTED' ? event.message : failureOf(event).message;
    return {
      ending: {
        kind: 'interrupted' as const,
        failure: { code: 'interrupted', message, retryable: true },
      },
    };
  },
  noteReleased: () => ({ stuck: null }),
  noteStuck: ({ event }: Args) =>
    event.type === 'DRAIN_LATE' ? { stuck: { pids: event.pids } } : {},
  noteError: ({ context, event }: Args) => ({ error: located(context, failureOf(event)) }),
  noteFault: ({ context, event }: Args) => ({
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
  noteRunTimeout: ({ context }: Args) => ({
    error: located(context, {
      code: 'run-timeout',
      message: `the run was still working after its timeout of ${(context.runTimeoutMs ?? 0) / 1000} s`,
      retryable: true,
    }),
  }),
  /** The first stop stands; another one changes nothing but the grace, which only gets shorter. */
  noteStop: ({ context, event }: Args) => {
    if (event.type !== 'STOP') return {};
    const { reason, by, at, grace_ms: graceMs } = event;
    const { stop } = context;
    if (!stop) return { stop: { reason, by, at, graceMs } };
    const before = stop.graceMs ?? context.policy[context.stage ?? '']?.graceMs ?? null;
    const isShorter = graceMs !== null && (before === null || graceMs < before);
    return isShorter ? { stop: { ...stop, graceMs } } : {};
  },
  /** The stage that was not over when the run failed or stopped: its processes are gone now. */
  closeFailed: ({ context, event }: Args) => closeAs('failed', context, event.at),
  closeStopped: ({ context, event }: Args) => closeAs('stopped', context, event.at),
  endRun: ({ event }: Args) => ({ endedAt: event.at }),
} satisfies Record<string, (args: Args, params: P) => Partial<RunContext>>;
