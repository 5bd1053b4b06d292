/** What the choice looks at. */
type Facts = { number: number; isLive: boolean; hasLock: boolean; id: string | null };

/**
 * Which run a pipeline shows: the newest that has the lock, else the first that waits for it, else
 * the latest; service and client choose by this one rule. `reset` = the run that a reset hides;
 * `isHidden` = the pipeline shows IDLE.
 */
export const shownOf = <T>(
  runs: readonly T[],
  factsOf: (run: T) => Facts,
  reset: string | null | undefined,
): { run: T | null; isHidden: boolean } => {
  const newest = runs
    .map((run) => ({ run, ...factsOf(run) }))
    .toSorted((a, b) => b.number - a.number);
  const live = newest.filter(({ isLive }) => isLive);
  const found = live.find(({ hasLock }) => hasLock) ?? live.at(-1) ?? newest[0];
  return {
    run: found?.run ?? null,
    isHidden: !found || (!found.isLive && reset === found.id),
  };
};
