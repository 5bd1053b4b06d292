import cronstrue from 'cronstrue';
import { cronInWords } from '../../dashboard/schedules/cron-words.ts';
import { everyInWords, everyText, momentsInWords } from '../../dashboard/schedules/slot-times.ts';
import { here, zoned } from '../../dashboard/ui/time.ts';

const words = (cron: string) =>
  cronInWords(cron, (pattern) => cronstrue.toString(pattern, { use24HourTimeFormat: true }));

test.each([
  ['30 17 * * 1-5', 'At 17:30, Monday through Friday'],
  ['15 4 * * *', 'At 04:15, every day'],
  ['0 0,12 * * *', 'At 00:00 and 12:00, every day'],
  ['@daily', 'At 00:00, every day'],
  ['*/15 * * * *', 'Every 15 minutes'],
  ['*/10 * * * * *', 'Every 10 seconds'],
  ['0 0 L * *', 'At 00:00, on the last day of the month'],
])('%s is in words: %s', (cron, said) => {
  expect(words(cron)).toBe(said);
});

test('a step that does not go round evenly is said as what it is: every 45th minute is twice an hour, every second day begins anew', () => {
  expect(words('*/45 * * * *')).toBe('At 0 and 45 minutes past the hour');
  expect(words('0 */9 * * *')).toBe('At 00:00, 09:00 and 18:00, every day');
  expect(words('0 3 */2 * *')).toBe('At 03:00, every 2 days, counted from the 1st of each month');
});

test('a pattern that is none has no words', () => {
  expect(['', 'x', '61 * * * *', '0 3 * *', '0 3 * * MOON'].map(words)).toEqual([
    null,
    null,
    null,
    null,
    null,
  ]);
});

test('an interval is written in the largest unit that divides it, and said the same way', () => {
  expect([5_400_000, 3_600_000, 1000, 172_800_000].map(everyText)).toEqual([
    '90m',
    '1h',
    '1s',
    '2d',
  ]);
  expect(['90m', '1h', '1.5h', '2d', 'soon', '0m', ''].map(everyInWords)).toEqual([
    ...['Every 90 minutes', 'Every hour', 'Every 90 minutes', 'Every 2 days', null, null, null],
  ]);
});

test('times are said on the clock they are written for, and not at all while one of them is none', () => {
  const [local, utc] = ['2031-12-24T18:00', '2031-12-31T18:00:00Z'];
  expect(momentsInWords([local])).toMatch(/^Once: .*24.*18:00/);
  expect(momentsInWords([utc, local])).toMatch(/^2 times, from .*24.*18:00 to .*31.*18:00.* UTC$/);
  expect([
    momentsInWords([local, '2031-13-01T00:00']),
    momentsInWords(['tomorrow']),
    momentsInWords([]),
  ]).toEqual([null, null, null]);
});

test("a moment shows the zone's clocks, and the reader's only where those differ", () => {
  const at = Date.parse('2031-07-01T01:00:00Z');
  const own = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  expect(zoned(at, 'Asia/Kolkata')).toMatch(/2031.*06:30/);
  expect(here(at, own)).toBeNull();
  expect(here(at, own === 'Asia/Kolkata' ? 'UTC' : 'Asia/Kolkata')).toMatch(/\d\d:\d\d/);
});
