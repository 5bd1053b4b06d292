import { rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sizeText } from '../../../definition/byte-size.ts';
import { systemClock } from '../../../services/host/clock.ts';
import type { Parts } from '../../../services/orchestrator/service-parts.ts';
import type { Status } from '../../../wire/status.ts';
import { processesOf } from '../../support/processes.ts';
import { ended, type Running, runService, startRequest } from '../../support/service.ts';
import { openSmallDisk, type SmallDisk } from '../../support/small-disk.ts';
import { until } from '../../support/until.ts';

const tillGo = 'until [ -e go ]; do sleep 0.02; done';
const pipeline = (stage: string, backoff = '20ms') => `
name: p
concurrency: { on_conflict: queue }
stages:
  - { name: a, grace: 200ms, retry: { limit: 1, backoff: { initial: ${backoff} } }, ${stage} }
  - { name: b, run: ["true"] }
`;
const run = (script: string) => `run: ["bash", "-c", ${JSON.stringify(script)}]`;

type Case = {
  /** Where the run is when not one page is left any more: the disk is full from that commit on. */
  at: string;
  stage: string;
  /** Brings the run there. */
  act?: (on: Running, runId: string) => Promise<unknown>;
  /** How it ends when nobody stops it. */
  end?: Status['state'];
  /** Attempts of the first stage then: one that waited is none more. */
  attempts?: number;
  /** What it waits for, with a reserve and without; absent where it waits for something else. */
  waits?: [string, string];
  /** Runs before this one, which is queued behind them. */
  before?: number;
};
const actor = { kind: 'user', name: 'ada' } as const;
const send = (on: Running, runId: string, command: 'STOP' | 'PAUSE' | 'RESUME') =>
  on.orchestrator.command(runId, {
    command: { type: command },
    actor,
    ifVersion: null,
    idempotency: null,
  });
const working = (on: Running, runId: string) =>
  until(async () =>
    (await on.store.effects()).some((one) => one.runId === runId && one.state === 'started'),
  );

/** Fills the disk by itself and eats whatever is given away. */
const writer = 'while [ ! -e go ]; do cat /dev/zero >> big 2>/dev/null; done; rm -f big';
const cases: Case[] = [
  { at: 'queued', stage: run(tillGo), before: 1 },
  {
    at: 'starting',
    waits: ['before its checks begin', 'before its checks begin'],
    stage: run('true'),
  },
  {
    at: 'running.a.attempting',
    waits: ['before attempt 1 of a begins', 'before attempt 1 of a begins'],
    stage: run('true'),
  },
  // Its process is there, behind the gate, and cannot be recorded.
  {
    at: 'the launch of a',
    waits: ['before attempt 1 of a begins', 'before attempt 1 of a begins'],
    stage: run('true'),
  },
  {
    at: 'running.a.verifying',
    waits: ['before attempt 1 of b begins', 'to record what the files of a are'],
    stage: `${run('touch out')}, files: [{ path: out }]`,
  },
  {
    at: 'running.a.ending',
    waits: ['before a is tried again', 'to record that no process of it is left'],
    stage: `${run('[ $STAGEWRIGHT_ATTEMPT -gt 1 ] || sleep 60')}, timeout: 300ms`,
    attempts: 2,
  },
  {
    at: 'running.a.backingOff',
    waits: ['before a is tried again', 'before a is tried again'],
    stage: run('[ $STAGEWRIGHT_ATTEMPT -gt 1 ]'),
    attempts: 2,
  },
  {
    at: 'running.b.paused',
    stage: run(tillGo),
    act: async (on, runId) => {
      await working(on, runId);
      await send(on, runId, 'PAUSE');
      writeFileSync(join(on.dir, 'go'), '');
    },
  },
  {
    at: 'stopping',
    stage: run(tillGo),
    act: async (on, runId) => {
      await working(on, runId);
      await send(on, runId, 'STOP').catch(() => undefined);
    },
    end: 'STOPPED',
  },
];

let disk: SmallDisk;
let on: Running;
let launches: number;

