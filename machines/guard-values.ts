import type { Failure } from '../wire/failure.ts';
import type { Args, RunContext, StageParams } from './context.ts';
import { answerOf, factsOf, membersOf, policyOf, stuckOf } from './facts.ts';
import { classOf, countedAttempts, matches, type runGuards, type stageGuards } from './guards.ts';

type Show = (args: Args, params: StageParams) => string;

/** What a retry hangs on: the first that forbids it, else the attempts. */
const ofRetry = (context: RunContext, stage: string, failure: Failure | undefined): string => {
  if (!failure) return 'nothing has failed';
  const policy = policyOf(context, stage);
  const { code, exit_code } = failure;
  const named = typeof exit_code === 'number' ? `${code} ${exit_code}` : code;
  if (!failure.retryable) return `${named}: trying again cannot help`;
  if (matches(policy.neverOn, failure)) return `${named} is in never_on`;
  const place = classOf(policy, failure);
  const limit = policy.classes?.[place]?.limit;
  const taken = factsOf(context, stage).retriesOf?.[place] ?? 0;
  if (limit !== undefined && taken >= limit) return `retries on ${named}: ${taken} ≥ ${limit}`;
  const most = policy.retries + 1;
  const counted = countedAttempts(context, stage);
  return `attempt ${counted} ${counted < most ? '<' : '≥'} ${most}`;
};
const endingOf = (context: RunContext, stage: string): string => {
  const kind = factsOf(context, stage).ending?.kind ?? null;
  return kind === null ? `nothing ends ${stage}` : `${stage} is ended by ${kind}`;
};
const concludedAs = ({ conclusion }: RunContext): string =>
  conclusion ? `the run is ${conclusion.as}` : 'nothing is decided yet';
const stateOf = (context: RunContext, stage: string): string =>
  `${stage} is ${factsOf(context, stage).state}`;

const heldOf = (stuck: { pids: number[] } | null): string =>
  stuck ? `held by the kernel: ${stuck.pids.join(', ')}` : 'no process is held';
/** `group` is the name of a group. */
const membersNow = (context: RunContext, group: string): string =>
  membersOf(context, group)
    .map((stage) => stateOf(context, stage))
    .join(', ');

/**
 * What each guard judges, in words and with its values, whether it holds or not. A guard that is
 * missing here does not compile.
 */
const table: Record<keyof typeof stageGuards | keyof typeof runGuards, Show> = {
  wasSkipped: ({ event }) => {
    const { skipped } = answerOf(event);
    return typeof skipped === 'string' ? `skipped: ${skipped}` : 'skipped: no';
  },
  wasInterrupted: ({ event }) =>
    'error' in event ? `code is ${event.error.code}` : 'nothing has failed',
  canRetry: ({ context, event }, { stage }) =>
    ofRetry(context, stage, 'error' in event ? event.error : undefined),
  canRetryEnded: ({ context }, { stage }) => {
    const { ending } = factsOf(context, stage);
    return ending?.kind === 'timeout' || ending?.kind === 'heartbeat'
      ? ofRetry(context, stage, ending.failure)
      : endingOf(context, stage);
  },
  mayContinue: ({ context }, { stage }) =>
    `${endingOf(context, stage)}, on_restart is ${policyOf(context, stage).onRestart}`,
  endsToSkip: ({ context }, { stage }) => endingOf(context, stage),
  hasBegun: ({ context }, { stage }) => `attempt ${factsOf(context, stage).attempt}`,
  namesGrace: ({ event }) =>
    event.type === 'STOP' && event.grace_ms !== null
      ? `grace_ms is ${event.grace_ms}`
      : 'no grace_ms is named',
  isConcluded: ({ context }) => concludedAs(context),
  hasFailed: ({ context }) => concludedAs(context),
  wasStopped: ({ context }) => concludedAs(context),
  isReused: ({ context }, { stage }) => stateOf(context, stage),
  mayPause: ({ context }, { stage }) => {
    const { retries, isLast } = policyOf(context, stage);
    const counted = countedAttempts(context, stage);
    return isLast === true && counted > retries
      ? `the last stage, attempt ${counted} ≥ ${retries + 1}`
      : stateOf(context, stage);
  },
  maySkip: ({ context, event }, { stage }) => {
    const given = event.type === 'SKIP_STAGE' ? event : { stage: null, outputs: null };
    const users = policyOf(context, stage).usedBy ?? [];
    return [
      `${given.stage ?? stage} is meant, ${stage} is here`,
      users.length > 0 ? `${users.join(', ')} uses its outputs` : 'nobody uses its outputs',
      given.outputs ? 'outputs are given' : 'none are given',
    ].join('; ');
  },
  pauseAsked: ({ context }) =>
    context.pause ? `asked by ${context.pause.by || 'somebody'}` : 'nobody asked',
  isStuck: ({ context }) => heldOf(stuckOf(context)),
  isMeant: ({ event }, { stage }) =>
    `${('stage' in event && event.stage) || stage} is meant, ${stage} is here`,
  isStageStuck: ({ context }, { stage }) => heldOf(factsOf(context, stage).stuck ?? null),
  hasGroupFailed: ({ context }, { stage }) => membersNow(context, stage),
  isGroupOver: ({ context }, { stage }) => membersNow(context, stage),
};

export const valuesOf = (guard: string, args: Args, params: StageParams): string =>
  table[guard as keyof typeof table](args, params);
