import { signalOfExit } from '../definition/signals.ts';
import type { FailureMatch } from '../definition/stage-retry.ts';
import type { Failure } from '../wire/failure.ts';
import type { Args, RunContext, RunEvent, StageParams, StagePolicy } from './context.ts';
import { answerOf, factsOf, groupOf, membersOf, policyOf, stuckOf } from './facts.ts';

type Row<Params> = {
  test: (args: Args, params: Params) => boolean;
  /** Said when it does not hold; it may name what was judged. */
  why: string | ((context: RunContext, event: RunEvent, params: Params) => string);
};

/** Attempts that count against the retries: an interruption is our fault, not the stage's (I9). */
export const countedAttempts = (context: RunContext, stage: string) => {
  const facts = context.stages[stage];
  return facts ? facts.attempt - facts.interruptions : 0;
};

export const matches = (on: FailureMatch, { code, exit_code, signal }: Failure): boolean => {
  // A shell in between turns the signal into an exit code.
  const name = signal ?? (typeof exit_code === 'number' && signalOfExit(exit_code)?.name);
  return (
    on.codes.includes(code) ||
    (typeof exit_code === 'number' && on.exitCodes.includes(exit_code)) ||
    (typeof name === 'string' && (on.signals ?? []).includes(name))
  );
};

/** The place of the first class that the failure belongs to; -1 when it belongs to none. */
export const classOf = (policy: StagePolicy, failure: Failure): number =>
  (policy.classes ?? []).findIndex(({ on }) => matches(on, failure));

const mayRetry = (context: RunContext, stage: string, failure: Failure | undefined) => {
  const policy = context.policy[stage];
  if (!policy || !failure?.retryable || matches(policy.neverOn, failure)) return false;
  const place = classOf(policy, failure);
  const limit = policy.classes?.[place]?.limit;
  if (limit !== undefined && (context.stages[stage]?.retriesOf?.[place] ?? 0) >= limit)
    return false;
  return countedAttempts(context, stage) <= policy.retries;
};

const isHeld = (context: RunContext, stage: string): boolean =>
  context.stages[stage]?.state === 'paused';
const isOver = (context: RunContext, stage: string): boolean =>
  ['succeeded', 'skipped', 'reused', 'failed'].includes(context.stages[stage]?.state ?? '');
const nothingToHold = (context: RunContext, stage: string): boolean => {
  const policy = context.policy[stage];
  return policy?.isLast === true && countedAttempts(context, stage) > policy.retries;
};

/** What a skip names: this stage unless it says another. */
const skipped = (event: RunEvent, stage: string) =>
  event.type === 'SKIP_STAGE'
    ? { stage: event.stage ?? stage, outputs: event.outputs }
    : { stage, outputs: null };

/**
 * The guards of a stage, each with the sentence said when it does not hold: one row, so that they
 * cannot differ.
 */
