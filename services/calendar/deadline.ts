import type { ScheduleDefinition } from '../../definition/schedule.ts';
import { zoneOf } from './zone.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;

/**
 * When the run of a slot has to be done: so long after the slot, or the next time that the clocks of
 * the schedule show that time. Later slots never have earlier deadlines. @returns null when never
 */
export const deadlineOf = (
  { deadline, timezone }: Pick<ScheduleDefinition, 'deadline' | 'timezone'>,
  slot: number,
): number | null => {
  if (deadline === null) return null;
  if (typeof deadline === 'number') return slot + deadline;
  const zone = zoneOf(timezone);
  const local = zone.toLocal(slot);
  const minutes = Number(deadline.slice(0, 2)) * 60 + Number(deadline.slice(3));
  const today = local - (local % dayMs) + minutes * minuteMs;
  for (const day of [today, today + dayMs]) {
    const next = [...zone.instantsOf(day), zone.instantOf(day)].find((at) => at > slot);
    if (next !== undefined) return next;
  }
  return slot + dayMs;
};
