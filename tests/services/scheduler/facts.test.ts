import { type ScheduleFile, scheduleOf, scheduleSchema } from '../../../definition/schedule.ts';
import { planOf } from '../../../services/calendar/planner.ts';
import { factsOf } from '../../../services/scheduler/schedule-facts.ts';

const from = Date.parse('2027-01-15T08:00:00Z');
const known = (id: string, written: object) => {
  const file: ScheduleFile = scheduleSchema.parse(written);
  const definition = scheduleOf(file, 'UTC');
  return {
    id,
    pointer: '',
    enabled: definition.enabled,
    saysOverlap: file.overlap !== undefined,
    plan: planOf(id, definition),
    timezone: definition.timezone,
  };
};
const meetings = async (...given: object[]) =>
  (
    await factsOf(
      given.map((written, index) => known('abc'[index] as string, written)),
      from,
    )
  ).map(({ meets }) => meets && `${meets.other} ${meets.at}`);

test('TIME-1: two schedules that meet are found, however rarely one of them is due', async () => {
  const minutely = { cron: '* * * * *' };
  const yearly = { cron: '0 0 29 2 *', timezone: 'America/Chicago' };
  expect(await meetings(minutely, yearly)).toEqual([null, 'a 2028-02-29T00:00:00-06:00']);
  expect(await meetings(yearly, minutely)).toEqual([null, 'a 2028-02-29T06:00:00+00:00']);
});

test('schedules that never fall together, or are left out where they would, do not meet', async () => {
  expect(await meetings({ cron: '0 * * * *' }, { cron: '30 * * * *' })).toEqual([null, null]);
  expect(
    await meetings(
      { cron: '0 * * * *' },
      { cron: '0 6 * * *', blackout: [{ from: '06:00', to: '07:00' }] },
    ),
  ).toEqual([null, null]);
});

test('each later one names the first before it that it meets', async () => {
  expect(await meetings({ cron: '5 * * * *' }, { cron: '0 * * * *' }, { every: '30m' })).toEqual([
    null,
    null,
    'b 2027-01-15T09:00:00+00:00',
  ]);
});

test('TIME-6: a schedule whose times are all past is over; one that is only far away is not', async () => {
  const over = async (written: object) => (await factsOf([known('a', written)], from))[0]?.isOver;
  expect(await over({ at: ['2026-01-01T00:00', '2027-01-15T07:59'] })).toBe(true);
  expect(await over({ at: ['2026-01-01T00:00', '2027-01-15T08:01'] })).toBe(false);
  expect(await over({ cron: '0 * * * *', end: '2027-01-01' })).toBe(true);
  expect(await over({ cron: '0 0 29 2 *' })).toBe(false);
});

test('the interval is the shortest among the next slots', async () => {
  const facts = await factsOf(
    [known('a', { cron: '0,10 * * * *' }), known('b', { at: ['2028-01-01'] })],
    from,
  );
  expect(facts.map(({ intervalMs }) => intervalMs)).toEqual([600_000, null]);
});