export const stageGuards = {
  wasSkipped: {
    test: ({ event }) => typeof answerOf(event).skipped === 'string',
    why: 'the stage did not ask to be skipped',
  },
  wasInterrupted: {
    test: ({ event }) => 'error' in event && event.error.code === 'interrupted',
    why: 'the attempt was not interrupted from outside',
  },
  canRetry: {
    test: ({ context, event }, { stage }) =>
      'error' in event && mayRetry(context, stage, event.error),
    why: 'no retry is left, or the failure is one that trying again cannot mend',
  },
  canRetryEnded: {
    test: ({ context }, { stage }) => {
      const { ending } = factsOf(context, stage);
      return (
        (ending?.kind === 'timeout' || ending?.kind === 'heartbeat') &&
        mayRetry(context, stage, ending.failure)
      );
    },
    why: 'no retry is left for the attempt that was ended',
  },
  mayContinue: {
    test: ({ context }, { stage }) =>
      factsOf(context, stage).ending?.kind === 'interrupted' &&
      policyOf(context, stage).onRestart === 'retry',
    why: 'the stage says on_restart: fail',
  },
  endsToSkip: {
    test: ({ context }, { stage }) => factsOf(context, stage).ending?.kind === 'skip',
    why: 'nobody asked to skip the stage',
  },
  hasBegun: {
    test: ({ context }, { stage }) => factsOf(context, stage).attempt > 0,
    why: 'no attempt of the stage has begun',
  },
  isReused: {
    test: ({ context }, { stage }) => factsOf(context, stage).state === 'reused',
    why: 'no earlier run has done the stage',
  },
  mayPause: {
    test: ({ context }, { stage }) =>
      !isHeld(context, stage) && !isOver(context, stage) && !nothingToHold(context, stage),
    why: (context, _, { stage }) =>
      isHeld(context, stage)
        ? 'the run is paused already'
        : 'it is the last stage and its last attempt: nothing follows that a pause could hold back',
  },
  maySkip: {
    test: ({ context, event }, { stage }) => {
      const asked = skipped(event, stage);
      const isUsed = (policyOf(context, stage).usedBy ?? []).length > 0;
      return asked.stage === stage && (!isUsed || asked.outputs !== null);
    },
    why: (context, event, { stage }) => {
      const asked = skipped(event, stage);
      const group = groupOf(context, stage);
      if (asked.stage !== stage && !group?.stages.includes(asked.stage))
        return `the run is at ${group ? '' : 'stage '}${group?.name ?? stage}, not ${asked.stage}`;
      if (isOver(context, asked.stage)) return `${asked.stage} is over already`;
      const users = policyOf(context, asked.stage).usedBy ?? [];
      return users.length > 0 && asked.outputs === null
        ? `${users.join(', ')} uses the outputs of ${asked.stage}; give \`outputs\` to skip it all the same`
        : `${asked.stage} is being ended or its files are checked; ask again when that is over`;
    },
  },
  /** The event names this stage, or none because only this one can be meant. */
  isMeant: {
    test: ({ event }, { stage }) => ('stage' in event ? (event.stage ?? stage) : stage) === stage,
    why: (context, event, { stage }) => {
      const other = ('stage' in event && event.stage) || 'another stage';
      return factsOf(context, stage).state === 'awaiting_approval'
        ? `${stage} waits for approval, not ${other}`
        : `${other} is meant, not ${stage}`;
    },
  },
  isStageStuck: {
    test: ({ context }, { stage }) => (factsOf(context, stage).stuck ?? null) !== null,
    why: 'every process of the stage can still be ended; stop the run',
  },
} satisfies Record<string, Row<StageParams>>;

/** The chart itself broke, maybe after all was decided. */
const isBroken = ({ error }: RunContext): boolean => error?.code === 'chart-fault';

/** The guards of the run as a whole. */
export const runGuards = {
  pauseAsked: {
    test: ({ context }) => (context.pause ?? null) !== null,
    why: 'no pause is asked for',
  },
  namesGrace: {
    test: ({ event }) => event.type === 'STOP' && event.grace_ms !== null,
    why: 'only a stop that names grace_ms ends hooks',
  },
  isConcluded: {
    test: ({ context }) => (context.conclusion ?? null) !== null,
    why: 'what comes of the run is not decided yet',
  },
  hasFailed: {
    test: ({ context }) => context.conclusion?.as === 'failed' || isBroken(context),
    why: 'the run has not failed',
  },
  wasStopped: {
    test: ({ context }) => context.conclusion?.as === 'stopped',
    why: 'nobody has stopped the run',
  },
  isStuck: {
    test: ({ context }) => stuckOf(context) !== null,
    why: 'every process of the run can still be ended; stop it',
  },
  /** `stage` is the name of a group, here and in the next one. */
  hasGroupFailed: {
    test: ({ context }, params) => {
      const members = membersOf(context, params?.stage);
      return (
        members.every((name) => isOver(context, name)) &&
        // One that is allowed is none of the run.
        members.some((name) => (factsOf(context, name).failure ?? null) !== null)
      );
    },
    why: 'no stage of the group has failed, or others still work',
  },
  isGroupOver: {
    test: ({ context }, params) =>
      membersOf(context, params?.stage).every((name) => isOver(context, name)),
    why: 'not every stage of the group is over',
  },
} satisfies Record<string, Row<StageParams | undefined>>;

const table: Record<string, Row<StageParams>> = { ...stageGuards, ...runGuards };

type Judged = { guard: string; holds: boolean; why: () => string };
/** What a guard of a chart says of an event, and the sentence for where it does not hold. */
export const judge = (guard: string, { context, event }: Args, params: StageParams): Judged => {
  const { test, why } = table[guard] as Row<StageParams>;
  return {
    guard,
    holds: test({ context, event }, params),
    why: () => (typeof why === 'string' ? why : why(context, event, params)),
  };
};
