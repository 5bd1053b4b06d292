import type { Failure } from '../wire/failure.ts';
import { backoffMs } from './backoff.ts';
import type { Args, Asked, RunContext, RunEvent, StageFacts, StageParams } from './context.ts';
import {
  answerOf,
  askedBy,
  change,
  factsOf,
  failureOf,
  located,
  over,
  policyOf,
  rearmed,
  rested,
} from './facts.ts';
import { classOf } from './guards.ts';

type Change = (args: Args, params: StageParams) => Partial<RunContext>;

/** Its processes are gone after all. */
const unstuck = (context: RunContext, stage: string): Pick<StageFacts, 'stuck'> =>
  factsOf(context, stage).stuck ? { stuck: null } : {};
/** The attempt is over, and the next one waits. */
const waiting = (waitMs: number, at: number) =>
  ({ ...over, state: 'retrying', backoffMs: waitMs, retryAt: at + waitMs }) as const;
/** The attempt is being ended; what follows is judged when its processes are gone. */
const endingFor = (
  context: RunContext,
  stage: string,
  kind: NonNullable<StageFacts['ending']>['kind'],
  failure: Omit<Failure, 'retryable'>,
): Partial<RunContext> =>
  change(context, stage, { ending: { kind, failure: { ...failure, retryable: true } } });

const because = (reason: string | null): string => (reason ? `: ${reason}` : '');
/** Nobody came before the deadline: then the file has decided. */
export const decisionOf = (event: RunEvent): Asked =>
  event.type === 'APPROVE' || event.type === 'REJECT'
    ? { by: event.by, reason: event.reason }
    : { by: 'system', reason: 'nobody has answered before the deadline' };
export const rejectionOf = (event: RunEvent, stage: string): Failure => {
  const { by, reason } = decisionOf(event);
  return event.type === 'REJECT'
    ? {
        code: 'rejected',
        message: `${stage} was rejected by ${by}${because(reason)}`,
        retryable: false,
      }
    : {
        code: 'approval-timeout',
        message: `nobody has approved ${stage} before its deadline`,
        retryable: false,
      };
};
const totalFailure = (context: RunContext, stage: string): Failure => ({
  code: 'stage-timeout',
  message: `all attempts of ${stage} together took longer than its total_timeout of ${(policyOf(context, stage).totalTimeoutMs ?? 0) / 1000} s`,
  retryable: true,
});

/**
 * The assigns of a stage: what each fact changes in its facts. Pure; time comes in with the event.
 */
