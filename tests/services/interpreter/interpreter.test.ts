import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { runLifecycle } from '../../../services/lifecycle/run-lifecycle.ts';
import type { RunCommand } from '../../../services/orchestrator/orchestrator-port.ts';
import type { Parts } from '../../../services/orchestrator/service-parts.ts';
import {
  ended,
  eventually,
  type Running,
  runService,
  startRequest,
} from '../../support/service.ts';

let running: Running | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

// The stage works until the test lets it go.
const waits =
  'name: p\nstages:\n  - { name: work, grace: 200ms, run: ["bash", "-c", "echo up > up; until [ -e go ]; do sleep 0.02; done; [ ! -e bad ]"] }\n';
const start = async (
  parts?: (real: Parts) => Partial<Parts>,
): Promise<{ on: Running; id: string }> => {
  running = await runService({ pipelines: { 'p.yaml': waits }, ...(parts && { parts }) });
  const { status } = await running.orchestrator.start(startRequest('p'));
  const id = status.run_id as string;
  await eventually(running.orchestrator, async () =>
    (await running?.store.effects())?.some(({ state }) => state === 'started'),
  );
  return { on: running, id };
};
const stop: RunCommand = {
  command: { type: 'STOP' },
  actor: { kind: 'user', name: 'test' },
  ifVersion: null,
  idempotency: null,
};
const letGo = (on: Running) => writeFile(join(on.dir, 'go'), '');
/** What no code of ours would write: the test plays a chart of a buggy version. */
const corrupt = (on: Running, sql: string, ...values: string[]) => {
  const db = new DatabaseSync(join(on.dataDir, 'stagewright.sqlite'), { timeout: 2000 });
  db.prepare(sql).run(...values);
  db.close();
};
const corruptContext = (on: Running, change: string) =>
  corrupt(on, `UPDATE runs SET snapshot = json_set(snapshot, '$.context.${change}', NULL)`);

test('S10, S05, I6: the same answer a second time, after the run has gone on, is recorded as stale and changes nothing', async () => {
  const { on, id } = await start();
  const effect = (await on.store.effects()).find(({ kind }) => kind === 'stage');
  await letGo(on);
  const done = await ended(on.orchestrator, id);
  const late = {
    type: 'xstate.done.actor.attempt-work' as const,
    output: { outputs: { late: true } },
    actorId: 'attempt-work',
  };
  const { createCharts } = await import('../../../services/interpreter/charts.ts');
  const { createInterpreter } = await import('../../../services/interpreter/interpreter.ts');
  const { systemClock } = await import('../../../services/host/clock.ts');
  const other = createInterpreter({
    store: on.store,
    charts: createCharts(on.store, runLifecycle),
    clock: systemClock,
  });

  const outcome = await other.deliver(id, {
    event: late,
    fence: { kind: 'effect', id: 'attempt-work', stamp: effect?.stamp ?? 0 },
    cause: { kind: 'effect' },
  });

  expect(outcome?.verdict).toBe('stale');
  expect(await on.orchestrator.run(id)).toMatchObject({
    state: 'DONE',
    version: done.version,
    stages: done.stages,
  });
  expect((await on.orchestrator.transitions(id, 0, 100)).items.at(-1)).toMatchObject({
    verdict: 'stale',
    version: done.version,
  });
  expect((await on.orchestrator.events({ runId: id, limit: 1 })).items[0]).toMatchObject({
    event: 'stale',
  });
});

test('a STOP that comes too late is refused with its reason, in the answer, the ledger and the journal', async () => {
  const { on, id } = await start();
  await letGo(on);
  await ended(on.orchestrator, id);
  const command = on.orchestrator.command(id, stop);
  await expect(command).rejects.toMatchObject({
    code: 'command-not-allowed',
    extra: { why_not: 'not possible while DONE: every stage finished' },
  });
  expect((await on.orchestrator.transitions(id, 0, 100)).items.at(-1)).toMatchObject({
    verdict: 'refused',
    why: 'not possible while DONE: every stage finished',
  });
  expect((await on.orchestrator.events({ runId: id, limit: 1 })).items[0]).toMatchObject({
    event: 'refused',
  });
});

test('T3: a chart that throws on an answer becomes a FAULT, ends FAILED and frees its lock', async () => {
  const { on, id } = await start();
  // The guard that judges a failed attempt reads this list.
  corruptContext(on, 'policy.work.neverOn');
  await writeFile(join(on.dir, 'bad'), '');
  await letGo(on);
  const status = await ended(on.orchestrator, id);
  expect([status.state, status.error?.code, status.lock]).toEqual(['FAILED', 'chart-fault', null]);
  expect(await on.store.effects()).toEqual([]);
});

test('T3: a chart that throws even on FAULT is ended by the interpreter, and its processes are gone before the lock is free', async () => {
  const { on, id } = await start();
  corruptContext(on, 'stages');
  await on.orchestrator.command(id, stop).catch(() => undefined);
  const status = await eventually(on.orchestrator, async () => {
    const now = await on.orchestrator.run(id);
    return now.state === 'FAILED' && now.lock === null && now;
  });
  expect(status.error?.code).toBe('chart-fault');
  expect(await on.store.effects()).toEqual([]);
  const again = await on.orchestrator.start(startRequest('p'));
  expect(again.status.state).toBe('STARTING');
  await letGo(on);
  await ended(on.orchestrator, again.status.run_id as string);
});

