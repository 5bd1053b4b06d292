import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeCronWaker } from '../../../services/scheduler/waker.ts';
import { holding, quick, type Scheduled, scheduled } from '../../support/scheduled.ts';
import { ended, eventually, runService, startRequest } from '../../support/service.ts';

let now: Scheduled;
afterEach(async () => {
  await now.close();
  await rm(now.dir, { recursive: true, force: true });
});
const open = async (...given: Parameters<typeof scheduled>): Promise<Scheduled> => {
  now = await scheduled(...given);
  return now;
};
const again = async (...given: Parameters<Scheduled['again']>): Promise<Scheduled> => {
  now = await now.again(...given);
  return now;
};
const runs = async () => (await now.orchestrator.runs({ limit: 100 })).items.toReversed();
const go = () => writeFile(join(now.dir, 'go'), '');
/** The newest run works. */
const works = () =>
  eventually(now.orchestrator, async () => (await runs()).at(-1)?.state === 'RUNNING_WAIT');

describe('S51: a slot during a run', () => {
  test('is skipped with its reason by skip, and the next one after the run starts', async () => {
    await open(holding('cron: "*/10 * * * *", overlap: skip'));
    await now.at('2027-01-15T08:10:00Z');
    await works();
    await now.at('2027-01-15T08:20:00Z');
    await now.at('2027-01-15T08:30:00Z');
    const [first, second] = await now.slots();
    expect(first).toMatchObject({ decision: 'started', run_number: 1, reason: null });
    expect(second).toMatchObject({
      decision: 'skipped',
      run_id: null,
      policy: 'overlap: skip',
      would: 'start a run of p',
    });
    expect(second?.reason).toMatch(/^run 1 of p \(r_\w+\) is RUNNING_WAIT/);
    // One fact is one event: a slot that is skipped is no refused command.
    expect(await now.told('skipped')).toHaveLength(2);
    expect((await now.orchestrator.events({ event: 'refused', limit: 10 })).items).toEqual([]);
    await go();
    await now.over();
    await now.at('2027-01-15T08:40:00Z');
    expect(await now.decisions()).toEqual([
      '08:10 started',
      '08:20 skipped',
      '08:30 skipped',
      '08:40 started',
    ]);
  });

  test('waits by queue_one, and only one does', async () => {
    await open(holding('cron: "*/10 * * * *", overlap: queue_one'));
    await now.at('2027-01-15T08:10:00Z');
    await works();
    await now.at('2027-01-15T08:20:00Z');
    await now.at('2027-01-15T08:30:00Z');
    expect(await now.decisions()).toEqual(['08:10 started', '08:20 queued', '08:30 skipped']);
    await go();
    await eventually(now.orchestrator, async () =>
      (await runs()).every(({ state }) => state === 'DONE'),
    );
    expect((await runs()).map(({ metadata }) => metadata.slot)).toEqual([
      '2027-01-15T08:10:00.000Z',
      '2027-01-15T08:20:00.000Z',
    ]);
  });

  test('takes its place by cancel_running', async () => {
    await open(holding('cron: "*/10 * * * *", overlap: cancel_running'));
    await now.at('2027-01-15T08:10:00Z');
    await works();
    await now.at('2027-01-15T08:20:00Z');
    await works();
    await go();
    await now.over();
    expect((await runs()).map(({ state }) => state)).toEqual(['STOPPED', 'DONE']);
    expect(await now.decisions()).toEqual(['08:10 started', '08:20 queued']);
  });

  test("whose pipeline would queue is skipped all the same: the schedule's word decides", async () => {
    await open(
      holding('cron: "*/10 * * * *"').replace(
        'stages:',
        'concurrency: { on_conflict: queue, queue: { max: 5 } }\nstages:',
      ),
    );
    await now.at('2027-01-15T08:10:00Z');
    await works();
    await now.at('2027-01-15T08:20:00Z');
    expect(await now.decisions()).toEqual(['08:10 started', '08:20 skipped']);
  });
});