/** A service on the small disk whose space is gone in the very turn that brought the run to `at`. */
const open = async (
  { at, stage }: Pick<Case, 'at' | 'stage'>,
  ballastBytes: number,
  watchdogIntervalMs = 100,
) => {
  // A backoff that is over before anybody has looked at the disk is delivered, of course.
  const backoff = at === 'running.a.backingOff' ? '2s' : '20ms';
  disk = await openSmallDisk({ 'p.yaml': pipeline(stage, backoff) });
  launches = 0;
  let isFilled = false;
  const parts = (real: Parts): Partial<Parts> => {
    const { store, launcher } = { ...real, ...disk.parts(real) };
    const look = (to: string | undefined): void => {
      if (to !== at || isFilled) return;
      isFilled = true;
      disk.fill();
    };
    return {
      launcher: {
        ...launcher,
        launch: (request) => {
          launches += 1;
          look('the launch of a');
          return launcher.launch(request);
        },
      },
      store: {
        ...store,
        step: async (...args) => {
          const done = await store.step(...args);
          look(done?.decision.ledger.to);
          return done;
        },
        begin: async (...args) => {
          const begun = await store.begin(...args);
          look(begun.kind === 'begun' ? begun.decision.ledger.to : undefined);
          return begun;
        },
        admit: async (...args) => {
          const done = await store.admit(...args);
          look(done?.decision.ledger.to);
          return done;
        },
      },
    };
  };
  const limits = { minFreeBytes: 8 * 1024 ** 2, ballastBytes };
  const service = { ...disk.service, disk: limits, watchdogIntervalMs };
  on = await runService({ dir: disk.dir, parts, service });
  await until(() => laid() === ballastBytes);
  return { filled: () => until(() => isFilled) };
};
const laid = () => statSync(join(on.dataDir, 'ballast'), { throwIfNoEntry: false })?.size ?? 0;

afterEach(async () => {
  await on.close();
  const store = new DatabaseSync(join(on.dataDir, 'stagewright.sqlite'));
  const { integrity_check } = store.prepare('PRAGMA integrity_check').get() as Record<
    string,
    unknown
  >;
  store.close();
  await disk.remove();
  expect(integrity_check).toBe('ok');
});

const begin = async ({ before = 0, act }: Case): Promise<string> => {
  for (let n = 0; n < before; n += 1) {
    const { status } = await on.orchestrator.start(startRequest('p'));
    await working(on, status.run_id as string);
  }
  const { status } = await on.orchestrator.start(startRequest('p'));
  const runId = status.run_id as string;
  await act?.(on, runId);
  return runId;
};
/** A status that says it works has a process that does. */
const isTrue = async (runId: string): Promise<boolean> =>
  !/ is running, attempt/.test((await on.orchestrator.run(runId)).why) ||
  processesOf(runId).length > 0;
const isFull = () => on.orchestrator.health().checks.disk?.code === 'disk-full';
const giveRoom = async () => {
  await disk.clear();
  writeFileSync(join(disk.dir, 'go'), '');
};

const reserves = [8 * 1024 ** 2, 0];
const table = cases.flatMap((one) =>
  reserves.map((ballast) => [one.at, ballast === 0 ? 'no' : 'a', ballast, one] as const),
);

test.each(table)(
  'on a disk that fills in %s, with %s reserve, STOP is answered, nothing begins, and the run is STOPPED when there is room',
  async (_, __, ballast, one) => {
    const { filled } = await open(one, ballast);
    const runId = await begin(one);
    await filled();
    await until(isFull);
    const before = launches;
    const answer = await send(on, runId, 'STOP').then(
      () => '202',
      ({ status, code, message }) => `${status} ${code}: ${message}`,
    );
    if (ballast === 0)
      expect(answer).toMatch(/^503 disk-full: .* the stop is recorded when there is room$/);
    // The stop that brought it there may be over.
    else expect(answer).toMatch(one.end === 'STOPPED' ? /^(202|409)/ : /^202$/);
    await until(() => processesOf(runId).length === 0);
    await until(() => isTrue(runId));
    expect(launches).toBe(before);
    await giveRoom();
    const { state, why } = await ended(on.orchestrator, runId);
    expect([state, why]).toEqual(['STOPPED', 'stopped by ada']);
    expect(processesOf(runId)).toEqual([]);
    await until(() => on.orchestrator.health().ready && laid() === ballast);
  },
);

