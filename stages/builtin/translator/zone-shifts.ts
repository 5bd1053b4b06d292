/** From `fromMs` until the next one, local time is UTC plus so many minutes. */
export type Shift = { fromMs: number; minutes: number };

const dayMs = 86_400_000;
const minuteMs = 60_000;

/**
 * How far a zone is from UTC over a span, by the platform's zone data: one entry, and one more for
 * each change in it.
 */
export function shiftsIn(timeZone: string, fromMs: number, toMs: number): Shift[] {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  const minutesAt = (ms: number): number => {
    const [, sign, hours = '0', minutes = '0'] =
      /GMT(?:([+-])(\d\d):(\d\d))?/.exec(format.format(ms)) ?? [];
    return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  };
  const shifts: Shift[] = [{ fromMs, minutes: minutesAt(fromMs) }];
  for (let ms = fromMs; ms < toMs; ms += dayMs) {
    const minutes = minutesAt(ms + dayMs);
    if (minutes === shifts.at(-1)!.minutes) continue;
    let [low, high] = [ms, ms + dayMs];
    while (high - low > minuteMs) {
      const middle = low + Math.floor((high - low) / 2 / minuteMs) * minuteMs;
      if (minutesAt(middle) === minutes) high = middle;
      else low = middle;
    }
    shifts.push({ fromMs: high, minutes });
  }
  return shifts;
}
