import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Why } from '../../../wire/why-answer.ts';
import { holding, quick, type Scheduled, scheduled } from '../../support/scheduled.ts';
import { ended, eventually, startRequest } from '../../support/service.ts';

let on: Scheduled;
afterEach(async () => {
  await on.close();
  await rm(on.dir, { recursive: true, force: true });
});
const user = { kind: 'user', name: 'kim' } as const;
const why = (at: string | null): Promise<Why> => on.orchestrator.why('p', at);
/** The clock begins on Friday, 2027-01-15T08:00Z. */
const day = '2027-01-15T';

test('a slot that began its run is told with that run, how it ended, and what to do when it failed', async () => {
  on = await scheduled(quick('cron: "30 * * * *"', 'echo "no such table" >&2; exit 3'));
  await on.at(`${day}08:30:00Z`);
  await on.over();
  const { answer, facts, todo, read_as } = await why('08:30');
  const { run_id: runId } = await on.orchestrator.status('p');
  expect(read_as).toBe('08:30 on 2027-01-15 (today) in UTC');
  expect(answer).toContain(
    `the slot 2027-01-15 08:30 of schedule p did what it should: it began a run: run 1 (${runId}) FAILED`,
  );
  expect(facts[0]).toMatchObject({
    code: 'slot-started',
    schedule: 'p',
    slot: '2027-01-15T08:30:00.000Z',
    run_id: runId,
  });
  expect(todo).toContain(`stagewright retry ${runId} does only what is left`);
});

test('a slot that met a live run was skipped, and the run it met is named', async () => {
  on = await scheduled(holding('cron: "30 * * * *"'));
  await on.at(`${day}08:30:00Z`);
  await on.at(`${day}09:30:00Z`);
  const { facts, answer, todo } = await why('9:30');
  expect(facts[0]?.code).toBe('slot-skipped');
  expect(answer).toMatch(
    /^the slot 2027-01-15 09:30 of schedule p was skipped \(overlap: skip\): run 1 of p .* holds the lock/,
  );
  expect(todo).toContain('`overlap: queue_one` in schedule p lets such a slot wait instead');
  expect(facts).toContainEqual(
    expect.objectContaining({
      code: 'run-live',
      text: expect.stringContaining('a run was live then, begun at 2027-01-15 08:30 (schedule)'),
    }),
  );
  // Now it works, which is the first thing to know.
  expect((await why(null)).facts[0]?.code).toBe('run-live');
});

test('a slot whose run had to wait names that run, and what it waits for while it does', async () => {
  on = await scheduled(holding('cron: "30 * * * *", overlap: queue_one'));
  await on.at(`${day}08:30:00Z`);
  await on.at(`${day}09:30:00Z`);
  const { answer, facts } = await why('09:30');
  expect(facts[0]?.code).toBe('slot-queued');
  expect(answer).toMatch(
    /^the slot 2027-01-15 09:30 of schedule p did what it should: it asked for a run that had to wait: run 2 \(r_\w+\) is QUEUED: waits for run 1 of p /,
  );
});

test('a service that was stopped then is the reason for a missed slot, with from when to when, and how to make up for it', async () => {
  on = await scheduled(quick('cron: "30 * * * *", missed: none'));
  await on.at(`${day}08:10:00Z`);
  on = await on.again(`${day}09:00:00Z`);
  await on.service.tickSchedules();
  const { facts, todo } = await why('08:30');
  expect(facts.map(({ code }) => code).slice(0, 2)).toEqual(['slot-missed', 'service-away']);
  expect(facts[1]?.text).toBe(
    'no service ran then: it was stopped at 2027-01-15 08:10 and came back at 2027-01-15 09:00',
  );
  expect(todo[0]).toBe(
    'stagewright schedules backfill p --from 2027-01-15T08:30:00.000Z --to 2027-01-15T08:30:01.000Z makes up for it',
  );
  // Between the two slots of a row that stands for many, none was due.
  expect((await why('08:40')).facts.map(({ code }) => code)).toContain('not-due');
});

test('a pipeline without a schedule runs only when somebody starts it', async () => {
  on = await scheduled('name: p\nstages:\n  - { name: work, run: ["true"] }\n');
  const { answer, todo } = await why('07:00');
  expect(answer).toBe('p has no schedule: it runs only when somebody starts it');
  expect(todo[0]).toBe('write `schedules:` into p.yaml, or POST /api/schedules');
  expect((await why(null)).facts[0]?.code).toBe('no-schedule');
});

test('a disabled schedule says by whom and since when, and is not confused with one that was enabled later', async () => {
  on = await scheduled(quick('cron: "30 * * * *"'));
  await on.at(`${day}08:10:00Z`);
  const change = (enabled: boolean) =>
    on.orchestrator.changeSchedule('p', { enabled }, { revert: [], ifVersion: null, actor: user });
  await change(false);
  await on.at(`${day}08:50:00Z`);
  expect((await why('08:30')).answer).toBe('schedule p is disabled by kim since 2027-01-15 08:10');
  expect((await why(null)).facts[0]?.code).toBe('disabled');
  await change(true);
  const { answer, facts } = await why('08:30');
  expect(answer).toBe(
    'the slot 2027-01-15 08:30 of schedule p was not due by what the schedule said then: at 2027-01-15 08:50 kim set enabled to true of schedule p',
  );
  expect(facts[0]?.seq).toEqual(expect.any(Number));
});

