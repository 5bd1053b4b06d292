import { registerChecks } from '../../../services/health/checks.ts';
import { watchEventLoop } from '../../../services/health/event-loop.ts';
import { createHealth } from '../../../services/health/health.ts';
import { createLag } from '../../../services/health/lag.ts';
import { watchStore } from '../../../services/health/store-trouble.ts';
import { plainError } from '../../../services/host/plain-error.ts';
import { driven } from '../../../services/sqlite/database.ts';
import type { Store } from '../../../services/store/store.ts';
import { StoreTrouble } from '../../../services/store/trouble.ts';
import { ended, type Running, runService, startRequest } from '../../support/service.ts';
import { until } from '../../support/until.ts';

const yaml = 'name: p\nstages:\n  - { name: work, run: ["true"] }\n';
let on: Running | undefined;
afterEach(async () => {
  await on?.close();
  on = undefined;
});

test('a healthy service names every part with a detail, and a start changes nothing about it', async () => {
  on = await runService({ pipelines: { 'p.yaml': yaml } });
  const { status } = await on.orchestrator.start(startRequest('p'));
  await ended(on.orchestrator, status.run_id as string);
  const { checks, ...rest } = on.orchestrator.health();
  expect(rest).toEqual({ status: 'ok', ready: true });
  expect(Object.keys(checks).toSorted()).toEqual([
    'archive',
    'disk',
    'event_loop',
    'launcher',
    'notifications',
    'pipelines',
    'retention',
    'scheduler',
    'store',
    'unknown-folders',
    'watchdog',
  ]);
  for (const check of Object.values(checks))
    expect(check).toEqual({ status: 'ok', detail: expect.stringMatching(/\w/) });
});

test('REL-11: a launcher that is there and hangs is degraded, and well again once it answers', async () => {
  let aheadMs = 0;
  let pid = 0;
  on = await runService({
    pipelines: { 'p.yaml': yaml },
    parts: ({ clock, launcher }) => {
      pid = launcher.pid() as number;
      return { clock: { ...clock, monotonicMs: () => clock.monotonicMs() + aheadMs } };
    },
  });
  const launcherNow = () => on?.orchestrator.health().checks.launcher;
  await until(() => launcherNow()?.status === 'ok');
  process.kill(pid, 'SIGSTOP');
  const seen = await until(() => {
    aheadMs += 1000;
    const check = launcherNow();
    return check?.status === 'degraded' && check;
  });
  expect(seen).toMatchObject({
    code: 'launcher-silent',
    detail: expect.stringMatching(/^has not answered for \d+ s; no stage can be started$/),
  });
  process.kill(pid, 'SIGCONT');
  await until(() => launcherNow()?.status === 'ok');
});

test('a bad pipeline file is a reason with its code and since when, and the others run all the same', async () => {
  on = await runService({ pipelines: { 'p.yaml': yaml, 'bad.yaml': 'name: Bad' } });
  const { status, ready, checks } = on.orchestrator.health();
  expect([status, ready]).toEqual(['degraded', true]);
  expect(checks.pipelines).toEqual({
    status: 'degraded',
    code: 'bad-file',
    detail: expect.stringContaining('bad.yaml'),
    since: expect.any(String),
  });
  const run = await on.orchestrator.start(startRequest('p'));
  expect((await ended(on.orchestrator, run.status.run_id as string)).state).toBe('DONE');
});

test('a change of health is one event with the cause, and one when it is over, however often somebody looks', async () => {
  let code: string | null = null;
  let isBroken = false;
  const said: string[] = [];
  const health = createHealth({
    clock: { wallMs: () => 1_800_000_000_000 },
    phase: () => 'ready',
    note: async ({ event, msg }) => {
      if (isBroken) throw new Error('no journal');
      said.push(`${event} ${msg}`);
    },
  });
  health.register('scheduler', () =>
    code === null ? { ok: true, detail: 'ticks' } : { ok: false, code, detail: `is ${code}` },
  );
  const look = async () => {
    for (let times = 0; times < 3; times += 1) {
      health.report();
      await health.look();
    }
  };
  await look();
  code = 'late';
  isBroken = true;
  await expect(health.look()).rejects.toThrow('no journal');
  isBroken = false;
  await look();
  code = 'down';
  await look();
  code = null;
  await look();
  expect(said).toEqual([
    'warning scheduler: is late',
    'warning scheduler: is down',
    'recovered scheduler: ticks',
  ]);
});

