import type { ScheduleDefinition } from '../../definition/schedule.ts';
import { iso } from '../../wire/iso.ts';
import type { Coming } from '../../wire/schedule-view.ts';
import type { PlannedSlot } from '../calendar/planner.ts';

const span = (ms: number): string =>
  ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;

export const medianOf = (values: number[]): number | null => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
};

/** A run that is live now, and when it is likely to be over. */
export type LiveRun = { number: number; state: string; likelyEnd: number };
/** What is known of the pipeline when one looks ahead. */
export type ForecastFacts = {
  /** How long its runs usually take; null = none has ended well yet. */
  usualMs: number | null;
  live: LiveRun | null;
  /** So many of its runs may be live at once. */
  limit: number;
  /** Who waits for a place already, in order; null = a run, else the schedule whose turn it is. */
  queue: (string | null)[];
};
type Policy = Pick<ScheduleDefinition, 'overlap'>;
/** Says slot by slot, in the order in which they fire, what each will do. */
export type Forecast = (schedule: string, planned: PlannedSlot, policy: Policy) => Coming;

const secondMs = 1000;
/** Slots with the same one share their second. */
export const secondOf = (slot: number): number => Math.floor(slot / secondMs);

/**
 * What the slots of a pipeline's schedules will do if runs take as long as usual: the same rules as
 * when they fire, on a line of time that has not come yet.
 */
export const createForecast = ({
  usualMs,
  live,
  limit,
  queue: waiting,
}: ForecastFacts): Forecast => {
  /** When each place is free again. */
  const places = Array.from({ length: limit }, () => Number.NEGATIVE_INFINITY);
  if (live) places[0] = live.likelyEnd;
  let isLive = live !== null;
  let queue = [...waiting];
  /** Who has begun with a slot of this second. */
  let begun: { second: number; schedule: string } | null = null;

  const soonest = (): number => places.indexOf(Math.min(...places));
  /** What fires together meets: even the shortest run is live for the rest of its second. */
  const occupy = (place: number, from: number): void => {
    places[place] = Math.max(from + (usualMs ?? 0), (secondOf(from) + 1) * secondMs);
  };
  /** Those that wait begin when a place is free. */
  const passTo = (now: number): void => {
    for (;;) {
      const place = soonest();
      const free = places[place] as number;
      if (queue.length === 0 || free > now) return;
      queue.shift();
      isLive = false;
      occupy(place, free);
    }
  };

  return (schedule, planned, { overlap }) => {
    const { slot, fireAt, local, skip, notes } = planned;
    const second = secondOf(slot);
    const base = { slot: iso(slot), local, fires_at: iso(fireAt), notes };
    if (skip) return { ...base, predicted: 'left_out', why: skip.detail };
    passTo(fireAt);
    const place = soonest();
    const other = begun?.second === second && begun.schedule !== schedule ? begun.schedule : null;
    const holder =
      isLive && live
        ? `run ${live.number} is ${live.state}`
        : `the run before usually takes ${span(usualMs ?? 0)}`;
    if ((places[place] as number) <= fireAt) {
      // A live run that usually would be over by then is still worth a word.
      const why =
        isLive && live ? `if run ${live.number} (${live.state}) has ended by ${iso(fireAt)}` : null;
      isLive = false;
      begun = { second, schedule };
      occupy(place, fireAt);
      return { ...base, predicted: 'start', why };
    }
    if (queue.includes(schedule))
      return {
        ...base,
        predicted: 'skip',
        why: `will be skipped unless the slot before it, which waits, begins by ${iso(fireAt)}`,
      };
    if (other !== null) {
      queue.push(schedule);
      return { ...base, predicted: 'waiting', why: `runs next: ${sharedWords(other)}` };
    }
    if (overlap === 'skip')
      return {
        ...base,
        predicted: 'skip',
        why: `will be skipped unless the run ends by ${iso(fireAt)}: ${holder}`,
      };
    if (overlap === 'cancel_running') {
      begun = { second, schedule };
      isLive = false;
      // It takes the place of runs that wait, too; slots whose turn it is keep theirs.
      queue = queue.filter((one) => one !== null);
      occupy(place, fireAt);
      return {
        ...base,
        predicted: 'cancel_running',
        why: `will stop the run that is live then: ${holder}`,
      };
    }
    if (queue.length > 0)
      return {
        ...base,
        predicted: 'skip',
        why: `will be skipped unless the run that waits begins by ${iso(fireAt)}`,
      };
    begun = { second, schedule };
    queue.push(null);
    return { ...base, predicted: 'queue', why: `will wait for the run to end: ${holder}` };
  };
};

/** Why a slot waits that shares its second with one of another schedule. */
export const sharedWords = (other: string): string =>
  `schedule ${other} begins a run in the same second`;

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
