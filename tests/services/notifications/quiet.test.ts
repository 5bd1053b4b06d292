import { afterQuiet } from '../../../services/notifications/quiet.ts';

const utc = (text: string): number => Date.parse(`${text}Z`);
test.each([
  ['outside of them', '22:00-06:00', 'UTC', '2026-06-01T12:00', '2026-06-01T12:00'],
  ['before midnight', '22:00-06:00', 'UTC', '2026-06-01T23:00', '2026-06-02T06:00'],
  ['after midnight', '22:00-06:00', 'UTC', '2026-06-02T05:59', '2026-06-02T06:00'],
  ['at their end', '22:00-06:00', 'UTC', '2026-06-02T06:00', '2026-06-02T06:00'],
  [
    'by the clocks of the zone',
    '22:00-06:00',
    'America/New_York',
    '2026-06-02T03:00',
    '2026-06-02T10:00',
  ],
  // Clocks go from 02:00 to 03:00 on 2026-03-29: the night is an hour shorter.
  ['in the short night', '22:00-06:00', 'Europe/Berlin', '2026-03-28T22:00', '2026-03-29T04:00'],
  [
    'where their end is in the gap',
    '22:00-02:30',
    'Europe/Berlin',
    '2026-03-29T00:30',
    '2026-03-29T01:00',
  ],
  // Clocks go from 03:00 back to 02:00 on 2026-10-25: the night is an hour longer.
  ['in the long night', '22:00-06:00', 'Europe/Berlin', '2026-10-24T21:00', '2026-10-25T05:00'],
  [
    'where their end comes twice, before the first',
    '22:00-02:30',
    'Europe/Berlin',
    '2026-10-25T00:10',
    '2026-10-25T00:30',
  ],
  [
    'where their end comes twice, after the first',
    '22:00-02:30',
    'Europe/Berlin',
    '2026-10-25T01:10',
    '2026-10-25T01:30',
  ],
])('quiet hours %s', (_, quiet, zone, at, tells) => {
  expect(new Date(afterQuiet(quiet, zone, utc(at))).toISOString()).toBe(
    new Date(utc(tells)).toISOString(),
  );
});