test('blackout, a pause of all schedules and a time to come are each told as what they are', async () => {
  on = await scheduled(
    quick('cron: "30 * * * *", blackout: [{ from: "08:00", to: "09:00", reason: backup }]'),
  );
  await on.at(`${day}08:30:00Z`);
  expect((await why('08:30')).answer).toBe(
    'the slot 2027-01-15 08:30 of schedule p was skipped (blackout): blackout 08:00 to 09:00: backup',
  );
  expect((await why('today 23:30')).answer).toBe(
    'the slot 2027-01-15 23:30 of schedule p is to come',
  );
  expect((await why('2027-01-16T08:30')).answer).toBe(
    'the slot 2027-01-16 08:30 of schedule p is to come and will be left out: blackout 08:00 to 09:00: backup',
  );
  await on.orchestrator.pauseSchedules({ reason: 'moving house' }, user);
  await on.at(`${day}09:30:00Z`);
  expect((await why('09:30')).answer).toContain(
    'was skipped (paused): all schedules are paused by kim since 2027-01-15T08:30:00.000Z: moving house',
  );
  expect((await why(null)).answer).toBe(
    'all schedules are paused by kim since 2027-01-15 08:30: moving house',
  );
});

test('a time at which nothing was due names the slots around it, and a schedule that was edited since says so', async () => {
  on = await scheduled(quick('cron: "30 * * * *"'));
  await on.at(`${day}08:30:00Z`);
  await on.over();
  await on.at(`${day}09:05:00Z`);
  expect((await why('08:45')).answer).toBe(
    'schedule p (cron "30 * * * *", UTC) has no slot at 2027-01-15 08:45; the slot before was 2027-01-15 08:30 (started), the next is 2027-01-15 09:30',
  );
  await writeFile(join(on.dir, 'pipelines/p.yaml'), quick('cron: "15 * * * *"'));
  await on.orchestrator.reload(user);
  const { facts } = await why('08:45');
  expect(facts.map(({ code }) => code)).toEqual(['not-due', 'not-in-force', 'run-before']);
  expect(facts[1]?.text).toBe(
    'it was changed since, and may have said something else then: at 2027-01-15 09:05 p.yaml changed cron of schedule p',
  );
  await writeFile(join(on.dir, 'pipelines/p.yaml'), 'name: p\nstages: nothing\n');
  await on.orchestrator.reload(user);
  const codes = (await why(null)).facts.map(({ code }) => code);
  expect(codes).toContain('file-faults');
});

test('failures in a row that hold runs up, and a start that was refused, are named with their evidence', async () => {
  const file = quick('cron: "30 * * * *"', 'exit 1').replace(
    'stages:',
    'on_failures: { pause_after: 1 }\nstages:',
  );
  on = await scheduled(file);
  await on.at(`${day}08:30:00Z`);
  await on.over();
  await on.at(`${day}09:30:00Z`);
  const { facts, todo } = await why('09:30');
  expect(facts[0]?.code).toBe('slot-blocked');
  expect(todo[0]).toBe('stagewright acknowledge p --reason … lets automatic runs go on');
  expect((await why(null)).facts[0]?.code).toBe('held-up');
});

test('a start that was refused in that minute is found in the journal, however long ago', async () => {
  on = await scheduled(holding('cron: "0 0 1 1 *"'));
  await on.at(`${day}08:15:00Z`);
  const { status } = await on.orchestrator.start(startRequest('p'));
  await expect(on.orchestrator.start(startRequest('p'))).rejects.toThrow('holds the lock');
  await writeFile(join(on.dir, 'go'), '');
  await ended(on.orchestrator, status.run_id as string);
  await on.at('2027-02-15T08:15:00Z');
  const { facts } = await why('2027-01-15T08:15');
  expect(facts.find(({ code }) => code === 'start-refused')).toMatchObject({
    text: expect.stringContaining('at 2027-01-15 08:15: start refused: run 1 of p'),
    seq: expect.any(Number),
  });
});

test('a local time that does not exist is said, and what the schedule does there', async () => {
  const file = quick('cron: "30 2 * * *", dst_gap: skip').replace(
    'stages:',
    'timezone: America/Chicago\nstages:',
  );
  on = await scheduled(file);
  await on.at('2027-03-14T07:30:00Z');
  await on.at('2027-03-14T08:00:00Z');
  await eventually(on.orchestrator, async () => (await on.slots()).length > 0);
  const { facts, timezone } = await why('2027-03-14T02:30');
  expect(timezone).toBe('America/Chicago');
  expect(facts.map(({ code }) => code)).toEqual(expect.arrayContaining(['slot-skipped', 'clocks']));
  expect(facts[0]?.text).toContain('02:30 does not exist on 2027-03-14: left out');
});

test('what is no time, and no pipeline, is refused with what was expected', async () => {
  on = await scheduled(quick('cron: "30 * * * *"'));
  await expect(why('half past')).rejects.toMatchObject({ code: 'bad-parameter' });
  await expect(on.orchestrator.why('q', null)).rejects.toMatchObject({ code: 'unknown-pipeline' });
});
