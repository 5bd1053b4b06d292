import { createHash } from 'node:crypto';
import type { ScheduleDefinition } from '../../definition/schedule.ts';
import { createSkipRule, type Skip, type SkipDays } from './calendar.ts';
import { instantOfMoment, localText } from './moment.ts';
import { type Time, timesOf } from './times.ts';
import { zoneOf } from './zone.ts';

/** An instant at which a schedule is due, and all that is known of it beforehand. */
export type PlannedSlot = {
  slot: number;
  /** `slot` plus its jitter; never beyond the next slot. */
  fireAt: number;
  /** The local time with its distance from UTC. */
  local: string;
  /** The schedule itself leaves it out. */
  skip: Skip | null;
  notes: string[];
};
export type Plan = {
  /** Every slot later than `after`, in order, as far as anybody reads on. */
  slots(after: number): Generator<PlannedSlot>;
  /** Slots later than `after` and not later than `until`, at most `limit`. */
  between(after: number, until: number, limit: number): PlannedSlot[];
};

/**
 * A number from 0 to 1 that belongs to this slot of this schedule: the same in every process and
 * after every restart.
 */
const jitterShare = (id: string, slot: number): number =>
  createHash('sha256').update(`${id} ${slot}`).digest().readUInt32BE() / 2 ** 32;

/**
 * The one place that knows when a schedule is due: what is previewed, shown as next and fired all
 * comes from here. It has no clock.
 * @throws Error when the cron pattern is invalid
 */
export const planOf = (
  id: string,
  definition: ScheduleDefinition,
  skipDays: SkipDays = new Map(),
): Plan => {
  const zone = zoneOf(definition.timezone);
  const times = timesOf(definition, zone);
  const skipRule = createSkipRule(definition, zone, skipDays);
  const start =
    definition.start === null ? Number.NEGATIVE_INFINITY : instantOfMoment(definition.start, zone);
  const end =
    definition.end === null ? Number.POSITIVE_INFINITY : instantOfMoment(definition.end, zone);

  const planned = ({ instant, notes, clocks }: Time, following: number): PlannedSlot => {
    const jitterMs =
      definition.jitterMs === 0
        ? 0
        : Math.floor(jitterShare(id, instant) * Math.min(definition.jitterMs, following - instant));
    const detail = notes.join('; ');
    const byClocks: Skip | null =
      clocks === 'again'
        ? { reason: 'dst-fold', detail }
        : clocks === 'gap' && definition.dstGap === 'skip'
          ? { reason: 'dst-gap', detail }
          : null;
    return {
      slot: instant,
      fireAt: instant + jitterMs,
      local: localText(instant, zone),
      skip: byClocks ?? skipRule(instant),
      notes,
    };
  };
  const slots = function* (after: number): Generator<PlannedSlot> {
    const source = times(Math.max(after, start - 1));
    let held: Time | null = null;
    for (const time of source) {
      if (time.instant >= end) break;
      // Jitter needs to know what follows; without it nobody waits for that.
      if (definition.jitterMs === 0) yield planned(time, time.instant);
      else {
        if (held) yield planned(held, time.instant);
        held = time;
      }
    }
    if (held) yield planned(held, Number.POSITIVE_INFINITY);
  };
  return {
    slots,
    between: (after, until, limit) => {
      const found: PlannedSlot[] = [];
      if (limit > 0)
        for (const slot of slots(after)) {
          if (slot.slot > until || found.push(slot) >= limit) break;
        }
      return found;
    },
  };
};
