import type { RunContext, StagePolicy } from './context.ts';
import type { Failure } from './failure.ts';

type Args = { context: RunContext; event: { type: string; error?: Failure; output?: unknown } };
type StageParams = { stage: string };

/** Attempts that count against the retries: an interruption is our fault, not the stage's (I9). */
const countedAttempts = (context: RunContext, stage: string) => {
  const facts = context.stages[stage];
  return facts ? facts.attempt - facts.interruptions : 0;
};

const mayRetry = (context: RunContext, stage: string, failure: Failure | undefined) => {
  const policy = context.policy[stage];
  if (!policy || !failure?.retryable || isNever(policy, failure)) return false;
  return countedAttempts(context, stage) <= policy.retries;
};

const isNever = (policy: StagePolicy, failure: Failure) =>
  policy.neverOn.codes.includes(failure.code) ||
  (failure.exit_code !== undefined && failure.exit_code !== null && policy.neverOn.exitCodes.includes(failure.exit_code));

/** One table: the chart's guards and the sentence said when one does not hold come from the same row. */
export const guardTable = {
  wasSkipped: {
    test: ({ event }: Args) => typeof (event.output as { skipped?: unknown } | null)?.skipped === 'string',
    why: 'the stage did not ask to be skipped',
  },
  wasInterrupted: {
    test: ({ event }: Args) => event.error?.code === 'interrupted',
    why: 'the attempt was not interrupted from outside',
  },
  canRetry: {
    test: ({ context, event }: Args, { stage }: StageParams) => mayRetry(context, stage, event.error),
    why: 'no retry is left, or the failure is one that trying again cannot mend',
  },
  canRetryEnded: {
    test: ({ context }: Args, { stage }: StageParams) =>
      context.ending?.kind !== 'interrupted' && mayRetry(context, stage, context.ending?.failure),
    why: 'no retry is left for the attempt that was ended',
  },
  mayContinue: {
    test: ({ context }: Args, { stage }: StageParams) =>
      context.ending?.kind === 'interrupted' && context.policy[stage]?.onRestart === 'retry',
    why: 'the stage says on_restart: fail',
  },
} as const;

export type GuardName = keyof typeof guardTable;
