import { zoneOf } from '../calendar/zone.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;
const minutesOf = (clock: string): number =>
  Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));

/**
 * When somebody may be told who is not to be in these hours (`22:00-06:00`, by the clocks of the
 * zone): at once outside of them, else at their end. In a repeated hour the first end that is to
 * come, in a gap the moment of the shift.
 */
export const afterQuiet = (quiet: string | undefined, timezone: string, at: number): number => {
  if (quiet === undefined) return at;
  const [begin, end] = [minutesOf(quiet.slice(0, 5)), minutesOf(quiet.slice(6))];
  const zone = zoneOf(timezone);
  const local = zone.toLocal(at);
  const minute = Math.floor((local % dayMs) / minuteMs);
  const isInside = begin < end ? begin <= minute && minute < end : minute >= begin || minute < end;
  if (!isInside) return at;
  const today = local - (local % dayMs) + end * minuteMs;
  const ends = today > local ? today : today + dayMs;
  const next = zone.instantsOf(ends).find((instant) => instant > at) ?? zone.instantOf(ends);
  return Math.max(at, next);
};
