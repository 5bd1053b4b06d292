const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

const weekday = (day: number) => new Date(day).getUTCDay();
const nth = (year: number, month: number, dayOfWeek: number, n: number) => {
  const first = Date.UTC(year, month, 1);
  return first + (((dayOfWeek - weekday(first) + 7) % 7) + 7 * (n - 1)) * dayMs;
};

/**
 * Chicago's distance from UTC: summer time from 2:00 on the second Sunday of March to 2:00 on the
 * first of November (since 2007).
 */
export function chicagoOffsetMs(utc: number): number {
  const year = new Date(utc).getUTCFullYear();
  const isSummer = utc >= nth(year, 2, 0, 2) + 8 * hourMs && utc < nth(year, 10, 0, 1) + 7 * hourMs;
  return isSummer ? -5 * hourMs : -6 * hourMs;
}

/** Days without trading, and days that end at 12:00, as far as the samples need them. */
export function holidayOf(day: number): 'closed' | 'early' | null {
  const date = new Date(day);
  const key = `${date.getUTCMonth() + 1}-${date.getUTCDate()}`;
  const year = date.getUTCFullYear();
  if (key === '1-1' || key === '12-25') return 'closed';
  const thanksgiving = nth(year, 10, 4, 4);
  return key === '7-4' || day === thanksgiving || day === thanksgiving + dayMs ? 'early' : null;
}

/**
 * Is the market open in this minute? Sunday 17:00 to Friday 16:00 Chicago time, with an hour's
 * pause at 16:00 each day.
 */
function isOpen(local: number): boolean {
  const day = Math.floor(local / dayMs) * dayMs;
  const minute = (local - day) / minuteMs;
  const evening = minute >= 17 * 60;
  if (!evening && minute >= 16 * 60) return false;
  const tradingDay = evening ? day + dayMs : day;
  if (weekday(tradingDay) === 0 || weekday(tradingDay) === 6) return false;
  const holiday = holidayOf(tradingDay);
  return holiday !== 'closed' && !(holiday === 'early' && !evening && minute >= 12 * 60);
}

export type Minute = { utc: number /** Minutes since Chicago's midnight. */; ofDay: number };

/** The minutes of a UTC day in which the market is open. @param day midnight UTC */
export function openMinutes(day: number): Minute[] {
  const minutes: Minute[] = [];
  for (let hour = day; hour < day + dayMs; hour += hourMs) {
    const offset = chicagoOffsetMs(hour);
    for (let utc = hour; utc < hour + hourMs; utc += minuteMs)
      if (isOpen(utc + offset))
        minutes.push({ utc, ofDay: ((((utc + offset) % dayMs) + dayMs) % dayMs) / minuteMs });
  }
  return minutes;
}

/** UTC days from a date on. */
export const daysFrom = (from: string, count: number): number[] =>
  Array.from({ length: count }, (_, index) => Date.parse(from) + index * dayMs);
export const isoDate = (utc: number) => new Date(utc).toISOString().slice(0, 10);