test.each(table)(
  'a run whose disk fills in %s, with %s reserve, says that it waits for room, begins nothing, and goes on when there is some',
  async (at, __, ballast, one) => {
    const { filled } = await open(one, ballast);
    const runId = await begin(one);
    await filled();
    await until(isFull);
    const before = launches;
    const waits = one.waits?.[ballast > 0 ? 0 : 1];
    if (waits)
      await until(
        async () =>
          (await on.orchestrator.run(runId)).why === `waits for room on the disk ${waits}`,
      );
    expect(await isTrue(runId)).toBe(true);
    expect(launches).toBe(before);
    await giveRoom();
    if (at === 'running.b.paused') {
      await until(() => on.orchestrator.health().ready);
      await send(on, runId, 'RESUME');
    }
    const end = await ended(on.orchestrator, runId);
    expect([end.state, end.stages[0]?.attempt]).toEqual([one.end ?? 'DONE', one.attempts ?? 1]);
    await until(() => on.orchestrator.health().ready && laid() === ballast);
  },
);

const free = () => statfsSync(disk.dir).bavail * statfsSync(disk.dir).bsize;

test.each(reserves)(
  'STOP ends a stage that fills the disk and eats what is given, and is recorded by the rest of a reserve of %d bytes, else when there is room',
  async (ballast) => {
    await open({ at: 'never', stage: run(writer) }, ballast);
    if (!disk.isReal) return;
    const { status } = await on.orchestrator.start(startRequest('p'));
    const runId = status.run_id as string;
    await working(on, runId);
    await until(isFull);
    await until(() => free() === 0);
    // A command: half of the reserve is given for it, and eaten.
    const paused = await send(on, runId, 'PAUSE').then(
      () => '202',
      ({ code }) => code,
    );
    // Whether the command gets the space before the stage has eaten it is a matter of who is first.
    expect(ballast > 0 ? ['202', 'store-unavailable'] : ['store-unavailable']).toContain(paused);
    await until(() => free() === 0 && laid() === ballast / 2);
    const answer = await send(on, runId, 'STOP').then(
      () => '202',
      ({ status, code, message }) => `${status} ${code}: ${message}`,
    );
    expect(answer).toMatch(/^503 disk-full: .*: its processes are being ended, and/);
    expect((await on.orchestrator.run(runId)).why).toBe(
      'waits for room on the disk to record the stop by ada',
    );
    await until(() => processesOf(runId).length === 0);
    if (ballast === 0) rmSync(join(disk.dir, 'big'));
    const { state, why, stages } = await ended(on.orchestrator, runId);
    expect([state, why, stages[0]?.attempt]).toEqual(['STOPPED', 'stopped by ada', 1]);
    expect(laid()).toBe(0);
    // Killed by us it did not fail: the stop was recorded before its answer.
    const { items } = await on.orchestrator.events({ runId, after: 0, limit: 100 });
    expect(items.filter(({ event }) => ['failed', 'retrying'].includes(event))).toEqual([]);
    rmSync(join(disk.dir, 'big'), { force: true });
    await until(() => on.orchestrator.health().ready && laid() === ballast);
  },
);

test('a stop that waits to be recorded is one: a second keeps its name, and may only bring the end nearer', async () => {
  await open({ at: 'never', stage: run(`trap '' TERM; echo deaf; ${tillGo}`) }, 0);
  const { status } = await on.orchestrator.start(startRequest('p'));
  const runId = status.run_id as string;
  const log = join(on.dataDir, 'runs', runId, 'a/1/stdout.log');
  await until(() => (statSync(log, { throwIfNoEntry: false })?.size ?? 0) > 0);
  disk.fill();
  const stop = (name: string, graceMs: number | null) =>
    expect(
      on.orchestrator.stop('p', { reason: null, graceMs, actor: { kind: 'user', name } }),
    ).rejects.toMatchObject({ code: 'disk-full', status: 503 });
  await stop('ada', 3_600_000);
  await stop('bob', null);
  expect(processesOf(runId)).not.toEqual([]);
  await stop('eve', 0);
  await until(() => processesOf(runId).length === 0);
  await disk.clear();
  const { state, why } = await ended(on.orchestrator, runId);
  expect([state, why]).toEqual(['STOPPED', 'stopped by ada']);
});