test('a store that cannot be reached answers 503 with the cause, is shown in health, and is well again by itself', async () => {
  let trouble: StoreTrouble | null = null;
  on = await runService({
    pipelines: { 'p.yaml': yaml },
    service: { watchdogIntervalMs: 50 },
    parts: ({ store }) => ({
      store: Object.fromEntries(
        Object.entries(store).map(([name, part]) => [
          name,
          typeof part !== 'function' || name === 'close'
            ? part
            : async (...args: unknown[]) => {
                if (trouble) throw trouble;
                return (part as (...given: unknown[]) => Promise<unknown>)(...args);
              },
        ]),
      ) as unknown as Store,
    }),
  });
  trouble = new StoreTrouble('unavailable', 'cannot be read or written (I/O error)');
  const refusal = {
    code: 'store-unavailable',
    status: 503,
    message: expect.stringContaining('I/O error'),
  };
  await expect(on.orchestrator.status('p')).rejects.toMatchObject(refusal);
  await expect(on.orchestrator.start(startRequest('p'))).rejects.toMatchObject(refusal);
  expect(on.orchestrator.health()).toMatchObject({
    status: 'degraded',
    ready: false,
    checks: { store: { code: 'store-unavailable' } },
  });
  trouble = null;
  await until(() => on?.orchestrator.health().status === 'ok');
  expect((await on.orchestrator.start(startRequest('p'))).status.state).toBe('STARTING');
});

test('S60: the event loop is degraded from 200 ms at p99 on, until it is well below, so that one busy minute is one change', () => {
  let p99Ms = 0;
  const verdicts = new Map<string, () => { ok: boolean }>();
  const health = {
    register: (name: string, check: () => { ok: boolean }) => void verdicts.set(name, check),
  };
  const lag = createLag({ look: () => ({ p99Ms, maxMs: p99Ms }) });
  registerChecks(health as never, { lag } as never);
  const seen = [10, 199, 200, 150, 120, 101, 99, 150].map((late) => {
    p99Ms = late;
    lag.measure();
    return verdicts.get('event_loop')?.().ok;
  });
  expect(seen).toEqual([true, true, false, false, false, false, true, true]);
});

test('a loop that was held up for 300 ms shows it, once', async () => {
  const loop = watchEventLoop();
  await new Promise((resolve) => setTimeout(resolve, 120));
  const until = performance.now() + 300;
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect(loop.look().maxMs).toBeGreaterThan(200);
  expect(loop.look().maxMs).toBeLessThan(200);
  loop.close();
});

test.each([
  [
    Object.assign(new Error("ENOENT: no such file or directory, statfs '/home/ada/data'"), {
      code: 'ENOENT',
      syscall: 'statfs',
    }),
    'statfs failed (ENOENT)',
  ],
  [new Error('no journal'), 'no journal'],
  ['odd', 'odd'],
])('what is shown of %p names no path: %s', (error, words) =>
  expect(plainError(error)).toBe(words),
);

test('T4: a write that finds no space is tried once more when there was a reserve to give away', async () => {
  let reserve = 1;
  let writes = 0;
  const note = async () => {
    writes += 1;
    if (writes !== 2) throw new StoreTrouble('full', 'is full: no space is left on the disk');
  };
  const { store, trouble } = watchStore({
    store: { note } as unknown as Store,
    makeRoom: () => reserve-- > 0,
  });
  const event = {
    runId: null,
    pipeline: null,
    stage: 'system',
    event: 'warning',
    severity: 'warning',
    msg: '',
    data: {},
  } as const;
  await store.note(event, 1);
  expect([writes, trouble()]).toEqual([2, null]);
  await expect(store.note(event, 1)).rejects.toMatchObject({ code: 'store-unavailable' });
  expect([writes, trouble()]).toEqual([3, 'the store is full: no space is left on the disk']);
});

test('a mistake of ours in the store stays a bug: it is not called unavailable', async () => {
  const store = {
    run: async () => Promise.reject(Object.assign(new Error('no such column'), { errcode: 1 })),
  } as unknown as Store;
  const { store: watched, trouble } = watchStore({ store, makeRoom: () => false });
  await expect(watched.run('r')).rejects.toThrow('no such column');
  expect(trouble()).toBeNull();
});

test.each([
  // SQLITE_IOERR_READ: the primary code is in the low byte.
  [266, 'unavailable', 'the store cannot be read or written (I/O error)'],
  [5, 'busy', 'the store is held by somebody else'],
  [13, 'full', 'the store is full: no space is left on the disk'],
])('what SQLite says with %d is the store’s trouble: %s', (errcode, kind, message) => {
  const asked = () =>
    driven(() => {
      throw Object.assign(new Error('disk I/O error'), { errcode });
    });
  expect(asked).toThrow(expect.objectContaining({ name: 'StoreTrouble', kind, message }));
});
