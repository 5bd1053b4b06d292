import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ScheduleRow } from '../../../services/store/slot-store.ts';
import { quick, type Scheduled, scheduled } from '../../support/scheduled.ts';

let now: Scheduled;
afterEach(async () => {
  await now.close();
  await rm(now.dir, { recursive: true, force: true });
});
const open = async (file: string): Promise<void> => {
  now = await scheduled(file);
};
const again = async (file?: string): Promise<void> => {
  now = await now.again(new Date(now.clock.wallMs() + 60_000).toISOString(), file);
};
const ann = { name: 'ann' };
const change = (
  changes: Record<string, unknown>,
  more: { revert?: string[]; ifVersion?: number } = {},
) =>
  now.orchestrator.changeSchedule('p', changes, {
    revert: more.revert ?? [],
    ifVersion: more.ifVersion ?? null,
    actor: ann,
  });
const schedule = (id = 'p') => now.orchestrator.scheduleById(id);

describe('a schedule of a file (Q19)', () => {
  test('takes changes of the API that win over restarts, with who and when, until the file changes that same field', async () => {
    await open(quick('cron: "0 * * * *", jitter: 1m, enabled: true'));
    await change({ cron: '30 * * * *', enabled: false });
    await again();
    expect(await schedule()).toMatchObject({
      cron: '30 * * * *',
      enabled: false,
      jitter_ms: 60_000,
      source: 'file',
    });
    expect((await schedule()).overrides).toContainEqual({
      field: 'cron',
      value: '30 * * * *',
      in_file: '0 * * * *',
      by: 'ann',
      at: '2027-01-15T08:00:00.000Z',
    });
    await again(quick('cron: "0 * * * *", jitter: 2m, enabled: true'));
    expect(await schedule()).toMatchObject({
      cron: '30 * * * *',
      enabled: false,
      jitter_ms: 120_000,
    });
    await again(quick('every: 2h, jitter: 2m, enabled: true'));
    expect(await schedule()).toMatchObject({ cron: null, every_ms: 7_200_000, enabled: false });
    expect(await now.told('changed')).toContainEqual(
      'p.yaml changed cron of schedule p: cron "30 * * * *", set by ann at 2027-01-15T08:00:00.000Z, is no longer in force',
    );
  });

  test('goes back to its file by revert, and to the default by null', async () => {
    await open(quick('cron: "0 * * * *", overlap: queue_one'));
    expect(await change({ overlap: null, cron: '5 * * * *' })).toMatchObject({
      overlap: 'skip',
      cron: '5 * * * *',
    });
    expect(await change({}, { revert: ['overlap', 'cron', 'every', 'at'] })).toMatchObject({
      overlap: 'queue_one',
      cron: '0 * * * *',
      overrides: [],
    });
  });

  test('cannot be removed by the API', async () => {
    await open(quick('cron: "0 * * * *"'));
    await expect(
      now.orchestrator.removeSchedule('p', { ifVersion: null, actor: ann }),
    ).rejects.toMatchObject({ code: 'defined-in-file' });
  });

  test('that its file has lost stops, and is disabled as before when it comes back; a broken file forgets nothing', async () => {
    await open(quick('cron: "0 * * * *"'));
    await change({ enabled: false });
    await again(quick('id: other, cron: "0 * * * *"'));
    await expect(schedule()).rejects.toMatchObject({ code: 'unknown-schedule' });
    await again('name: p\nstages: nothing\n');
    expect((await now.orchestrator.schedules(null)).items).toEqual([]);
    await again(quick('cron: "0 * * * *"'));
    expect(await schedule()).toMatchObject({ enabled: false, cron: '0 * * * *' });
    // While it was away nothing was due.
    expect(await now.decisions()).toEqual([]);
  });

  test('is refused with file and line when its pattern, its zone, its calendar or its id does not hold', async () => {
    await open(quick('cron: "61 * * * *"'));
    const problems = async () =>
      (await now.orchestrator.pipelines()).problems.map(({ line, pointer, detail }) => [
        line,
        pointer,
        detail,
      ]);
    expect(await problems()).toEqual([
      [5, '/schedules/0/cron', expect.stringContaining('field 1 (minute) is `61`')],
    ]);
    await again(
      quick(
        'cron: "0 * * * *", timezone: America/Chicag, skip_days: { file: ../x }, every: 1s, overlp: skip',
      ),
    );
    expect((await problems()).map(([, pointer]) => pointer)).toEqual(
      expect.arrayContaining([
        '/schedules/0/timezone',
        '/schedules/0/skip_days/file',
        '/schedules/0/overlp',
      ]),
    );
    await again(quick('cron: "0 * * * *", skip_days: { file: holidays.txt }, params: { dya: x }'));
    expect((await problems()).map(([, pointer]) => pointer)).toEqual(['/schedules/0/params/dya']);
    await again(quick('cron: "0 * * * *", skip_days: { file: holidays.txt }'));
    expect(await problems()).toEqual([
      [5, '/schedules/0/skip_days/file', 'there is no readable file holidays.txt in the project'],
    ]);
    await writeFile(join(now.dir, 'holidays.txt'), '2027-01-15 today\n# nothing\nsecret words\n');
    await again();
    expect((await problems())[0]?.[2]).toBe(
      'holidays.txt: line 3: expected a date such as 2026-12-25, and its name',
    );
    await writeFile(join(now.dir, 'holidays.txt'), '2027-01-15 today\n');
    await writeFile(
      join(now.dir, 'pipelines', 'q.yaml'),
      quick('id: p, cron: "0 * * * *"').replace('name: p', 'name: q'),
    );
    await again();
    expect((await problems())[0]?.[2]).toBe('the schedule id p is taken by p.yaml');
    await now.at('2027-01-15T10:00:00Z');
    expect((await now.slots())[0]).toMatchObject({
      decision: 'skipped',
      policy: 'skip-day',
      reason: '2027-01-15 is a day without runs: today',
    });
  });
});

