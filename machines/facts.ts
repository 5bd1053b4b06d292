import { backoffMs } from './backoff.ts';
import type { RunContext, RunEvent, StageFacts } from './context.ts';
import type { NewEvent } from './events.ts';
import type { Failure } from './failure.ts';

type Args = { context: RunContext; event: RunEvent };
type P = { stage: string };
type Answer = { outputs?: Record<string, unknown>; metrics?: Record<string, number>; skipped?: string | null };

const change = (context: RunContext, stage: string, facts: Partial<StageFacts>): Partial<RunContext> => ({
  stages: { ...context.stages, [stage]: { ...(context.stages[stage] as StageFacts), ...facts } },
});
const failureOf = (event: RunEvent): Failure =>
  'error' in event ? event.error : { code: 'internal', message: `no failure in ${event.type}`, retryable: false };
const answerOf = (event: RunEvent): Answer => ('output' in event ? ((event.output as Answer | null) ?? {}) : {});
const located = (context: RunContext, failure: Failure): Failure => ({
  ...failure,
  stage: failure.stage ?? context.stage,
  attempt: failure.attempt ?? (context.stage ? (context.stages[context.stage]?.attempt ?? null) : null),
});
const attemptOf = (context: RunContext) => (context.stage ? (context.stages[context.stage]?.attempt ?? 0) : 0);

