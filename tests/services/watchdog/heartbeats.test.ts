import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { attemptDirOf } from '../../../services/host/paths.ts';
import { pipeline, retries, stage } from '../../support/definition.ts';
import { until } from '../../support/until.ts';
import { openWatched, runId, type Work } from '../../support/watched.ts';

const minute = 60_000;
const hour = 60 * minute;
let on: Awaited<ReturnType<typeof openWatched>>;
beforeEach(async () => {
  on = await openWatched();
});
afterEach(() => on.close());

const beginWith = async (heartbeatMs: number | null): Promise<Work> => {
  await on.begin(
    pipeline([stage('analyzer', { heartbeatMs, timeoutMs: 24 * hour, ...retries(1) })]),
  );
  await on.working();
  return on.works[0] as Work;
};

test('S04: hours of work with a heartbeat every four minutes are never late, never lose the lock, and say so six times an hour at most', async () => {
  const work = await beginWith(5 * minute);
  const before = await on.status();
  for (let at = 0; at < 6 * hour; at += 30_000) {
    if (at % (4 * minute) === 0) work.alive();
    await on.pass(30_000);
  }
  const after = await on.status();
  expect([after.state, after.attempt, after.version, after.lock]).toEqual([
    'RUNNING_ANALYZER',
    1,
    before.version,
    before.lock,
  ]);
  expect(await on.words('watchdog')).toEqual([]);
  const beats = (await on.words('analyzer')).filter(({ event }) => event === 'heartbeat');
  expect(beats.length).toBeGreaterThan(20);
  expect(beats.length).toBeLessThanOrEqual(36);
  expect(beats.map(({ attempt }) => attempt)).toEqual(beats.map(() => 1));
});

test('a sign of life is shown in the status, on the stream and in the row, at most five seconds late', async () => {
  const work = await beginWith(5 * minute);
  expect((await on.status()).stages[0]?.heartbeat_at).toBeNull();
  await on.pass(minute);
  const heard = new Date(on.clock.wallMs()).toISOString();
  work.alive();
  await on.pass(5000);
  expect((await on.status()).stages[0]?.heartbeat_at).toBe(heard);
  expect(on.news).toEqual([
    {
      run_id: runId,
      pipeline: 'sample',
      stage: 'analyzer',
      event: 'heartbeat',
      data: { patch: { stages: [{ name: 'analyzer', heartbeat_at: heard }] } },
    },
  ]);
  expect(await until(async () => (await on.store.effects())[0]?.heartbeatAt)).toBe(
    Date.parse(heard),
  );
});

test('what was shown of an attempt is gone when it is over, and the patch that ends it says so (I11)', async () => {
  const work = await beginWith(null);
  work.alive();
  await on.pass(5000);
  work.end();
  await until(async () => (await on.status()).state === 'DONE');
  expect((await on.status()).stages[0]?.heartbeat_at).toBeNull();
  const last = (await on.words('pipeline')).at(-1);
  expect(last?.data.patch).toMatchObject({
    stages: [{ name: 'analyzer', state: 'succeeded', heartbeat_at: null }],
  });
});

test('the next service shows the sign of life that was written down', async () => {
  const work = await beginWith(null);
  await on.pass(minute);
  const heardAt = on.clock.wallMs();
  work.alive();
  await on.pass(5000);
  await until(async () => (await on.store.effects())[0]?.heartbeatAt === heardAt);
  const { createHeartbeats } = await import('../../../services/watchdog/heartbeats.ts');
  const { store, clock } = on;
  const next = createHeartbeats({
    store,
    clock,
    note: async () => {},
    tell: () => {},
    ask: async () => ({ hasEnded: false, output: null }),
    log: () => {},
  });
  next.restore(await store.effects());
  expect(next.shown(runId)).toEqual({ analyzer: heardAt });
});

test('the journalled sign of life says how long the longest silence was', async () => {
  const work = await beginWith(null);
  for (const minutes of [1, 6, 2, 3]) {
    await on.pass(minutes * minute);
    work.alive();
  }
  await on.pass(5000);
  const beats = (await on.words('analyzer')).filter(({ event }) => event === 'heartbeat');
  expect(beats.map(({ msg, data }) => [msg, data.silent_ms])).toEqual([
    ['analyzer is alive; it was silent for at most 360 s', 6 * minute],
  ]);
});