export const stageFacts = {
  enterStage: ({ context, event }, { stage }) => {
    const total = policyOf(context, stage).totalTimeoutMs ?? null;
    const limit = total === null ? null : { leftMs: total, armedAt: event.at };
    return { stage, ...change(context, stage, { limit }) };
  },
  holdStage: ({ context, event }, { stage }) => ({
    runLimit: rested(context.runLimit, event.at),
    ...change(context, stage, {
      state: 'paused',
      retryAt: null,
      limit: rested(factsOf(context, stage).limit, event.at),
    }),
  }),
  /** Beside others: what is left of the run's limit is asked of all of them. */
  holdBeside: ({ context, event }, { stage }) =>
    change(context, stage, {
      state: 'paused',
      retryAt: null,
      limit: rested(factsOf(context, stage).limit, event.at),
    }),
  releaseBeside: ({ context, event }, { stage }) =>
    change(context, stage, { limit: rearmed(factsOf(context, stage).limit, event.at) }),
  releaseStage: ({ context, event }, { stage }) => ({
    runLimit: rearmed(context.runLimit, event.at),
    ...change(context, stage, { limit: rearmed(factsOf(context, stage).limit, event.at) }),
  }),
  noteSkip: ({ context, event }, { stage }) => {
    const asked = askedBy(event);
    const message = `${stage} is being skipped by ${asked.by}`;
    return change(context, stage, {
      skip: { ...asked, outputs: event.type === 'SKIP_STAGE' ? event.outputs : null },
      ending: { kind: 'skip', failure: { code: 'skipped', message, retryable: false } },
    });
  },
  /** The stage is over because somebody said so; its attempt, if one was open, with it. */
  passOver: ({ context, event }, { stage }) => {
    const { skip } = factsOf(context, stage);
    const { by, reason } = skip ?? askedBy(event);
    const outputs = skip?.outputs ?? (event.type === 'SKIP_STAGE' ? event.outputs : null) ?? {};
    const said = `skipped by ${by}${reason ? `: ${reason}` : ''}`;
    const facts = { state: 'skipped', endedAt: event.at, outputs, reason: said } as const;
    return {
      stuck: null,
      ...change(context, stage, { ...over, ...unstuck(context, stage), ...facts }),
    };
  },
  noteStageTimeout: ({ context }, { stage }) => ({
    error: located(context, totalFailure(context, stage), stage),
  }),
  /** The same where the failure is allowed: whoever has asked to skip the stage gets that. */
  noteTotal: ({ context }, { stage }) =>
    factsOf(context, stage).ending?.kind === 'skip'
      ? {}
      : change(context, stage, {
          ending: { kind: 'total', failure: totalFailure(context, stage) },
        }),
  /** No retry is left, and the run goes on without what the stage was for. */
  allowFailure: ({ context, event }, { stage }) => {
    const { message } = factsOf(context, stage).ending?.failure ?? failureOf(event);
    const facts = { state: 'failed', endedAt: event.at, reason: message } as const;
    return {
      stuck: null,
      ...change(context, stage, { ...over, ...unstuck(context, stage), ...facts }),
    };
  },
  /** It waits for somebody; limits stand still. */
  requestApproval: ({ context, event }, { stage }) => {
    const deadlineMs = policyOf(context, stage).approval?.deadlineMs ?? null;
    return {
      stage,
      runLimit: rested(context.runLimit, event.at),
      ...change(context, stage, {
        state: 'awaiting_approval',
        startedAt: factsOf(context, stage).startedAt ?? event.at,
        decidedAt: deadlineMs === null ? null : event.at + deadlineMs,
      }),
    };
  },
  approveStage: ({ context, event }, { stage }) => {
    const { by, reason } = decisionOf(event);
    const outputs = { approved_by: by, reason, at: new Date(event.at).toISOString() };
    const facts = { state: 'succeeded', endedAt: event.at, decidedAt: null, outputs } as const;
    return change(context, stage, { ...facts, reason: `approved by ${by}${because(reason)}` });
  },
  rejectStage: ({ context, event }, { stage }) => {
    const error = rejectionOf(event, stage);
    const facts = { state: 'failed', endedAt: event.at, decidedAt: null } as const;
    return {
      rejected: true,
      error: { ...error, stage, attempt: null },
      ...change(context, stage, { ...facts, reason: error.message }),
    };
  },
  beginAttempt: ({ context, event }, { stage }) => {
    const { attempt, startedAt } = factsOf(context, stage);
    return {
      stage,
      stuck: null,
      ...change(context, stage, {
        state: 'running',
        attempt: attempt + 1,
        attemptOpen: true,
        ending: null,
        ...unstuck(context, stage),
        retryAt: null,
        startedAt: startedAt ?? event.at,
        attemptStartedAt: event.at,
        reason: null,
      }),
    };
  },
  keepAnswer: ({ context, event }, { stage }) => {
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
  completeStage: ({ context, event }, { stage }) =>
    change(context, stage, { attemptOpen: false, state: 'succeeded', endedAt: event.at }),
  skipStage: ({ context, event }, { stage }) => {
    const { outputs = {}, metrics = {}, skipped = null } = answerOf(event);
    const facts = { state: 'skipped', endedAt: event.at, outputs, metrics } as const;
    return change(context, stage, { attemptOpen: false, ...facts, reason: skipped });
  },
  /** The attempt has failed and another one follows; the judgement was the guard's. */
  scheduleRetry: ({ context, event }, { stage }) => {
    const facts = factsOf(context, stage);
    const failure = facts.ending?.failure ?? failureOf(event);
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
      stuck: null,
      retryCount: context.retryCount + 1,
      ...change(context, stage, {
        ...waiting(wait, event.at),
        ...unstuck(context, stage),
        reason: failure.message,
        ...(retriesOf.length > 0 && { retriesOf }),
      }),
    };
  },
  /**
   * An interruption uses up no retry. The first one continues at once; a crash loop backs off like
   * any failure.
   */
  scheduleContinuation: ({ context, event }, { stage }) => {
    const interruptions = factsOf(context, stage).interruptions + 1;
    const policy = policyOf(context, stage);
    const wait =
      interruptions === 1
        ? 0
        : backoffMs(policy, `${context.runId}/${stage}/lost`, interruptions - 1);
    return {
      stuck: null,
      ...change(context, stage, {
        ...waiting(wait, event.at),
        ...unstuck(context, stage),
        interruptions,
        reason: 'interrupted',
      }),
    };
  },
  /** No retry is left: the failure becomes the run's. */
  failStage: ({ context, event }, { stage }) => {
    const { ending } = factsOf(context, stage);
    const error = located(context, ending?.failure ?? failureOf(event), stage);
    const facts = { state: 'failed', endedAt: event.at, reason: error.message } as const;
    return { error, ...change(context, stage, { attemptOpen: false, ending: null, ...facts }) };
  },
  /** Beside others: it becomes the run's when they are over. */
  failBeside: ({ context, event }, { stage }) => {
    const { ending } = factsOf(context, stage);
    const failure = located(context, ending?.failure ?? failureOf(event), stage);
    const facts = { state: 'failed', endedAt: event.at, reason: failure.message, failure } as const;
    return change(context, stage, { ...over, ...unstuck(context, stage), ...facts });
  },
  noteStageStuck: ({ context, event }, { stage }) =>
    event.type === 'DRAIN_LATE' ? change(context, stage, { stuck: { pids: event.pids } }) : {},
  noteStageReleased: ({ context }, { stage }) => change(context, stage, { stuck: null }),
  noteTimeout: ({ context }, { stage }) => {
    const seconds = policyOf(context, stage).timeoutMs / 1000;
    const message = `${stage} was still working after its timeout of ${seconds} s`;
    return endingFor(context, stage, 'timeout', { code: 'timeout', message });
  },
  noteVerifyTimeout: ({ context }, { stage }) => {
    const message = `checking the files of ${stage} took longer than 60 s`;
    return endingFor(context, stage, 'timeout', { code: 'verify-timeout', message });
  },
  noteSilence: ({ context, event }, { stage }) => {
    const seconds = event.type === 'HEARTBEAT_LATE' ? Math.round(event.silent_ms / 1000) : 0;
    const message = `${stage} gave no sign of life for ${seconds} s`;
    return endingFor(context, stage, 'heartbeat', { code: 'heartbeat', message });
  },
  noteInterrupted: ({ context, event }, { stage }) => {
    const message = event.type === 'INTERRUPTED' ? event.message : failureOf(event).message;
    return endingFor(context, stage, 'interrupted', { code: 'interrupted', message });
  },
} satisfies Record<string, Change>;