test('T8, I12: a stored chart that names what this version does not know ends FAILED chart-not-supported, naming it', async () => {
  const { on, id } = await start();
  await on.service.close();
  corrupt(on, "UPDATE charts SET config = replace(config, 'keepAnswer', 'actionOfTomorrow')");
  const next = await runService({ dir: on.dir });
  const status = await ended(next.orchestrator, id);
  await next.close();
  running = { ...on, close: async () => {} };
  expect(status.error).toMatchObject({ code: 'chart-not-supported' });
  expect(status.error?.message).toContain('actionOfTomorrow');
});

test('T4: an answer that cannot be committed is told again until it is, and health says so meanwhile', async () => {
  let broken = false;
  let refusals = 0;
  const { on, id } = await start(({ store }) => ({
    store: {
      ...store,
      step: async (...args) => {
        if (!broken) return store.step(...args);
        refusals += 1;
        throw new Error('database or disk is full');
      },
    },
  }));
  broken = true;
  await letGo(on);
  await eventually(on.orchestrator, async () => refusals >= 3);
  expect(on.orchestrator.health()).toMatchObject({
    status: 'degraded',
    checks: { store: { status: 'degraded' } },
  });

  broken = false;
  const status = await ended(on.orchestrator, id);

  expect([status.state, status.stages[0]?.attempt]).toEqual(['DONE', 1]);
  expect(on.orchestrator.health().status).toBe('ok');
});

test('T14: events of one run are decided in the order they came, however long the store takes for each', async () => {
  const first = Promise.withResolvers<void>();
  let asked = 0;
  const { on, id } = await start();
  const { createCharts } = await import('../../../services/interpreter/charts.ts');
  const { createInterpreter } = await import('../../../services/interpreter/interpreter.ts');
  const { systemClock } = await import('../../../services/host/clock.ts');
  const store: typeof on.store = {
    ...on.store,
    step: async (...args) => {
      asked += 1;
      if (asked === 1) await first.promise;
      return on.store.step(...args);
    },
  };
  const charts = createCharts(store, runLifecycle);
  const interpreter = createInterpreter({ store, charts, clock: systemClock });
  const tell = (type: 'PAUSE' | 'RESUME') =>
    interpreter.deliver(id, {
      event: { type, by: 'test', reason: null },
      fence: null,
      cause: { kind: 'command' },
    });
  const both = [tell('PAUSE'), tell('RESUME')];
  await new Promise((resolve) => setImmediate(resolve));
  first.resolve();
  await Promise.all(both);
  const types = (await on.store.ledger(id, { after: 0, limit: 100 })).map(
    ({ event }) => event.type,
  );
  expect(types.slice(-2)).toEqual(['PAUSE', 'RESUME']);
  await letGo(on);
});

test('a listener that throws keeps nobody else from a commit, and is told by name', async () => {
  const { on, id } = await start();
  const { createCharts } = await import('../../../services/interpreter/charts.ts');
  const { createInterpreter } = await import('../../../services/interpreter/interpreter.ts');
  const { systemClock } = await import('../../../services/host/clock.ts');
  const defects: unknown[] = [];
  const interpreter = createInterpreter({
    store: on.store,
    charts: createCharts(on.store, runLifecycle),
    clock: systemClock,
    onDefect: (error) => defects.push(error),
  });
  const heard: string[] = [];
  const defect = new Error('this listener is broken');
  interpreter.onCommit(() => {
    throw defect;
  });
  interpreter.onCommit(({ decision }) => heard.push(decision.ledger.event.type));
  for (const type of ['PAUSE', 'RESUME'] as const)
    await interpreter.deliver(id, {
      event: { type, by: 'test', reason: null },
      fence: null,
      cause: { kind: 'command' },
    });
  await new Promise((resolve) => setImmediate(resolve));
  expect([heard, defects]).toEqual([
    ['PAUSE', 'RESUME'],
    [defect, defect],
  ]);
  await letGo(on);
});

test('I13: the store refuses to free the lock of a run while a stage effect is not gone', async () => {
  const { on, id } = await start();
  const loaded = await on.store.run(id);
  if (!loaded) throw new Error('the run is gone');
  const { run } = loaded;
  const committed = await on.store.step(id, () => ({
    at: 1,
    events: [],
    remove: [],
    drop: [],
    born: [],
    disarm: [],
    arm: [],
    ledger: {
      version: run.version + 1,
      from: 'x',
      to: 'x',
      event: { type: 'TEST' },
      cause: { kind: 'command' },
      guards: [],
      verdict: 'accepted',
      why: null,
    },
    next: {
      snapshot: run.snapshot,
      projection: run.projection,
      ended: true,
      begins: false,
      freesLock: true,
    },
  }));
  expect(committed?.run.lock).not.toBeNull();
  expect((await on.store.run(id))?.run.lock).not.toBeNull();
  await letGo(on);
});