test('S61: silence for the limit is one alarm and one action, without flicker, and over once', async () => {
  const work = await beginWith(minute);
  on.world.members = [4711];
  await on.pass(minute - 1);
  expect(await on.words('watchdog')).toEqual([]);
  await on.pass(1);
  // Too late: the verdict stays, whatever the stage says while it is being ended.
  work.alive();
  for (let round = 0; round < 10; round += 1) await on.pass(1000);
  expect(
    (await on.words('watchdog')).map(({ event, attempt, data }) => [event, attempt, data.alarm]),
  ).toEqual([['warning', 1, 'late-heartbeat']]);
  on.world.members = [];
  await until(async () => (await on.status()).state === 'RETRYING');
  work.end();
  await until(async () => (await on.heartbeats.late()).length === 0);
  for (let round = 0; round < 3; round += 1) await on.pass(1000);
  const told = (await on.store.ledger(runId, { after: 0, limit: 100 })).filter(
    ({ event }) => event.type === 'HEARTBEAT_LATE',
  );
  expect(told.map(({ verdict, cause }) => [verdict, cause.kind])).toEqual([
    ['accepted', 'watchdog'],
  ]);
  expect((await on.words('watchdog')).map(({ event }) => event)).toEqual(['warning', 'recovered']);
});

test('the watchdog wakes for a limit that is shorter than its interval', async () => {
  await beginWith(1000);
  const moved = new Promise<void>((resolve) => on.interpreter.onCommit(() => resolve()));
  on.clock.advance(1000);
  await moved;
  expect((await on.store.ledger(runId, { after: 0, limit: 100 })).at(-1)?.event).toMatchObject({
    type: 'HEARTBEAT_LATE',
    silent_ms: 1000,
  });
});

test('a wall clock that is set makes nobody late', async () => {
  await beginWith(minute);
  on.clock.jumpWall(24 * hour);
  await on.pass(30_000);
  expect([(await on.status()).state, await on.words('watchdog')]).toEqual(['RUNNING_ANALYZER', []]);
});

/** Asked by the test alone: the watchdog, asking first, would end the attempt. */
const beginAlone: typeof beginWith = async (...limit) => {
  const work = await beginWith(...limit);
  await on.watchdog.close();
  return work;
};
/** What the stage has written, and when; the service has not looked yet. */
const written = async (bytes: number, at: number): Promise<string> => {
  const dir = attemptDirOf(on.dataDir, runId, 'analyzer', 1);
  await mkdir(dir, { recursive: true });
  const log = join(dir, 'stdout.log');
  await writeFile(log, 'x'.repeat(bytes));
  await utimes(log, at / 1000, at / 1000);
  return dir;
};
const lateOnes = async (): Promise<number[]> =>
  (await on.heartbeats.late()).map(({ silentMs }) => silentMs);

test('REL-7: silence is the age of the logs, not of our last look', async () => {
  await beginAlone(minute);
  await written(10, on.clock.wallMs() + 70_000);
  on.clock.advance(90_000);
  expect(await lateOnes()).toEqual([]);
  on.clock.advance(39_999);
  expect(await lateOnes()).toEqual([]);
  on.clock.advance(1);
  expect(await lateOnes()).toEqual([minute]);
});

test('REL-7: what was written before is no sign of life, and neither is a file whose clock is ahead', async () => {
  await beginAlone(minute);
  await written(10, on.clock.wallMs() + 10 * minute);
  on.clock.advance(minute);
  expect(await lateOnes()).toEqual([]);
  on.clock.advance(minute);
  expect(await lateOnes()).toEqual([minute]);
});

test('REL-7: what is read late counts from when it was written', async () => {
  const work = await beginAlone(minute);
  const at = on.clock.wallMs() + 10_000;
  on.clock.advance(50_000);
  work.alive(at);
  on.clock.advance(19_999);
  expect(await lateOnes()).toEqual([]);
  on.clock.advance(1);
  expect(await lateOnes()).toEqual([minute]);
});

test('REL-7: an attempt that has ended is not silent; its answer comes', async () => {
  await beginAlone(minute);
  const dir = await written(0, on.clock.wallMs());
  const end = { exit_code: 0, signal: null, ended_at: new Date().toISOString(), ended_by: null };
  await writeFile(join(dir, 'exit.json'), JSON.stringify(end));
  on.clock.advance(10 * minute);
  expect(await lateOnes()).toEqual([]);
  expect(on.heartbeats.nextDueIn()).toBeGreaterThan(0);
});