/** The assigns of the chart: what each fact changes in the context. Pure; time comes in with the event. */
export const assigns = {
  beginRun: ({ event }: Args) => ({ runId: event.type === 'ADMITTED' ? event.run_id : '', startedAt: event.at }),
  beginAttempt: ({ context, event }: Args, { stage }: P) => {
    const facts = context.stages[stage] as StageFacts;
    return {
      stage,
      attemptOpen: true,
      ending: null,
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
    return change(context, stage, { outputs: answer.outputs ?? {}, metrics: answer.metrics ?? {} });
  },
  completeStage: ({ context, event }: Args, { stage }: P) => ({
    attemptOpen: false,
    ...change(context, stage, { state: 'succeeded', endedAt: event.at }),
  }),
  skipStage: ({ context, event }: Args, { stage }: P) => {
    const answer = answerOf(event);
    const facts = { outputs: answer.outputs ?? {}, metrics: answer.metrics ?? {}, reason: answer.skipped ?? null };
    return { attemptOpen: false, ...change(context, stage, { state: 'skipped', endedAt: event.at, ...facts }) };
  },
  /** The attempt has failed and another one follows; the judgement was the guard's. */
  scheduleRetry: ({ context, event }: Args, { stage }: P) => {
    const failure = context.ending?.failure ?? failureOf(event);
    const facts = context.stages[stage] as StageFacts;
    const wait = backoffMs(
      context.policy[stage] as RunContext['policy'][string],
      `${context.runId}/${stage}`,
      Math.max(1, facts.attempt - facts.interruptions),
      failure.retry_after_ms,
    );
    return {
      attemptOpen: false,
      ending: null,
      backoffMs: wait,
      retryAt: event.at + wait,
      retryCount: context.retryCount + 1,
      ...change(context, stage, { state: 'retrying', reason: failure.message }),
    };
  },
  /** An interruption uses up no retry. The first one continues at once; a crash loop backs off like any failure. */
  scheduleContinuation: ({ context, event }: Args, { stage }: P) => {
    const interruptions = (context.stages[stage] as StageFacts).interruptions + 1;
    const policy = context.policy[stage] as RunContext['policy'][string];
    const wait = interruptions === 1 ? 0 : backoffMs(policy, `${context.runId}/${stage}/lost`, interruptions - 1);
    return {
      attemptOpen: false,
      ending: null,
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
    return { ending: { kind: 'timeout' as const, failure: { code: 'timeout', message, retryable: true } } };
  },
  noteVerifyTimeout: (_: Args, { stage }: P) => {
    const message = `checking the files of ${stage} took longer than 60 s`;
    return { ending: { kind: 'timeout' as const, failure: { code: 'verify-timeout', message, retryable: true } } };
  },
  noteSilence: ({ event }: Args, { stage }: P) => {
    const seconds = event.type === 'HEARTBEAT_LATE' ? Math.round(event.silent_ms / 1000) : 0;
    const message = `${stage} gave no sign of life for ${seconds} s`;
    return { ending: { kind: 'heartbeat' as const, failure: { code: 'heartbeat', message, retryable: true } } };
  },
  noteInterrupted: ({ event }: Args) => {
    const message = event.type === 'INTERRUPTED' ? event.message : failureOf(event).message;
    return { ending: { kind: 'interrupted' as const, failure: { code: 'interrupted', message, retryable: true } } };
  },
  noteError: ({ context, event }: Args) => ({ error: located(context, failureOf(event)) }),
  noteFault: ({ context, event }: Args) => ({
    error: located(
      context,
      event.type === 'FAULT'
        ? { code: event.code, message: `${event.message} (during ${event.during})`, retryable: false }
        : failureOf(event),
    ),
  }),
  notePreflightTimeout: () => ({
    error: { code: 'preflight-timeout', message: 'the checks before the first stage took longer than 30 s', retryable: true },
  }),
  noteRunTimeout: ({ context }: Args) => ({
    error: located(context, {
      code: 'run-timeout',
      message: `the run was still working after its timeout of ${(context.runTimeoutMs ?? 0) / 1000} s`,
      retryable: true,
    }),
  }),
  noteStop: ({ event }: Args) =>
    event.type === 'STOP' ? { stop: { reason: event.reason, by: event.by, at: event.at, graceMs: event.grace_ms } } : {},
  /** The attempt that was open when the run failed or stopped: its processes are gone now. */
  closeFailed: ({ context, event }: Args) =>
    context.attemptOpen && context.stage
      ? { attemptOpen: false, ...change(context, context.stage, { state: 'failed', endedAt: event.at }) }
      : {},
  closeStopped: ({ context, event }: Args) => {
    const stage = context.stage;
    const state = stage ? context.stages[stage]?.state : null;
    return stage && (state === 'running' || state === 'retrying')
      ? { attemptOpen: false, ...change(context, stage, { state: 'stopped', endedAt: event.at }) }
      : {};
  },
  endRun: ({ event }: Args) => ({ endedAt: event.at }),
} satisfies Record<string, (args: Args, params: P) => Partial<RunContext>>;

type Said = (args: Args, params: P) => NewEvent;
/** An event of an attempt; called before the assign of the same edge, while `ending` still tells the cause. */
const ofAttempt = (context: RunContext, stage: string) => ({ stage, attempt: context.stages[stage]?.attempt ?? 0 });

/** The emits of the chart: one fact, one event (I7). They stand before the assigns of their edge unless they need its result. */
export const says = {
  sayStarted: ({ context }, { stage }) => ({
    ...ofAttempt(context, stage),
    event: 'started',
    severity: 'info',
    msg: `attempt ${attemptOf(context)} of ${stage} started`,
    data: { timeout_ms: context.policy[stage]?.timeoutMs, heartbeat_ms: context.policy[stage]?.heartbeatMs },
  }),
  saySucceeded: ({ context }, { stage }) => ({
    ...ofAttempt(context, stage),
    event: 'succeeded',
    severity: 'info',
    msg: `${stage} succeeded`,
    data: { outputs: context.stages[stage]?.outputs ?? {}, metrics: context.stages[stage]?.metrics ?? {} },
  }),
  saySkipped: ({ context }, { stage }) => ({
    ...ofAttempt(context, stage),
    event: 'skipped',
    severity: 'info',
    msg: `${stage} skipped: ${context.stages[stage]?.reason ?? ''}`,
    data: { reason: context.stages[stage]?.reason ?? null },
  }),
  sayFailed: ({ context, event }, { stage }) => {
    const failure = context.ending?.failure ?? failureOf(event);
    return { ...ofAttempt(context, stage), event: 'failed', severity: 'warning', msg: failure.message, data: { error: failure } };
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
    data: { delay_ms: context.backoffMs, due_at: context.retryAt, reason: context.stages[stage]?.reason ?? null },
  }),
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
