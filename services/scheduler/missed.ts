import type { ScheduleDefinition } from '../../definition/schedule.ts';
import type { Plan, PlannedSlot } from '../calendar/planner.ts';

/**
 * A slot begins on time up to this late; a service that was held up is no reason to lose one. Later
 * it is a missed one.
 */
const lateLimitMs = 60_000;
/** So many of the newest slots are looked at, and recorded, one by one. */
const maxSingle = 200;
/** So many older ones are counted; beyond that it is only known that there are more. */
const maxCounted = 2000;

/** Slots that are due and undecided: the newest one by one, those before them as one lot. */
export type Due = {
  slots: PlannedSlot[];
  older: { from: number; to: number; count: number; isMore: boolean } | null;
};

/** What is due at `now`. Its work is bounded, however long nobody looked. */
export const dueSlots = (plan: Plan, decidedTo: number, now: number): Due => {
  const ready = (slots: PlannedSlot[]): PlannedSlot[] => {
    // In order: a slot whose jitter is not over holds up those behind it.
    const waiting = slots.findIndex(({ fireAt }) => fireAt > now);
    return waiting < 0 ? slots : slots.slice(0, waiting);
  };
  const first = plan.between(decidedTo, now, maxSingle + 1);
  if (first.length <= maxSingle) return { slots: ready(first), older: null };
  let newest: PlannedSlot[] = [];
  for (let backMs = 60_000; newest.length < maxSingle; backMs *= 4)
    newest = newestOf(plan, Math.max(decidedTo, now - backMs), now);
  const to = (newest[0] as PlannedSlot).slot - 1;
  const count = plan.between(decidedTo, to, maxCounted).length;
  return {
    slots: ready(newest),
    older:
      count === 0
        ? null
        : { from: (first[0] as PlannedSlot).slot, to, count, isMore: count === maxCounted },
  };
};

/** The newest slots of a window, read page by page. */
const newestOf = (plan: Plan, after: number, until: number): PlannedSlot[] => {
  let newest: PlannedSlot[] = [];
  for (let from = after; ; ) {
    const page = plan.between(from, until, 1000);
    newest = [...newest, ...page].slice(-maxSingle);
    if (page.length < 1000) return newest;
    from = (page.at(-1) as PlannedSlot).slot;
  }
};

export type SlotVerdict = {
  /** Begins now, unless something is in the way. */
  onTime: PlannedSlot | null;
  /** Begins as soon as nothing is in the way, oldest first. */
  makeUp: PlannedSlot[];
  /** Stays undone, by policy. */
  missed: { slot: PlannedSlot; reason: string }[];
  /** Would not have run on time either. */
  leftOut: PlannedSlot[];
};

/** What becomes of due slots. Only the newest can be on time, so nothing ever comes in a burst. */
export const judgeDue = (
  { slots }: Due,
  definition: Pick<ScheduleDefinition, 'missed' | 'missedWindowMs' | 'missedMax'>,
  now: number,
): SlotVerdict => {
  const newest = slots.at(-1);
  const isOnTime = newest !== undefined && now - newest.fireAt <= lateLimitMs;
  const late = isOnTime ? slots.slice(0, -1) : slots;
  const leftOut = late.filter(({ skip }) => skip !== null);
  const candidates = late.filter(({ skip }) => skip === null);
  const { missed: policy, missedWindowMs: windowMs, missedMax } = definition;
  const inWindow = candidates.filter(({ slot }) => now - slot <= windowMs);
  const takesPlace = isOnTime && newest.skip === null;
  const makeUp =
    policy === 'all'
      ? inWindow.slice(-missedMax)
      : policy === 'last' && !takesPlace
        ? inWindow.slice(-1)
        : [];
  const whyNot = (slot: PlannedSlot): string => {
    if (policy === 'none') return 'missed slots are not made up for';
    if (!inWindow.includes(slot)) return `older than missed_window (${windowMs / 1000} s)`;
    if (policy === 'last')
      return takesPlace
        ? 'none is made up for, because the newest slot is on time'
        : 'only the last missed slot is made up for';
    return `more than missed_max (${missedMax}) were missed`;
  };
  // Behind slots that are made up for, the one on time waits its turn: the order of slots is the
  // order of runs.
  const joins = takesPlace && makeUp.length > 0;
  return {
    onTime: isOnTime && !joins ? newest : null,
    makeUp: joins ? [...makeUp, newest] : makeUp,
    missed: candidates
      .filter((slot) => !makeUp.includes(slot))
      .map((slot) => ({ slot, reason: whyNot(slot) })),
    leftOut,
  };
};
