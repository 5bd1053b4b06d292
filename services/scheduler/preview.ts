import type { ScheduleDefinition } from '../../machines/schedule.ts';
import type { Coming } from '../../machines/schedule-view.ts';
import type { PlannedSlot } from './planner.ts';
import { iso } from './views.ts';

const span = (ms: number): string =>
  ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;

export const medianOf = (values: number[]): number | null => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
};

/** A run that is live now, and when it is likely to be over. */
export type LiveRun = { number: number; state: string; likelyEnd: number | null };

/**
 * What the slots will do if runs take as long as usual: the same rules as when they fire, on a line
 * of time that has not come yet.
 */
export const predict = (
  slots: PlannedSlot[],
  overlap: ScheduleDefinition['overlap'],
  usualMs: number | null,
  live: LiveRun | null,
): Coming[] => {
  let busyUntil = live ? (live.likelyEnd ?? Number.POSITIVE_INFINITY) : Number.NEGATIVE_INFINITY;
  let isLive = live !== null;
  /** When the run that waits begins. */
  let waitsUntil = Number.NEGATIVE_INFINITY;
  return slots.map((planned) => {
    const { slot, fireAt, local, skip, notes } = planned;
    const base = { slot: iso(slot), local, fires_at: iso(fireAt), notes };
    if (skip) return { ...base, predicted: 'left_out', why: skip.detail };
    if (fireAt >= busyUntil) {
      // A live run that usually would be over by then is still worth a word.
      const why =
        isLive && live ? `if run ${live.number} (${live.state}) has ended by ${iso(fireAt)}` : null;
      isLive = false;
      busyUntil = usualMs === null ? Number.NEGATIVE_INFINITY : fireAt + usualMs;
      return { ...base, predicted: 'start', why };
    }
    const holder =
      isLive && live
        ? `run ${live.number} is ${live.state}`
        : `the run before usually takes ${span(usualMs ?? 0)}`;
    if (overlap === 'skip')
      return {
        ...base,
        predicted: 'skip',
        why: `will be skipped unless the run ends by ${iso(fireAt)}: ${holder}`,
      };
    if (overlap === 'queue_one') {
      if (waitsUntil > fireAt)
        return {
          ...base,
          predicted: 'skip',
          why: `will be skipped unless the run that waits begins by ${iso(fireAt)}`,
        };
      waitsUntil = busyUntil;
      busyUntil += usualMs ?? 0;
      return { ...base, predicted: 'queue', why: `will wait for the run to end: ${holder}` };
    }
    isLive = false;
    busyUntil = usualMs === null ? Number.NEGATIVE_INFINITY : fireAt + usualMs;
    return {
      ...base,
      predicted: 'cancel_running',
      why: `will stop the run that is live then: ${holder}`,
    };
  });
};

/** What is true of the whole list and worth saying first. */
export const warningsOf = (slots: PlannedSlot[], usualMs: number | null): string[] => {
  const gaps = slots.slice(1).map(({ slot }, index) => slot - (slots[index] as PlannedSlot).slot);
  const shortest = Math.min(...gaps);
  return [
    ...(slots.length === 0 ? ['there is no slot from then on'] : []),
    ...(usualMs !== null && usualMs > shortest
      ? [`runs usually take ${span(usualMs)}, longer than the ${span(shortest)} between slots`]
      : []),
  ];
};
