import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseSkipDays } from '../../../services/calendar/calendar.ts';

const text = readFileSync(
  fileURLToPath(new URL('../../../pipelines/calendars/us-markets.txt', import.meta.url)),
  'utf8',
);
const iso = (date: Date): string => date.toISOString().slice(0, 10);
const day = (year: number, month: number, date: number): Date =>
  new Date(Date.UTC(year, month - 1, date));
/** The nth weekday of a month; n = -1 is the last. */
const nth = (year: number, month: number, weekday: number, n: number): string => {
  const all = Array.from({ length: 31 }, (_, index) => day(year, month, index + 1)).filter(
    (date) => date.getUTCMonth() === month - 1 && date.getUTCDay() === weekday,
  );
  return iso(all.at(n > 0 ? n - 1 : n) as Date);
};
/** On a Saturday it is kept on the Friday before, on a Sunday on the Monday after. */
const observed = (year: number, month: number, date: number): string => {
  const weekday = day(year, month, date).getUTCDay();
  return iso(day(year, month, date + (weekday === 6 ? -1 : weekday === 0 ? 1 : 0)));
};
/** Two days before Easter, by the anonymous Gregorian computus. */
const goodFriday = (year: number): string => {
  const [a, b, c] = [year % 19, Math.floor(year / 100), year % 100];
  const h =
    (19 * a + b - Math.floor(b / 4) - Math.floor((b - Math.floor((b + 8) / 25) + 1) / 3) + 15) % 30;
  const l = (32 + 2 * (b % 4) + 2 * Math.floor(c / 4) - h - (c % 4)) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const n = h + l - 7 * m + 114;
  return iso(day(year, Math.floor(n / 31), (n % 31) + 1 - 2));
};

test.each([2026, 2027, 2028])(
  'the calendar that ships has the days of %i on which the exchange is closed, by its rules',
  (year) => {
    const newYear = day(year, 1, 1).getUTCDay();
    const rules = [
      // Not kept on the last trading day of the year before.
      ...(newYear === 6 ? [] : [observed(year, 1, 1)]),
      ...[
        nth(year, 1, 1, 3),
        nth(year, 2, 1, 3),
        goodFriday(year),
        nth(year, 5, 1, -1),
        observed(year, 6, 19),
        observed(year, 7, 4),
      ],
      ...[nth(year, 9, 1, 1), nth(year, 11, 4, 4), observed(year, 12, 25)],
    ];
    expect([...parseSkipDays(text).keys()].filter((date) => date.startsWith(`${year}`))).toEqual(
      rules,
    );
  },
);
