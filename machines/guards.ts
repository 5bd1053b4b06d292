import { signalOfExit } from '../definition/signals.ts';
import type { FailureMatch } from '../definition/stage-retry.ts';
import type { Failure } from '../wire/failure.ts';
import type { Queued, RunContext, StagePolicy } from './context.ts';

type Asked = { stage?: string | null; outputs?: unknown };
type Args = {
  context: RunContext;
  event: Omit<Asked, 'outputs'> & {
    type: string;
    error?: Failure;
    output?: unknown;
    queued?: Queued;
  };
};
type StageParams = { stage: string };

/** Attempts that count against the retries: an interruption is our fault, not the stage's (I9). */
const countedAttempts = (context: RunContext, stage: string) => {
  const facts = context.stages[stage];
  return facts ? facts.attempt - facts.interruptions : 0;
};

const matches = (on: FailureMatch, { code, exit_code, signal }: Failure): boolean => {
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
const nothingToHold = (context: RunContext, stage: string): boolean => {
  const policy = context.policy[stage];
  return policy?.isLast === true && countedAttempts(context, stage) > policy.retries;
};

/**
 * One table: the chart's guards and the sentence said when one does not hold come from the same
 * row. A sentence may name what it judged.
 */
export const guardTable = {
  wasSkipped: {
    test: ({ event }: Args) =>
      typeof (event.output as { skipped?: unknown } | null)?.skipped === 'string',
    why: 'the stage did not ask to be skipped',
  },
  wasInterrupted: {
    test: ({ event }: Args) => event.error?.code === 'interrupted',
    why: 'the attempt was not interrupted from outside',
  },
  canRetry: {
    test: ({ context, event }: Args, { stage }: StageParams) =>
      mayRetry(context, stage, event.error),
    why: 'no retry is left, or the failure is one that trying again cannot mend',
  },
  canRetryEnded: {
    test: ({ context }: Args, { stage }: StageParams) =>
      (context.ending?.kind === 'timeout' || context.ending?.kind === 'heartbeat') &&
      mayRetry(context, stage, context.ending.failure),
    why: 'no retry is left for the attempt that was ended',
  },
  mayContinue: {
    test: ({ context }: Args, { stage }: StageParams) =>
      context.ending?.kind === 'interrupted' && context.policy[stage]?.onRestart === 'retry',
    why: 'the stage says on_restart: fail',
  },
  endsToSkip: {
    test: ({ context }: Args) => context.ending?.kind === 'skip',
    why: 'nobody asked to skip the stage',
  },
  isReused: {
    test: ({ context }: Args, { stage }: StageParams) => context.stages[stage]?.state === 'reused',
    why: 'no earlier run has done the stage',
  },
  pauseAsked: {
    test: ({ context }: Args) => (context.pause ?? null) !== null,
    why: 'no pause is asked for',
  },
  mayPause: {
    test: ({ context }: Args, { stage }: StageParams) =>
      !isHeld(context, stage) && !nothingToHold(context, stage),
    why: (context: RunContext) =>
      isHeld(context, context.stage ?? '')
        ? 'the run is paused already'
        : 'it is the last stage and its last attempt: nothing follows that a pause could hold back',
  },
  maySkip: {
    test: ({ context, event }: Args, { stage }: StageParams) =>
      (event.stage ?? stage) === stage &&
      ((context.policy[stage]?.usedBy ?? []).length === 0 ||
        ((event as Asked).outputs ?? null) !== null),
    why: (context: RunContext, event: Asked) => {
      const stage = context.stage ?? '';
      if ((event.stage ?? stage) !== stage)
        return `the run is at stage ${stage}, not ${event.stage}`;
      return `${(context.policy[stage]?.usedBy ?? []).join(', ')} uses the outputs of ${stage}; give \`outputs\` to skip it all the same`;
    },
  },
  isStuck: {
    test: ({ context }: Args) => (context.stuck ?? null) !== null,
    why: 'every process of the run can still be ended; stop it',
  },
} as const;

export type GuardName = keyof typeof guardTable;

/** The sentence of a guard that does not hold. */
export const whyNotHeld = (name: GuardName, context: RunContext, event: object): string => {
  const { why } = guardTable[name];
  return typeof why === 'string' ? why : why(context, event as Asked);
};
