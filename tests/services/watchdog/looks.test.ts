import { mkdir, writeFile } from 'node:fs/promises';
import { systemClock } from '../../../services/host/clock.ts';
import { attemptDirOf } from '../../../services/host/paths.ts';
import { pipeline, retries, stage } from '../../support/definition.ts';
import { until } from '../../support/until.ts';
import { openWatched, runId, type Work } from '../../support/watched.ts';

let on: Awaited<ReturnType<typeof openWatched>>;
beforeEach(async () => {
  on = await openWatched();
});
afterEach(() => on.close());

const definition = pipeline([stage('one', { ...retries(1), graceMs: 1000 })]);
const alarmsOf = async () =>
  (await on.words('watchdog')).map(({ event, data }) => [event, data.alarm]);
const stop = () =>
  on.interpreter.deliver(runId, {
    event: { type: 'STOP', reason: null, by: 'test', grace_ms: null },
    fence: null,
    cause: { kind: 'command' },
  });

test('a run that works and ends raises nothing, look after look', async () => {
  await on.begin(definition);
  await on.working();
  for (let round = 0; round < 10; round += 1) await on.pass(30_000);
  on.works[0]?.end();
  await until(async () => (await on.status()).state === 'DONE');
  for (let round = 0; round < 3; round += 1) await on.pass(30_000);
  expect(await alarmsOf()).toEqual([]);
});

test('dead-process: a process that is gone without an answer is settled by the evidence it left', async () => {
  await on.begin(definition);
  await on.working();
  const dir = attemptDirOf(on.dataDir, runId, 'one', 1);
  await mkdir(dir, { recursive: true });
  for (const name of ['stdout.log', 'stderr.log']) await writeFile(`${dir}/${name}`, '');
  await writeFile(
    `${dir}/exit.json`,
    JSON.stringify({ exit_code: 0, signal: null, ended_at: 'now', ended_by: null }),
  );
  on.world.alive = false;
  await on.pass(30_000);
  expect(await alarmsOf()).toEqual([]);
  await on.pass(30_000);
  await on.pass(30_000);
  const { state, attempt } = await on.status();
  expect([state, attempt, await alarmsOf()]).toEqual([
    'DONE',
    1,
    [
      ['warning', 'dead-process'],
      ['recovered', 'dead-process'],
    ],
  ]);
});

test('an attempt without a process is not one whose process is dead: nothing is raised while it works, and its silence counts', async () => {
  on.world.hasProcess = false;
  on.world.alive = false;
  await on.begin(pipeline([stage('one', { ...retries(1), heartbeatMs: 600_000 })]));
  await on.working();
  for (let round = 0; round < 10; round += 1) await on.pass(30_000);
  expect([(await on.status()).state, await alarmsOf()]).toEqual(['RUNNING_ONE', []]);
  await on.pass(400_000);
  expect(await alarmsOf()).toContainEqual(['warning', 'late-heartbeat']);
});

test('dead-process: without evidence the attempt is interrupted with its fence, and the run goes on although its runner hangs', async () => {
  await on.begin(definition);
  await on.working();
  on.world.alive = false;
  await on.pass(30_000);
  await on.pass(30_000);
  await until(async () => (await on.status()).state === 'RETRYING');
  on.world.alive = true;
  await on.pass(1);
  await until(() => on.works.length === 2);
  // The answer of the one that hung comes at last: stale, it moves nothing.
  (on.works[0] as Work).end();
  (on.works[1] as Work).end();
  await until(async () => (await on.status()).state === 'DONE');
  const { attempt, retry_count } = await on.status();
  expect([attempt, retry_count]).toEqual([2, 0]);
  const interrupted = (await on.store.ledger(runId, 0, 100)).filter(
    ({ event }) => event.type === 'INTERRUPTED',
  );
  expect(interrupted.map(({ verdict, cause }) => [verdict, cause.kind])).toEqual([
    ['accepted', 'watchdog'],
  ]);
});

test('overdue-effect: what was asked for and begun by nobody is begun, once', async () => {
  await on.begin(definition, on.foreign());
  await on.pass(5000);
  expect(await alarmsOf()).toEqual([]);
  await on.pass(12_000);
  await on.working();
  await on.pass(12_000);
  await on.pass(12_000);
  expect(on.works).toHaveLength(1);
  expect(await alarmsOf()).toEqual([
    ['warning', 'overdue-effect'],
    ['recovered', 'overdue-effect'],
  ]);
});

test('overdue-effect: an attempt that nobody follows is interrupted, and the run goes on', async () => {
  const foreign = on.foreign();
  await on.begin(definition, foreign);
  const [preflight] = await on.store.effects();
  const fence = { kind: 'effect' as const, id: 'preflight', stamp: preflight?.stamp ?? 0 };
  await foreign.deliver(runId, {
    event: { type: 'xstate.done.actor.preflight', output: {}, actorId: 'preflight' },
    fence,
    cause: { kind: 'effect' },
  });
  const [attempt] = await on.store.effects();
  const identity = { pid: 4711, startTicks: 1, bootId: 'x', pidNamespace: 'x' };
  await on.store.recordProcess(
    runId,
    { kind: 'effect', id: attempt?.id ?? '', stamp: attempt?.stamp ?? 0 },
    identity,
  );
  await on.pass(5000);
  await on.pass(12_000);
  await until(async () => (await on.status()).state === 'RETRYING');
  await on.pass(1);
  await on.working();
  const { attempt: now, retry_count } = await on.status();
  expect([now, retry_count, (await alarmsOf())[0]]).toEqual([2, 0, ['warning', 'overdue-effect']]);
});

