import { zoneOf } from '../../../services/calendar/zone.ts';
import { askedTime } from '../../../services/why/asked-time.ts';

const chicago = zoneOf('America/Chicago');
/** Thursday, 12:00 in Chicago. */
const now = Date.parse('2026-11-26T18:00:00Z');
const read = (text: string, at = now) => {
  const time = askedTime(text, at, chicago, 'America/Chicago');
  return time && new Date(time.at).toISOString();
};

test.each([
  // The latest that has been: at noon 17:30 was yesterday, 09:00 today.
  ['17:30', '2026-11-25T23:30:00.000Z'],
  ['9:00', '2026-11-26T15:00:00.000Z'],
  ['12:00', '2026-11-26T18:00:00.000Z'],
  ['today 17:30', '2026-11-26T23:30:00.000Z'],
  ['yesterday 17:30:15', '2026-11-25T23:30:15.000Z'],
  ['Yesterday  09:00', '2026-11-25T15:00:00.000Z'],
  ['mon 17:30', '2026-11-23T23:30:00.000Z'],
  ['thursday 17:30', '2026-11-19T23:30:00.000Z'],
  ['thu 11:00', '2026-11-26T17:00:00.000Z'],
  ['2026-11-24T17:30', '2026-11-24T23:30:00.000Z'],
  ['2026-11-24 17:30', '2026-11-24T23:30:00.000Z'],
  ['2026-07-01T17:30', '2026-07-01T22:30:00.000Z'],
  ['2026-11-24T17:30Z', '2026-11-24T17:30:00.000Z'],
  ['2026-11-24T17:30:00.000Z', '2026-11-24T17:30:00.000Z'],
  ['2026-11-24T17:30:00+01:00', '2026-11-24T16:30:00.000Z'],
  ['2026-11-24T17:30-0330', '2026-11-24T21:00:00.000Z'],
  ['2026-11-24', '2026-11-24T06:00:00.000Z'],
])('%s is read as %s', (text, instant) => expect(read(text)).toBe(instant));

test.each([
  '',
  '25:00',
  '17:60',
  '17.30',
  'half past five',
  'yesterday',
  'someday 17:30',
  '2026-02-31T10:00',
  '2026-13-01',
  '0001-01-01',
  '2026-11-24T17:30+1',
])('%j is no time', (text) => expect(read(text)).toBeNull());

test('a time that the clocks never show, or show twice, is said', () => {
  const gap = askedTime('2027-03-14T02:30', now, chicago, 'America/Chicago');
  expect(gap?.clocks).toBe(
    '02:30 on 2027-03-14 does not exist in America/Chicago: the clocks went forward to 03:00 there',
  );
  const fold = askedTime('2026-11-01T01:30', now, chicago, 'America/Chicago');
  expect(fold?.clocks).toContain('came twice in America/Chicago');
  expect(new Date(fold?.at ?? 0).toISOString()).toBe('2026-11-01T06:30:00.000Z');
});