test('S63: a slot of a pipeline whose failures hold automatic runs back is blocked with the reason, until somebody acknowledges', async () => {
  await open(`on_failures: { pause_after: 1 }\n${quick('cron: "0 * * * *"', 'exit 1')}`);
  expect((await now.orchestrator.pipelines()).problems).toEqual([]);
  await now.at('2027-01-15T09:00:00Z');
  await now.over();
  await now.at('2027-01-15T10:00:00Z');
  const [, slot] = await now.slots();
  expect(slot).toMatchObject({
    decision: 'blocked',
    policy: 'blocked-by-policy',
    run_id: null,
    would: 'start a run of p',
  });
  expect(await now.told('blocked')).toEqual([
    `the slot 2027-01-15T10:00:00.000Z of schedule p was blocked: ${slot?.reason}`,
  ]);
  await now.orchestrator.acknowledge('p', {
    reason: 'mended',
    actor: { kind: 'user', name: 'ann' },
  });
  await now.at('2027-01-15T11:00:00Z');
  expect(await now.decisions()).toEqual(['09:00 started', '10:00 blocked', '11:00 started']);
});

describe('S52: slots while the service was down', () => {
  const down = async (policy: string): Promise<string[]> => {
    await open(quick(`cron: "0 * * * *", ${policy}`));
    await again('2027-01-15T12:30:00Z');
    return now.decisions();
  };
  test('stay undone by none, recorded once, with one event', async () => {
    const missed = ['09:00 missed', '10:00 missed', '11:00 missed', '12:00 missed'];
    expect(await down('missed: none')).toEqual(missed);
    expect(await now.told('missed')).toEqual([
      'schedule p missed 4 slots (2027-01-15T09:00:00.000Z to 2027-01-15T12:00:00.000Z); none is made up for',
    ]);
    await again('2027-01-15T12:40:00Z');
    expect(await now.decisions()).toEqual(missed);
    expect([await now.told('missed'), await runs()]).toEqual([[expect.any(String)], []]);
  });

  test('are made up for by last with one run, once', async () => {
    expect(await down('missed: last')).toEqual([
      '09:00 missed',
      '10:00 missed',
      '11:00 missed',
      '12:00 started',
    ]);
    await now.over();
    await again('2027-01-15T12:40:00Z');
    expect((await runs()).map(({ trigger, metadata }) => [trigger, metadata.slot])).toEqual([
      ['schedule', '2027-01-15T12:00:00.000Z'],
    ]);
  });

  test('are made up for by all within window and count, one after the other, in their order', async () => {
    expect(await down('missed: all, missed_window: 3h, missed_max: 2')).toEqual([
      '09:00 missed',
      '10:00 missed',
      '11:00 started',
      '12:00 waiting',
    ]);
    const reasons = (await now.slots()).map(({ reason }) => reason);
    expect(reasons.slice(0, 2)).toEqual([
      'older than missed_window (10800 s)',
      'more than missed_max (2) were missed',
    ]);
    await now.over();
    await now.service.tickSchedules();
    await now.over();
    expect((await runs()).map(({ metadata }) => metadata.slot)).toEqual([
      '2027-01-15T11:00:00.000Z',
      '2027-01-15T12:00:00.000Z',
    ]);
  });

  test('of a very long time become a bounded number of rows and one event', async () => {
    await open(quick('every: 1s'));
    await again('2027-01-15T10:00:00Z');
    const slots = await now.slots();
    expect(slots.length).toBeLessThan(250);
    expect(slots.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(2000);
    expect([slots[0]?.slot, slots.at(-1)?.slot]).toEqual([
      '2027-01-15T08:00:01.000Z',
      '2027-01-15T10:00:00.000Z',
    ]);
    expect((await now.told('missed'))[0]).toContain('at least 2');
    expect((await runs()).length).toBe(1);
  });

  test('while it was shutting down are decided by the next service', async () => {
    await open(holding('cron: "*/10 * * * *", overlap: queue_one, missed: last'));
    await now.at('2027-01-15T08:10:00Z');
    await works();
    const closing = now.close();
    await now.at('2027-01-15T08:20:00Z');
    await closing;
    await again('2027-01-15T08:25:00Z');
    expect(await now.decisions()).toEqual(['08:10 started', '08:20 waiting']);
    await go();
    await now.over();
    await now.service.tickSchedules();
    await now.over();
    expect((await runs()).map(({ state, metadata }) => [state, metadata.slot])).toEqual([
      ['DONE', '2027-01-15T08:10:00.000Z'],
      ['DONE', '2027-01-15T08:20:00.000Z'],
    ]);
  });
});

describe('when the clock is not to be trusted', () => {
  test('a double tick, and one at the same instant, start one run', async () => {
    await open(quick('cron: "0 9 * * *"'));
    now.clock.advance(3_600_000);
    await Promise.all([now.service.tickSchedules(), now.service.tickSchedules()]);
    await now.service.tickSchedules();
    expect(await now.decisions()).toEqual(['09:00 started']);
    expect(await runs()).toHaveLength(1);
  });

  test('a clock that is set back runs nothing twice, and says so', async () => {
    await open(quick('cron: "*/10 * * * *"'));
    await now.at('2027-01-15T08:10:00Z');
    await now.over();
    now.clock.jumpWall(-8 * 60_000);
    await now.service.tickSchedules();
    expect(await now.told('warning')).toContain(
      'the clock was set back by 8 min; slots that were decided are not run again',
    );
    await now.at('2027-01-15T08:10:30Z');
    await now.at('2027-01-15T08:20:00Z');
    expect(await now.decisions()).toEqual(['08:10 started', '08:20 started']);
  });

  test('a clock that was years ahead and is mended does not hold up its schedules until then, nor run a slot again', async () => {
    await open(quick('cron: "0 * * * *"'));
    await now.at('2027-01-15T09:00:00Z');
    await now.over();
    now.clock.jumpWall(3 * 365 * 86_400_000);
    await now.service.tickSchedules();
    await now.over();
    now.clock.jumpWall(-3 * 365 * 86_400_000 - 600_000);
    await now.service.tickSchedules();
    await now.at('2027-01-15T09:00:00Z');
    await now.at('2027-01-15T10:00:00Z');
    expect(
      (await now.slots()).filter(({ decision }) => decision === 'started').map(({ slot }) => slot),
    ).toEqual(['2027-01-15T09:00:00.000Z', '2027-01-15T10:00:00.000Z', '2030-01-14T09:00:00.000Z']);
  });

  test('a machine that slept, or a clock that was set forward, misses slots by policy and never in a burst', async () => {
    await open(quick('cron: "*/10 * * * *"'));
    now.clock.jumpWall(60 * 60_000);
    await now.service.tickSchedules();
    expect((await now.decisions()).map((one) => one.slice(6))).toEqual([
      'missed',
      'missed',
      'missed',
      'missed',
      'missed',
      'started',
    ]);
    expect(
      [await now.told('missed'), await now.told('warning'), await runs()].map(
        ({ length }) => length,
      ),
    ).toEqual([1, 1, 1]);
  });

  test('a service that was held up runs the newest slot, late and said to be, and records the others', async () => {
    await open(quick('every: 5s'));
    await now.at('2027-01-15T08:00:03Z');
    now.clock.advance(40_000);
    await now.service.tickSchedules();
    const slots = await now.slots();
    expect(slots.map(({ decision }) => decision)).toEqual([...Array(7).fill('missed'), 'started']);
    expect(await now.told('warning')).toEqual(['the scheduler was delayed by 40 s']);
    expect(await now.told('fired')).toHaveLength(1);
  });

  test('a slot that fires half a minute late says how late', async () => {
    await open(quick('cron: "0 9 * * *"'));
    await now.at('2027-01-15T09:00:30Z');
    expect(await now.told('fired')).toEqual([
      'schedule p fired for 2027-01-15T09:00:00.000Z, 30 s late',
    ]);
  });
});

test.each([
  ['America/Chicago', '2027-03-14T00:00Z'],
  ['America/Chicago', '2027-11-07T00:00Z'],
  ['Europe/London', '2027-03-28T00:00Z'],
  ['Europe/London', '2027-10-31T00:00Z'],
  ['Australia/Lord_Howe', '2027-04-03T00:00Z'],
  ['Australia/Lord_Howe', '2027-10-02T00:00Z'],
])(
  'S50, S53: in %s on %s what fires is what the preview said, and each slot once',
  async (timezone, from) => {
    await open(quick(`cron: "20 1,2 * * *", timezone: ${timezone}`));
    await now.at(from);
    await now.at(new Date(now.clock.wallMs() + 60_000).toISOString());
    const begun = now.clock.wallMs();
    const { slots } = await now.orchestrator.previewSchedule({
      id: 'p',
      pipeline: null,
      written: {},
      from: begun,
      count: 4,
    });
    const shown = (await now.orchestrator.scheduleById('p')).next_slots.slice(0, 4);
    for (let minutes = 0; minutes < 48 * 60; minutes += 10) {
      now.clock.advance(600_000);
      await now.service.tickSchedules();
    }
    const fired = (await now.slots())
      .filter(({ slot }) => Date.parse(slot) > begun)
      .map(({ slot, decision }) => [slot, decision]);
    const expected = slots
      .map(({ slot }) => slot)
      .filter((slot) => Date.parse(slot) <= now.clock.wallMs());
    expect(expected.length).toBeGreaterThan(2);
    expect(fired.map(([slot]) => slot)).toEqual(expected);
    expect(shown).toEqual(slots.map(({ slot }) => slot));
  },
);

test('TIME-10: a second time that dst_fold: once leaves out is recorded', async () => {
  await open(quick('cron: "30 1 * * *", timezone: America/Chicago, dst_fold: once'));
  await now.at('2027-11-07T05:00:00Z');
  await now.over();
  for (const time of ['06:30', '07:30']) {
    await now.at(`2027-11-07T${time}:00Z`);
    await now.over();
  }
  expect((await now.decisions()).slice(-2)).toEqual(['06:30 started', '07:30 skipped']);
  expect((await now.slots()).at(-1)).toMatchObject({
    policy: 'dst-fold',
    reason: '01:30 comes twice on 2027-11-07: this is the second time, left out',
  });
});

const ofClock = async () =>
  (await now.told('warning')).filter((msg) => msg.startsWith('the clock'));
test('TIME-8: a clock that was set back while the service was down is said, once', async () => {
  await open(quick('cron: "0 * * * *"'));
  await now.at('2027-01-15T09:00:00Z');
  await now.over();
  await now.close();
  now.clock.jumpWall(-20 * 60_000);
  await again('2027-01-15T08:40:00Z');
  const said =
    'the clock is 20 min behind the last that was recorded: it was set back while the service was down; slots that were decided are not run again';
  expect(await ofClock()).toEqual([said]);
  await again('2027-01-15T08:50:00Z');
  expect(await ofClock()).toEqual([said]);
  await now.at('2027-01-15T09:00:00Z');
  await now.at('2027-01-15T10:00:00Z');
  expect(await now.decisions()).toEqual(['09:00 started', '10:00 started']);
});

test('TIME-8: a service that comes back by the clock says nothing of it', async () => {
  await open(quick('cron: "0 * * * *"'));
  await now.at('2027-01-15T09:00:00Z');
  await again('2027-01-15T09:00:00Z');
  expect(await ofClock()).toEqual([]);
});

describe('a slot does not run', () => {
  test('in a blackout, while all are paused, or without new input; each with its reason, and then it does', async () => {
    await open(
      quick(
        'cron: "0 * * * *", blackout: [ { from: "09:00", to: "10:00", reason: backup } ], only_when_new: [ "in/*" ]',
      ).replace('name: p', 'name: p\ntimezone: UTC'),
    );
    await now.at('2027-01-15T09:00:00Z');
    await now.orchestrator.pauseSchedules({ reason: 'move' }, { name: 'ann' });
    await now.at('2027-01-15T10:00:00Z');
    await now.orchestrator.pauseSchedules(null, { name: 'ann' });
    await now.at('2027-01-15T11:00:00Z');
    await now.over();
    await now.at('2027-01-15T12:00:00Z');
    const slots = await now.slots();
    expect(slots.map(({ decision, policy }) => [decision, policy])).toEqual([
      ['skipped', 'blackout'],
      ['skipped', 'paused'],
      ['started', 'overlap: skip'],
      ['skipped', 'only_when_new'],
    ]);
    expect([slots[0]?.reason, slots[1]?.reason]).toEqual([
      expect.stringContaining('backup'),
      expect.stringMatching(/paused by ann .*: move$/),
    ]);
  });

  test('whose run is impossible, and it says refused and why; the schedule stays enabled', async () => {
    // Made for a pipeline that needed no parameter; its file asks for one now.
    await open(quick('id: q, cron: "0 0 1 1 *"'));
    await now.orchestrator.createSchedule('hourly', 'p', { cron: '0 * * * *' }, { name: 'ann' });
    await again(
      '2027-01-15T08:30:00Z',
      `params: { day: { type: string } }\n${quick('id: q, cron: "0 0 1 1 *", params: { day: x }')}`,
    );
    await now.at('2027-01-15T09:00:00Z');
    const [slot] = await now.slots('hourly');
    expect(slot).toMatchObject({
      decision: 'refused',
      policy: 'invalid-params',
      reason: 'the parameters do not fit the pipeline',
    });
    expect((await now.orchestrator.scheduleById('hourly')).enabled).toBe(true);
  });
});

test('a change that comes while a slot is being decided does not lose it, and is in force at once', async () => {
  const deciding = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  await open(quick('cron: "0 9 * * *"'), {
    parts: ({ store }) => ({
      store: {
        ...store,
        begin: async (...given) => {
          deciding.resolve();
          await release.promise;
          return store.begin(...given);
        },
      },
    }),
  });
  const ticking = now.at('2027-01-15T09:00:00Z');
  await deciding.promise;
  const changing = now.orchestrator.changeSchedule(
    'p',
    { cron: '*/5 * * * *' },
    { revert: [], ifVersion: null, actor: { name: 'ann' } },
  );
  release.resolve();
  await Promise.all([ticking, changing]);
  await now.over();
  await now.at('2027-01-15T09:05:00Z');
  expect(await now.decisions()).toEqual(['09:00 started', '09:05 started']);
});

test('S54: disabled stays disabled over restarts, failures never change it, and who and when is shown', async () => {
  await open(quick('cron: "0 * * * *"', 'exit 1'));
  await now.at('2027-01-15T09:00:00Z');
  await now.over();
  expect((await runs())[0]?.state).toBe('FAILED');
  expect((await now.orchestrator.scheduleById('p')).enabled).toBe(true);
  await now.orchestrator.changeSchedule(
    'p',
    { enabled: false },
    { revert: [], ifVersion: null, actor: { name: 'ann' } },
  );
  await again('2027-01-15T10:30:00Z');
  expect(await now.orchestrator.scheduleById('p')).toMatchObject({
    enabled: false,
    enabled_set: { by: 'ann', at: '2027-01-15T09:00:00.000Z' },
    next_slots: [],
  });
  await now.at('2027-01-15T11:00:00Z');
  // Slots of a disabled schedule were never due; enabling it makes up for none of them.
  await now.orchestrator.changeSchedule(
    'p',
    { enabled: true },
    { revert: [], ifVersion: null, actor: { name: 'ann' } },
  );
  await now.at('2027-01-15T12:00:00Z');
  expect(await now.decisions()).toEqual(['09:00 started', '12:00 started']);
});

test('S55: a scheduler that cannot write says so in health, does not take others with it, and recovers by itself', async () => {
  let broken = false;
  const other =
    'name: q\nstages:\n  - { name: work, run: ["true"] }\nschedules:\n  - { cron: "0 * * * *" }\n';
  await open(quick('cron: "0 * * * *"'), {
    parts: ({ store }) => ({
      store: {
        ...store,
        begin: (request, decide) =>
          broken && request.spec.pipeline === 'p'
            ? Promise.reject(new Error('disk I/O error'))
            : store.begin(request, decide),
      },
    }),
  });
  await writeFile(join(now.dir, 'pipelines', 'q.yaml'), other);
  await again('2027-01-15T08:30:00Z');
  broken = true;
  await now.at('2027-01-15T09:00:00Z');
  expect(now.orchestrator.health()).toMatchObject({
    status: 'degraded',
    checks: {
      scheduler: {
        status: 'degraded',
        detail: expect.stringContaining('p: Error: disk I/O error'),
      },
    },
  });
  expect([await now.decisions('p'), await now.decisions('q')]).toEqual([[], ['09:00 started']]);
  broken = false;
  await now.at('2027-01-15T09:00:02Z');
  expect(now.orchestrator.health().checks.scheduler).toMatchObject({ status: 'ok' });
  expect(await now.decisions('p')).toEqual(['09:00 started']);
});

test('S55: a scheduler that nobody wakes says so in health, until somebody does', async () => {
  await open(quick('cron: "0 * * * *"'), {
    parts: () => ({ waker: () => ({ stop: () => {}, everyMs: 1000 }) }),
  });
  expect(now.orchestrator.health().checks.scheduler).toEqual({
    status: 'ok',
    detail: '1 of 1 schedules are enabled',
  });
  now.clock.advance(45_000);
  expect(now.orchestrator.health().checks.scheduler).toMatchObject({
    status: 'degraded',
    code: 'not-woken',
    detail: 'nothing has woken the scheduler for 45 s',
  });
  await now.service.tickSchedules();
  expect(now.orchestrator.health().checks.scheduler?.status).toBe('ok');
});

test('S56: a scheduled run looks like a manual one to every client: the same keys, states and events', async () => {
  await open(quick('cron: "0 9 * * *"'));
  await now.at('2027-01-15T09:00:00Z');
  await now.over();
  const manual = await now.orchestrator.start(startRequest('p', { trigger: 'manual' }));
  await ended(now.orchestrator, manual.status.run_id as string);
  const [first, second] = await runs();
  expect(first).toMatchObject({
    trigger: 'schedule',
    metadata: { schedule: 'p', slot: '2027-01-15T09:00:00.000Z' },
  });
  expect(Object.keys(first ?? {})).toEqual(Object.keys(second ?? {}));
  const eventsOf = async (runId: string | null | undefined) =>
    (await now.orchestrator.events({ runId: runId as string, after: 0, limit: 100 })).items.map(
      ({ stage, event, run_seq, data }) => [run_seq, stage, event, Object.keys(data)],
    );
  expect(await eventsOf(first?.run_id)).toEqual(await eventsOf(second?.run_id));
});

describe('TIME-3: ${slot.…}', () => {
  const said = async (): Promise<string> => (await readFile(join(now.dir, 'said'), 'utf8')).trim();
  const asks = (inside: string, schedule: string): string =>
    quick(schedule).replace('"true"]', `"echo $0 $DAY >> said", ${JSON.stringify(inside)}]`);

  test('says the slot of a scheduled run in the zone of its schedule, in run, env and parameters', async () => {
    await open(
      `params: { day: { type: string, format: date } }\n${asks(
        '${run.slot} ${slot.utc} ${slot.local} ${slot.date} ${slot.time} ${params.day}',
        'cron: "0 20 * * *", timezone: America/Chicago, params: { day: "${slot.date-1d}" }',
      ).replace('run:', 'env: { DAY: "${slot.date-1m}" }, run:')}`,
    );
    expect((await now.orchestrator.pipelines()).problems).toEqual([]);
    await now.at('2027-01-16T02:00:00Z');
    await now.over();
    expect(await said()).toBe(
      '2027-01-16T02:00:00.000Z 2027-01-16T02:00:00.000Z 2027-01-15T20:00:00-06:00 2027-01-15 20:00:00 2027-01-14 2026-12-15',
    );
    expect((await runs())[0]).toMatchObject({ params: { day: '2027-01-14' } });
    expect((await now.slots())[0]?.would).toBe('start a run of p with {"day":"2027-01-14"}');
  });

  test('is the start of a manual run in the zone of its pipeline, and a run that retries it keeps it', async () => {
    await open(
      `timezone: Asia/Kolkata\n${asks('${run.slot} ${slot.local}', 'cron: "0 9 * * *"').replace('>> said', '>> said; test -e go')}`,
    );
    const { status } = await now.orchestrator.start(startRequest('p'));
    expect((await ended(now.orchestrator, status.run_id as string)).state).toBe('FAILED');
    now.clock.advance(3_600_000);
    await go();
    const again = await now.orchestrator.command(status.run_id as string, {
      command: { type: 'RETRY_FROM', definition: 'pinned' },
      actor: { kind: 'user', name: 'ann' },
      ifVersion: null,
      idempotency: null,
    });
    await now.over();
    expect(again).toBeDefined();
    const first = '2027-01-15T08:00:00.000Z 2027-01-15T13:30:00+05:30';
    expect(await said()).toBe(`${first}\n${first}`);
  });

  test('of a backfill is that of each of its slots', async () => {
    await open(
      `params: { day: { type: string } }\n${asks('${params.day}', 'cron: "0 9 * * *", params: { day: "${slot.date}" }')}`,
    );
    await now.orchestrator.backfill('p', {
      from: Date.parse('2027-01-12T00:00Z'),
      to: Date.parse('2027-01-13T23:00Z'),
      again: false,
      dryRun: false,
      reason: null,
      actor: { name: 'ann' },
    });
    for (let turn = 0; turn < 2; turn += 1) {
      await now.service.tickSchedules();
      await now.over();
    }
    expect(await said()).toBe('2027-01-12\n2027-01-13');
  });

  test.each([
    ['"${run.slot}"', '${run.slot} has no value'],
    ['"${slot.dat}"', '${slot.dat} has no value'],
    ['"${slot.date-1h}"', '${slot.date-1h} has no value'],
    ['"${slot.date"', '${ that is not closed'],
    ['"a ${env.HOME} b"', '${env.HOME} has no value'],
  ])('that is none in a parameter is a load error at its field: %s', async (value, detail) => {
    await open(
      `params: { day: { type: string } }\n${quick(`cron: "0 9 * * *", params: { day: ${value} }`)}`,
    );
    expect((await now.orchestrator.pipelines()).problems).toMatchObject([
      { pointer: '/schedules/0/params/day', line: 6, detail: expect.stringContaining(detail) },
    ]);
  });

  test('that is none is refused by the API too, and a text that is meant so is passed', async () => {
    await open(
      `params: { day: { type: string } }\n${quick('cron: "0 9 * * *", params: { day: "$${x}" }')}`,
    );
    await expect(
      now.orchestrator.changeSchedule(
        'p',
        { params: { day: '${run.id}' } },
        { revert: [], ifVersion: null, actor: { name: 'ann' } },
      ),
    ).rejects.toMatchObject({ code: 'invalid-schedule', errors: [{ pointer: '/params/day' }] });
    await now.at('2027-01-15T09:00:00Z');
    await now.over();
    expect((await runs())[0]).toMatchObject({ params: { day: '${x}' } });
  });
});

describe('a backfill', () => {
  const window = {
    from: Date.parse('2027-01-12T00:00Z'),
    to: Date.parse('2027-01-14T23:00Z'),
    again: false,
    reason: null,
    actor: { name: 'ann' },
  };
  test('runs the slots of a past window one after the other, leaves out what is DONE, and begins nothing when it is dry', async () => {
    await open(quick('cron: "0 9 * * *"'));
    const dry = await now.orchestrator.backfill('p', { ...window, dryRun: true });
    expect(dry).toMatchObject({
      id: null,
      state: 'planned',
      counts: { would_run: 3, left_out: 0 },
    });
    await now.service.tickSchedules();
    expect(await runs()).toEqual([]);
    await now.orchestrator.backfill('p', {
      ...window,
      to: Date.parse('2027-01-12T10:00Z'),
      dryRun: false,
    });
    await now.service.tickSchedules();
    await now.over();
    const { id } = await now.orchestrator.backfill('p', { ...window, dryRun: false });
    for (let turn = 0; turn < 4; turn += 1) {
      await now.service.tickSchedules();
      expect((await runs()).filter(({ ended_at }) => ended_at === null).length).toBeLessThanOrEqual(
        1,
      );
      await now.over();
    }
    expect(
      (await runs()).map(({ trigger, metadata, state }) => [trigger, metadata.slot, state]),
    ).toEqual([
      ['backfill', '2027-01-12T09:00:00.000Z', 'DONE'],
      ['backfill', '2027-01-13T09:00:00.000Z', 'DONE'],
      ['backfill', '2027-01-14T09:00:00.000Z', 'DONE'],
    ]);
    expect(
      (await now.orchestrator.backfills('p')).items.find((one) => one.id === id),
    ).toMatchObject({
      state: 'done',
      counts: { started: 2 },
    });
  });

  test('goes on after a restart, and what still waits of it can be cancelled', async () => {
    await open(holding('cron: "0 9 * * *"'));
    const { id } = await now.orchestrator.backfill('p', { ...window, dryRun: false });
    await again('2027-01-15T08:10:00Z');
    expect((await now.slots()).map(({ decision }) => decision)).toEqual([
      'started',
      'waiting',
      'waiting',
    ]);
    const cancelled = await now.orchestrator.cancelBackfill(id as string, { name: 'ann' });
    expect(cancelled).toMatchObject({ state: 'cancelled', counts: { started: 1, cancelled: 2 } });
    await go();
    await now.over();
    await now.service.tickSchedules();
    expect(await runs()).toHaveLength(1);
    await expect(now.orchestrator.cancelBackfill('b_0', { name: 'ann' })).rejects.toMatchObject({
      code: 'unknown-backfill',
    });
  });

  test('of the future, of too much, or upside down is refused', async () => {
    await open(quick('cron: "* * * * *"'));
    const asked = (more: object) =>
      now.orchestrator.backfill('p', { ...window, dryRun: true, ...more });
    await expect(asked({ to: Date.parse('2027-02-01') })).rejects.toMatchObject({
      code: 'invalid-backfill',
    });
    await expect(asked({})).rejects.toMatchObject({
      errors: [{ detail: expect.stringContaining('more than 1000') }],
    });
    await expect(asked({ to: window.from })).rejects.toMatchObject({ code: 'invalid-backfill' });
  });
});

test('upcoming says what the next slots will meet: skipped unless the live run ends in time', async () => {
  await open(holding('cron: "*/10 * * * *"'));
  await now.at('2027-01-15T08:10:00Z');
  // Nobody knows how long it takes; after six minutes it is taken to be half done.
  await now.at('2027-01-15T08:16:00Z');
  const { items } = await now.orchestrator.upcoming(2);
  expect(items[0]).toMatchObject({
    schedule: 'p',
    slot: '2027-01-15T08:20:00.000Z',
    predicted: 'skip',
  });
  expect(items[0]?.why).toMatch(
    /^will be skipped unless the run ends by 2027-01-15T08:20:00.000Z: run 1 is /,
  );
  await go();
});

test('node-cron wakes the scheduler, and a slot of now fires without anybody ticking', async () => {
  now = (await runService({
    pipelines: { 'p.yaml': quick('every: 1s') },
    parts: () => ({ waker: nodeCronWaker }),
  })) as Scheduled;
  const fired = await eventually(
    now.orchestrator,
    async () => (await now.orchestrator.events({ event: 'fired', limit: 5 })).items[0],
  );
  expect(fired).toMatchObject({
    stage: 'scheduler',
    run_id: null,
    data: { schedule: 'p', run_id: expect.stringMatching(/^r_/) },
  });
});
