import type { Failure } from '../wire/failure.ts';
import type { Asked, Limit, RunContext, RunEvent, StageFacts, StagePolicy } from './context.ts';

type Answer = {
  outputs?: Record<string, unknown>;
  metrics?: Record<string, number>;
  skipped?: string | null;
  partial?: string | null;
};

export const factsOf = (context: RunContext, stage: string): StageFacts =>
  context.stages[stage] as StageFacts;
export const policyOf = (context: RunContext, stage: string): StagePolicy =>
  context.policy[stage] as StagePolicy;
/** The facts of one stage changed, all others as they are. */
export const change = (
  context: RunContext,
  stage: string,
  facts: Partial<StageFacts>,
): Pick<RunContext, 'stages'> => ({
  stages: { ...context.stages, [stage]: { ...factsOf(context, stage), ...facts } },
});
/** An attempt is over: nothing is open, and nothing ends any more. */
export const over = { attemptOpen: false, ending: null, skip: null, retryAt: null } as const;
/** Those that work beside this stage, itself among them; null when it stands alone. */
export const groupOf = (
  { groups = [] }: Pick<RunContext, 'groups'>,
  stage: string | null,
): { name: string; stages: string[] } | null =>
  groups.find(({ stages }) => stage !== null && stages.includes(stage)) ?? null;
/** The stages of the group of this name. */
export const membersOf = ({ groups = [] }: RunContext, group: string | undefined): string[] =>
  groups.find(({ name }) => name === group)?.stages ?? [];
/** The stage whose failure ended this one, which works beside it. */
export const failedBeside = (context: RunContext, stage: string): string | null => {
  const failed = context.error?.stage ?? stage;
  const isBeside = failed !== stage && groupOf(context, stage)?.stages.includes(failed);
  return isBeside && context.stages[failed]?.state === 'failed' ? failed : null;
};
/** Processes that outlived SIGKILL, wherever the run met them. */
export const stuckOf = ({ stuck, order, stages }: RunContext): { pids: number[] } | null => {
  if (stuck) return stuck;
  const pids = order.flatMap((name) => stages[name]?.stuck?.pids ?? []);
  return pids.length > 0 ? { pids } : null;
};

/** The stages that were begun and are not over. */
export const begunStages = ({ order, stages }: RunContext): string[] =>
  order.filter((name) =>
    ['running', 'retrying', 'paused', 'awaiting_approval'].includes(stages[name]?.state ?? ''),
  );

export const failureOf = (event: RunEvent): Failure =>
  'error' in event
    ? event.error
    : { code: 'internal', message: `no failure in ${event.type}`, retryable: false };
export const answerOf = (event: RunEvent): Answer =>
  'output' in event ? ((event.output as Answer | null) ?? {}) : {};
export const askedBy = (event: RunEvent): Asked =>
  'by' in event ? { by: event.by, reason: event.reason } : { by: 'somebody', reason: null };
/** Where the run stands: of several stages beside each other the first one that is not over. */
const placeOf = (context: RunContext): string | null =>
  groupOf(context, context.stage)?.stages.find((name) => begunStages(context).includes(name)) ??
  context.stage;
/** A failure with the place it happened at, unless it names one itself. */
export const located = (
  context: RunContext,
  failure: Failure,
  stage = placeOf(context),
): Failure => ({
  ...failure,
  stage: failure.stage ?? stage,
  attempt: failure.attempt ?? (stage ? (context.stages[stage]?.attempt ?? null) : null),
});

/** What a limit has left after it ran until now; null when there is none. */
export const rested = (limit: Limit | null | undefined, at: number): Limit | null =>
  limit ? { leftMs: Math.max(0, limit.leftMs - (at - limit.armedAt)), armedAt: at } : null;
export const rearmed = (limit: Limit | null | undefined, at: number): Limit | null =>
  limit ? { ...limit, armedAt: at } : null;