test('overdue-timer: a timer that did not fire is delivered', async () => {
  await on.begin(pipeline([stage('one', { timeoutMs: 1000, graceMs: 0 })]));
  await on.working();
  // Only the watchdog looks: the waker of the timers is gone.
  on.timers.close();
  on.clock.advance(20_000);
  await on.watchdog.tick();
  on.clock.advance(20_000);
  await on.watchdog.tick();
  expect(
    (await on.store.journal({ stage: 'watchdog', after: 0, limit: 10 })).map(
      ({ data }) => data.alarm,
    ),
  ).toContain('overdue-timer');
});

test('overdue-drain: a process that outlives SIGKILL is named in `why`, is one alarm, and ends the wait when it is gone', async () => {
  await on.begin(definition);
  await on.working();
  on.world.members = [4711];
  await stop();
  for (let round = 0; round < 5; round += 1) await on.pass(3000);
  const status = await on.status();
  expect(status).toMatchObject({ state: 'STOPPING', ended_at: null });
  expect(status.why).toContain(
    'process 4711 does not end, not even by SIGKILL; reset with force and a reason',
  );
  expect(status.lock).not.toBeNull();
  expect(await alarmsOf()).toEqual([['error', 'overdue-drain']]);
  on.world.members = [];
  on.works[0]?.end();
  await until(async () => (await on.status()).state === 'STOPPED');
  await on.pass(1000);
  expect(await alarmsOf()).toEqual([
    ['error', 'overdue-drain'],
    ['recovered', 'overdue-drain'],
  ]);
});

test('an alarm that the journal does not take is raised by the next look, and an action that failed is tried again, not said again', async () => {
  await on.begin(pipeline([stage('one', { heartbeatMs: 1000 })]));
  await on.working();
  const said: string[] = [];
  let acts = 0;
  let isBroken = true;
  const { createAlarms } = await import('../../../services/watchdog/alarms.ts');
  const alarms = createAlarms(async ({ event }) => {
    if (isBroken) throw new Error('no journal');
    said.push(event);
  }, systemClock);
  const finding = {
    key: 'x',
    runId,
    pipeline: 'sample',
    severity: 'warning' as const,
    msg: 'm',
    data: {},
    act: async () => {
      acts += 1;
      if (acts < 2) throw new Error('not yet');
    },
  };
  await expect(alarms.settle('late', [finding])).rejects.toThrow('no journal');
  isBroken = false;
  await expect(alarms.settle('late', [finding])).rejects.toThrow('not yet');
  await alarms.settle('late', [finding]);
  await alarms.settle('late', [finding]);
  await alarms.settle('late', []);
  await alarms.settle('late', []);
  expect([said, acts, alarms.open()]).toEqual([['warning', 'recovered'], 2, []]);
});

test('an act that hangs is left to itself after its deadline, is not begun twice, and keeps nobody from being looked at', async () => {
  const { createAlarms } = await import('../../../services/watchdog/alarms.ts');
  const alarms = createAlarms(async () => {}, {
    // As if its ten seconds had passed.
    after: (_, late) => {
      setImmediate(late);
      return () => {};
    },
  });
  const acts: string[] = [];
  const hang = Promise.withResolvers<void>();
  const finding = (key: string, work: () => Promise<void>) => ({
    key,
    runId,
    pipeline: 'sample',
    severity: 'warning' as const,
    msg: 'm',
    data: {},
    act: () => {
      acts.push(key);
      return work();
    },
  });
  const findings = [finding('hangs', () => hang.promise), finding('works', async () => {})];
  await expect(alarms.settle('dead-process', findings)).rejects.toThrow('more than 10 s');
  await alarms.settle('dead-process', findings);
  expect(acts).toEqual(['hangs', 'works']);
  hang.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  await alarms.settle('dead-process', findings);
  expect(acts).toEqual(['hangs', 'works']);
});

test('REL-7: a watchdog that was away lets what came meanwhile happen first', async () => {
  await on.begin(definition);
  await on.working();
  on.world.members = [4711];
  await stop();
  await on.watchdog.tick();
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 50; turn += 1) await new Promise((next) => setImmediate(next));
    await on.watchdog.tick();
  };
  // Frozen while it was being ended: its grace is over, and SIGKILL ends it when we are back.
  on.clock.advance(600_000);
  on.world.members = [];
  on.works[0]?.end();
  await until(async () => (await on.status()).state === 'STOPPED');
  on.clock.advance(1000);
  await turns();
  expect(await alarmsOf()).toEqual([]);
});
