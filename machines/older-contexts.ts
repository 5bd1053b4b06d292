import type { Limit, RunContext, StageFacts } from './context.ts';

/** What compilers before version 3 kept once for the run: it was about the stage it stood at. */
type OncePerRun = Omit<StageState, 'limit' | 'skip'> & {
  /** Absent in runs of compiler version 1. */
  skip?: StageFacts['skip'];
  stageLimit?: Limit | null;
};
type StageState = Pick<
  StageFacts,
  'attemptOpen' | 'ending' | 'skip' | 'limit' | 'backoffMs' | 'retryAt'
>;
export type OlderContext = Omit<RunContext, 'stages'> &
  OncePerRun & { stages: Record<string, Omit<StageFacts, keyof StageState>> };

/** Of a stage that nothing has happened to. */
const atRest: StageState = {
  attemptOpen: false,
  ending: null,
  skip: null,
  limit: null,
  backoffMs: 0,
  retryAt: null,
};

/**
 * The context of a stored run as today's actions and guards read it. A run keeps the chart it began
 * with, so contexts of every compiler are met for as long as their runs live; they are brought up
 * to date here, once, where a snapshot is revived, and nowhere else. With the next step it is stored
 * in today's shape: nothing in a chart refers to the shape of the context.
 */
export const upToDate = (stored: RunContext | OlderContext): RunContext => {
  if (!('attemptOpen' in stored)) return stored;
  const { attemptOpen, ending, skip, stageLimit, backoffMs, retryAt, stages, ...run } = stored;
  const once = { attemptOpen, ending, backoffMs, retryAt, skip: skip ?? null };
  const current = { ...once, limit: stageLimit ?? null };
  return {
    ...run,
    stages: Object.fromEntries(
      Object.entries(stages).map(([name, facts]) => [
        name,
        { ...facts, ...(name === run.stage ? current : atRest) },
      ]),
    ),
  };
};
