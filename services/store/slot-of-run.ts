import type { SlotTimes } from '../../definition/slot-values.ts';
import { localText } from '../calendar/moment.ts';
import { zoneOf } from '../calendar/zone.ts';
import type { RunRow } from './run-rows.ts';

/** An instant on the clocks of UTC and of a zone. */
export const slotTimes = (at: number, timezone: string): SlotTimes => ({
  utc: new Date(at).toISOString(),
  local: localText(at, zoneOf(timezone)),
});

/**
 * The slot of a run: that of its schedule, in the schedule's zone. A run that somebody started has
 * its start, in the zone of its pipeline; one that retries another has the first one's.
 */
export const slotOf = ({
  metadata,
  createdAt,
  definition,
}: Pick<RunRow, 'metadata' | 'createdAt' | 'definition'>): SlotTimes => {
  const { slot, slot_local: local } = metadata;
  if (typeof slot !== 'string') return slotTimes(createdAt, definition.timezone);
  return typeof local === 'string'
    ? { utc: slot, local }
    : slotTimes(Date.parse(slot), definition.timezone);
};
