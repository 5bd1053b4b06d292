import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deadlineOf } from '../../../services/calendar/deadline.ts';
import { holding, quick, type Scheduled, scheduled } from '../../support/scheduled.ts';
import { eventually } from '../../support/service.ts';

let now: Scheduled;
afterEach(() => now?.close());
const late = async () =>
  (await now.orchestrator.events({ event: 'warning', after: 0, limit: 1000 })).items
    .filter(({ data }) => data.kind === 'late')
    .map(({ run_id, msg, data }) => ({ run_id, msg, slot: String(data.slot).slice(11, 16) }));

test('a run that is not done by its deadline is told as late, once, and goes on', async () => {
  now = await scheduled(holding('cron: "0 9 * * *", deadline: 30m'));
  await now.at('2027-01-15T09:00:00Z');
  const [run] = (await now.orchestrator.runs({ limit: 1 })).items;
  await eventually(
    now.orchestrator,
    async () => (await now.orchestrator.run(run?.run_id as string)).state === 'RUNNING_WAIT',
  );
  await now.at('2027-01-15T09:29:59Z');
  expect(await late()).toEqual([]);
  await now.at('2027-01-15T09:30:00Z');
  await now.at('2027-01-15T09:30:01Z');
  expect(await late()).toEqual([
    {
      run_id: run?.run_id,
      slot: '09:00',
      msg: `the slot 2027-01-15T09:00:00.000Z of schedule p is not done: run 1 is RUNNING_WAIT, and its deadline was 2027-01-15T09:30:00.000Z`,
    },
  ]);
  await writeFile(join(now.dir, 'go'), '');
  await now.over();
});

test('a run that was done in time is not late, nor is a slot that its schedule leaves out', async () => {
  now = await scheduled(
    quick(
      'cron: "0 9,10 * * *", deadline: 30m, blackout: [{ from: "10:00", to: "10:30", reason: backup }]',
    ),
  );
  await now.at('2027-01-15T09:00:00Z');
  await now.over();
  await now.at('2027-01-15T09:30:00Z');
  await now.at('2027-01-15T10:00:00Z');
  await now.at('2027-01-15T11:00:00Z');
  expect(await now.decisions()).toEqual(['09:00 started', '10:00 skipped']);
  expect(await late()).toEqual([]);
});

test('a run that failed is late; one that tried it again in time is not', async () => {
  now = await scheduled(quick('cron: "0 9,10 * * *", deadline: 30m', 'test -e mended'));
  await now.at('2027-01-15T09:00:00Z');
  await now.over();
  await now.at('2027-01-15T09:30:00Z');
  expect((await late()).map(({ slot }) => slot)).toEqual(['09:00']);
  await now.at('2027-01-15T10:00:00Z');
  await now.over();
  const [failed] = (await now.orchestrator.runs({ limit: 1 })).items;
  await writeFile(join(now.dir, 'mended'), '');
  await now.orchestrator.command(failed?.run_id as string, {
    command: { type: 'RETRY_FROM', definition: 'pinned' },
    actor: { kind: 'user', name: 'ada' },
    ifVersion: null,
    idempotency: null,
  });
  await eventually(
    now.orchestrator,
    async () => (await now.orchestrator.runs({ limit: 1 })).items[0]?.state === 'DONE',
  );
  await now.at('2027-01-15T10:30:00Z');
  expect((await late()).map(({ slot }) => slot)).toEqual(['09:00']);
});

test('a slot that nobody ran is late too, also when its deadline passed while no service was there, and once', async () => {
  const file = quick('cron: "0 9 * * *", deadline: "12:00"');
  now = await scheduled(file);
  await now.at('2027-01-15T08:30:00Z');
  now = await now.again('2027-01-15T13:00:00Z');
  expect(await late()).toEqual([
    {
      run_id: null,
      slot: '09:00',
      msg: 'the slot 2027-01-15T09:00:00.000Z of schedule p has no run (missed), and its deadline was 2027-01-15T12:00:00.000Z',
    },
  ]);
  now = await now.again('2027-01-15T14:00:00Z');
  expect(await late()).toHaveLength(1);
});

test('slots from before the deadline was written are not judged by it', async () => {
  now = await scheduled(holding('cron: "0 9 * * *"'));
  await now.at('2027-01-15T09:00:00Z');
  now = await now.again('2027-01-15T10:00:00Z', holding('cron: "0 9 * * *", deadline: 2h'));
  await now.at('2027-01-15T12:00:00Z');
  expect(await late()).toEqual([]);
  await writeFile(join(now.dir, 'go'), '');
});

const utc = (text: string): number => Date.parse(`${text}Z`);
test.each([
  ['so long after the slot', 5_400_000, 'UTC', '2026-06-01T03:00', '2026-06-01T04:30'],
  ['the same day', '06:30', 'Europe/Berlin', '2026-06-01T01:00', '2026-06-01T04:30'],
  ['the next day', '06:30', 'Europe/Berlin', '2026-06-01T05:00', '2026-06-02T04:30'],
  [
    'a day later when the slot is at that time',
    '06:30',
    'UTC',
    '2026-06-01T06:30',
    '2026-06-02T06:30',
  ],
  // Clocks go from 02:00 to 03:00 on 2026-03-29, and from 03:00 back to 02:00 on 2026-10-25.
  [
    'at the shift where clocks skip it',
    '02:30',
    'Europe/Berlin',
    '2026-03-29T00:00',
    '2026-03-29T01:00',
  ],
  [
    'the second time when the first is over',
    '02:30',
    'Europe/Berlin',
    '2026-10-25T00:45',
    '2026-10-25T01:30',
  ],
])('a deadline is %s', (_, deadline, timezone, slot, expected) => {
  const found = deadlineOf({ deadline, timezone }, utc(slot));
  expect(new Date(found ?? 0).toISOString()).toBe(new Date(utc(expected)).toISOString());
});