test.each(reserves)(
  'an attempt that leaves a warning on a full disk, with a reserve of %d bytes, has not failed for that',
  async (ballast) => {
    await open({ at: 'never', stage: run(`echo '::stagewright nonsense'; ${tillGo}`) }, ballast);
    const { status } = await on.orchestrator.start(startRequest('p'));
    const runId = status.run_id as string;
    const log = join(on.dataDir, 'runs', runId, 'a/1/stdout.log');
    await until(() => (statSync(log, { throwIfNoEntry: false })?.size ?? 0) > 0);
    disk.fill();
    writeFileSync(join(disk.dir, 'go'), '');
    await until(async () =>
      [
        'waits for room on the disk before attempt 1 of b begins',
        'waits for room on the disk to record how attempt 1 of a ended',
      ].includes((await on.orchestrator.run(runId)).why),
    );
    expect((await on.orchestrator.run(runId)).state).toBe(ballast > 0 ? 'RUNNING_B' : 'RUNNING_A');
    await disk.clear();
    const { state, stages } = await ended(on.orchestrator, runId);
    expect([state, stages[0]?.attempt]).toEqual(['DONE', 1]);
    const { items } = await on.orchestrator.events({ runId, after: 0, limit: 100 });
    expect(items.filter(({ event }) => event === 'warning')).toHaveLength(1);
  },
);

test('the limits of an attempt that waited for room count from where it begins', async () => {
  const { filled } = await open(
    { at: 'running.a.attempting', stage: `${run(tillGo)}, timeout: 20s` },
    0,
  );
  const { status } = await on.orchestrator.start(startRequest('p'));
  const runId = status.run_id as string;
  await filled();
  await until(isFull);
  const told: string[] = [];
  const off = on.orchestrator.onNews(({ event, data }) => {
    if (event === 'why_change') told.push((data.patch as { why: string }).why);
  });
  const roomAt = systemClock.monotonicMs();
  await disk.clear();
  await working(on, runId);
  // Whoever follows the run learns that it waits no longer, though no step was taken.
  await until(() => told.length > 0);
  off();
  const { why } = await on.orchestrator.run(runId);
  expect([told.at(-1), why]).toEqual([why, expect.stringMatching(/^a is running, attempt 1 of 2/)]);
  const timers = (await on.store.run(runId))?.timers ?? [];
  const begins = timers
    .filter(({ id }) => id.startsWith('xstate.after.attemptTimeout.'))
    .map(({ dueAt, delayMs }) => dueAt - delayMs >= roomAt);
  expect(begins).toEqual([true]);
  writeFileSync(join(disk.dir, 'go'), '');
  expect((await ended(on.orchestrator, runId)).state).toBe('DONE');
});

test('a service that is closed on a full disk ends what works, and the next one goes on with it', async () => {
  await open({ at: 'never', stage: run(tillGo) }, 0);
  const { status } = await on.orchestrator.start(startRequest('p'));
  const runId = status.run_id as string;
  await working(on, runId);
  disk.fill();
  await on.close();
  expect(processesOf(runId)).toEqual([]);
  await giveRoom();
  on = await runService({ dir: disk.dir, service: { ...disk.service, watchdogIntervalMs: 100 } });
  expect((await ended(on.orchestrator, runId)).state).toBe('DONE');
});

test('what health says of a full disk is what is free now, not what was free before', async () => {
  await open({ at: 'never', stage: run(tillGo) }, 8 * 1024 ** 2, 30_000);
  if (!disk.isReal) return;
  const { status } = await on.orchestrator.start(startRequest('p'));
  const runId = status.run_id as string;
  await working(on, runId);
  disk.fill();
  writeFileSync(join(disk.dir, 'go'), '');
  await until(async () =>
    (await on.orchestrator.run(runId)).why.startsWith('waits for room on the disk'),
  );
  await until(() =>
    on.orchestrator
      .health()
      .checks.disk?.detail.startsWith(
        `the disk was full and has ${sizeText(free())} free now: nothing begins`,
      ),
  );
  await disk.clear();
  expect((await ended(on.orchestrator, runId)).state).toBe('DONE');
});
