import { rearmed } from '../store/amendments.ts';
import type { TimerRow } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';

type Now = { wallMs: number; monotonicMs: number };
/** Milliseconds until it is due; below 0 when it was due before. */
export const dueIn = ({ clock, dueAt }: TimerRow, { wallMs, monotonicMs }: Now): number =>
  dueAt - (clock === 'wall' ? wallMs : monotonicMs);

/** The timers that are due, in due order. */
export const dueOf = (timers: readonly TimerRow[], now: Now): TimerRow[] =>
  timers
    .filter((timer) => dueIn(timer, now) <= 0)
    .toSorted((a, b) => dueIn(a, now) - dueIn(b, now));

/** Milliseconds until the next timer is due; null when none is armed. */
export const nextDueIn = (timers: readonly TimerRow[], now: Now): number | null =>
  timers.length === 0 ? null : Math.min(...timers.map((timer) => dueIn(timer, now)));

/** Gives limits their full time again (`rearmed`), of all runs in one transaction. */
export const rearmAll = async (
  store: Pick<Store, 'timers' | 'amend'>,
  now: Now & { bootId: string },
): Promise<void> => {
  const runs = new Set((await store.timers()).map(({ runId }) => runId));
  const change = rearmed(now.bootId, now.monotonicMs);
  await store.amend(
    [...runs].map((runId) => ({ runId, change })),
    now.wallMs,
  );
};