describe('a schedule of the API', () => {
  test('is made, fires at once by what it says, survives restarts, and can be removed', async () => {
    await open(quick('id: file, cron: "0 0 1 1 *"'));
    const made = await now.orchestrator.createSchedule(
      'mine',
      'p',
      { every: 600_000, timezone: 'Asia/Kolkata' },
      ann,
    );
    expect(made).toMatchObject({
      id: 'mine',
      source: 'api',
      created: { by: 'ann' },
      next_slots: expect.arrayContaining(['2027-01-15T08:10:00.000Z']),
    });
    await expect(
      now.orchestrator.createSchedule('mine', 'p', { every: 600_000 }, ann),
    ).rejects.toMatchObject({ code: 'schedule-exists' });
    await again();
    await now.at('2027-01-15T08:10:00Z');
    expect(await now.decisions('mine')).toEqual(['08:10 started']);
    await now.orchestrator.removeSchedule('mine', { ifVersion: null, actor: ann });
    await now.at('2027-01-15T08:20:00Z');
    await expect(schedule('mine')).rejects.toMatchObject({ code: 'unknown-schedule' });
    expect((await now.told('fired')).length).toBe(1);
  });

  test('is refused when it does not hold, with each fault at its field', async () => {
    await open(quick('id: file, cron: "0 0 1 1 *"'));
    const create = (written: Record<string, unknown>) =>
      now.orchestrator.createSchedule('mine', 'p', written, ann);
    await expect(create({ cron: '* * *' })).rejects.toMatchObject({
      code: 'invalid-schedule',
      errors: [{ pointer: '/cron' }],
    });
    await expect(create({})).rejects.toMatchObject({
      errors: [{ detail: 'a schedule has exactly one of cron, every and at' }],
    });
    await expect(create({ cron: '0 0 30 2 *' })).rejects.toMatchObject({
      errors: [{ detail: 'there is no such day in any year' }],
    });
    await expect(create({ every: 600_000, params: { x: 1 } })).rejects.toMatchObject({
      errors: [{ pointer: '/params/x' }],
    });
    await expect(
      create({ every: 600_000, skip_days: { file: 'pipelines/../../passwd' } }),
    ).rejects.toMatchObject({
      errors: [{ pointer: '/skip_days/file' }],
    });
    expect((await now.orchestrator.schedules(null)).items).toHaveLength(1);
  });
});

test('S50: a bad change is refused and the old schedule kept; what a newer version has written survives a good one', async () => {
  await open(quick('cron: "0 * * * *"'));
  const [row] = await now.store.schedules();
  const future = { value: { weather: 'rain' }, by: 'v9', at: 1 };
  await now.store.saveSchedule(
    { ...(row as ScheduleRow), overrides: { only_if: future }, version: 2 },
    1,
    [],
    now.clock.wallMs(),
  );
  await expect(change({ cron: '99 * * * *' })).rejects.toMatchObject({ code: 'invalid-schedule' });
  expect(await schedule()).toMatchObject({
    cron: '0 * * * *',
    next_slots: expect.arrayContaining(['2027-01-15T09:00:00.000Z']),
  });
  await change({ cron: '15 * * * *' });
  expect((await now.store.schedules())[0]?.overrides.only_if).toEqual(future);
  expect((await schedule()).next_slots[0]).toBe('2027-01-15T08:15:00.000Z');
  await now.at('2027-01-15T08:15:00Z');
  expect(await now.decisions()).toEqual(['08:15 started']);
});

test('of two changes of one version the second is refused, and says at which version the schedule is', async () => {
  await open(quick('cron: "0 * * * *"'));
  await change({ jitter: 1000 }, { ifVersion: 1 });
  await expect(change({ jitter: 2000 }, { ifVersion: 1 })).rejects.toMatchObject({
    code: 'schedule-moved',
    extra: { version: 2 },
  });
  const both = await Promise.allSettled([
    change({ jitter: 3000 }, { ifVersion: 2 }),
    change({ jitter: 4000 }, { ifVersion: 2 }),
  ]);
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  // Whoever names no version means the schedule as it is.
  await Promise.all([change({ jitter: 5000 }), change({ overlap: 'queue_one' })]);
  expect(await schedule()).toMatchObject({ jitter_ms: 5000, overlap: 'queue_one' });
});
