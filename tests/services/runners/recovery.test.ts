import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PipelineDefinition } from '../../../definition/definition.ts';
import { attemptDirOf } from '../../../services/host/paths.ts';
import { createCharts } from '../../../services/interpreter/charts.ts';
import type { Delivery } from '../../../services/interpreter/decide.ts';
import { createEffects } from '../../../services/interpreter/effects.ts';
import { createInterpreter } from '../../../services/interpreter/interpreter.ts';
import { createTimers } from '../../../services/interpreter/timers.ts';
import { runLifecycle } from '../../../services/lifecycle/run-lifecycle.ts';
import { createAnswerWithin } from '../../../services/runners/answers-first.ts';
import { evidenceIn, recover } from '../../../services/runners/recovery.ts';
import type { StageMarks } from '../../../services/runners/stage-runner.ts';
import { createSecrets } from '../../../services/secrets/secrets.ts';
import { openSqliteStore } from '../../../services/sqlite/sqlite-store.ts';
import { createAdmission } from '../../../services/start/admission.ts';
import { startOf } from '../../../services/start/plan-start.ts';
import { processRecorded } from '../../../services/store/amendments.ts';
import { fenceOf } from '../../../services/store/fence.ts';
import type { EffectRow } from '../../../services/store/run-rows.ts';
import type { Store } from '../../../services/store/store.ts';
import { beginRequest } from '../../support/begin-request.ts';
import { pipeline, retries, stage } from '../../support/definition.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';

// What one service left in its store is found by the next one, on the same clock: time passes, or
// the machine boots, between the two. Nothing executes here; effects only say that they are begun.

const id = (n: number): string => `r_0000000000000000000000000${n}`;
const hour = 3_600_000;
let dataDir: string;
let clock: ManualClock;
let store: Store;
let closing: (() => void)[];
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'stagewright-recovery-'));
  clock = manualClock();
  store = openSqliteStore({ path: join(dataDir, 'db.sqlite'), synchronous: 'NORMAL', clock });
  closing = [];
});
afterEach(async () => {
  for (const close of closing) close();
  await store.close();
  await rm(dataDir, { recursive: true });
});

/** The service that dies: it decides, and does nothing. */
const before = () => {
  const charts = createCharts(store, runLifecycle);
  const interpreter = createInterpreter({ store, charts, clock });
  const effectOf = async (runId: string, name: string): Promise<EffectRow> => {
    const found = (await store.effects()).find((row) => row.runId === runId && row.id === name);
    if (!found) throw new Error(`${runId} has no effect ${name}`);
    return found;
  };
  const answer = async (runId: string, name: string, output: unknown = {}): Promise<void> => {
    const event: Delivery['event'] = { type: `xstate.done.actor.${name}`, output, actorId: name };
    const fence = fenceOf(await effectOf(runId, name));
    await interpreter.deliver(runId, { event, fence, cause: { kind: 'effect' } });
  };
  return {
    interpreter,
    effectOf,
    answer,
    begin: async (runId: string, definition: PipelineDefinition): Promise<void> => {
      const { key, onConflict } = definition.concurrency;
      const lock = { key, limit: 1, onConflict, queueMax: 10 };
      const chart = charts.pin(definition);
      const request = beginRequest(chart, definition, runId, clock.wallMs(), { lock });
      await interpreter.begin(startOf(request), { cause: { kind: 'command' } });
    },
    /** Its program is on its way. */
    launched: async (runId: string, name: string): Promise<EffectRow> => {
      const effect = await effectOf(runId, name);
      const process = { pid: 4711, startTicks: 1, bootId: clock.bootId(), pidNamespace: 'here' };
      const change = processRecorded(fenceOf(effect), process);
      await store.amend([{ runId, change }], clock.wallMs());
      return effect;
    },
  };
};

/** The service that comes: what it begins never answers. */
const after = async (left: StageMarks['left'] = async () => {}) => {
  const interpreter = createInterpreter({
    store,
    charts: createCharts(store, runLifecycle),
    clock,
  });
  const begun: string[] = [];
  const reaped: string[] = [];
  const never = async (effect: EffectRow): Promise<unknown> => {
    begun.push(`${effect.runId} ${effect.id}`);
    return new Promise(() => {});
  };
  const effects = createEffects({
    runners: { stage: never, verify: never, preflight: never, drain: never },
    interpreter,
    clock,
    log: () => {},
  });
  const answerWithin = createAnswerWithin({ store, dataDir });
  const timers = createTimers({ store, interpreter, clock, answerWithin, log: () => {} });
  closing.push(effects.close, timers.close);
  await recover({
    store,
    interpreter,
    effects,
    timers,
    admission: createAdmission({ store, interpreter, log: () => {} }),
    clock,
    dataDir,
    evidence: evidenceIn({ dataDir, secrets: createSecrets({ env: {}, readFile: () => '' }) }),
    processes: { isAlive: () => false, end: async () => {} },
    ending: () => {},
    left,
    reap: (runId) => reaped.push(runId),
  });
  return { begun, reaped, timers };
};

const position = async (runId: string): Promise<unknown> =>
  ((await store.run(runId))?.run.snapshot as { value: unknown } | undefined)?.value;
const delivered = async (runId: string): Promise<string[]> =>
  (await store.ledger(runId, { after: 0, limit: 100 })).map(({ event }) => event.type);
const leave = async (runId: string, files: Record<string, string>): Promise<void> => {
  const dir = attemptDirOf(dataDir, runId, 'one', 1);
  await mkdir(dir, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
};
const exited = (exit_code: number): string =>
  JSON.stringify({
    exit_code,
    signal: null,
    ended_at: new Date(clock.wallMs()).toISOString(),
    ended_by: null,
  });

const checked = pipeline([stage('one', { files: [{ path: '*.txt', min: 1 }], timeoutMs: 9000 })]);
const begunAgain = [
  { what: 'the checks', answered: [], limitMs: 30_000, at: 'starting' },
  {
    what: 'an attempt whose program had not begun',
    answered: ['preflight'],
    limitMs: 9000,
    at: { running: { one: 'attempting' } },
  },
  {
    what: 'the files',
    answered: ['preflight', 'attempt-one'],
    limitMs: 60_000,
    at: { running: { one: 'verifying' } },
  },
];
const gone = {
  'an hour later': () => clock.advance(hour),
  'after a reboot': () => clock.reboot(),
};

describe.each(Object.entries(gone))('%s', (_, pass) => {
  test.each(begunAgain)(
    'REL-6: $what are begun again with their full time',
    async ({ answered, limitMs, at }) => {
      const first = before();
      await first.begin(id(1), checked);
      for (const name of answered)
        await first.answer(id(1), name, { outputs: {}, metrics: {}, skipped: null });
      expect(await position(id(1))).toEqual(at);
      pass();

      const { begun, timers } = await after();
      expect([await position(id(1)), begun.length]).toEqual([at, 1]);
      clock.advance(limitMs - 1);
      await timers.tick();
      expect(await position(id(1))).toEqual(at);
      clock.advance(1);
      await timers.tick();
      expect(await position(id(1))).not.toEqual(at);
    },
  );
});

test('T5: an attempt that ended by itself is settled before its own overdue limits are looked at', async () => {
  const first = before();
  await first.begin(id(1), pipeline([stage('one', { timeoutMs: 9000 })], { timeoutMs: 20_000 }));
  await first.answer(id(1), 'preflight');
  await first.launched(id(1), 'attempt-one');
  await leave(id(1), { 'exit.json': exited(0) });
  clock.advance(hour);
  await after();
  expect([await position(id(1)), (await store.run(id(1)))?.run.projection.outcome]).toEqual([
    'done',
    'success',
  ]);
});

test('T5: a timer that settling one run has armed fires for nobody while another is not settled', async () => {
  const first = before();
  for (const [n, key] of [
    [1, 'a'],
    [2, 'b'],
  ] as const) {
    const concurrency = { key, limit: 1, onConflict: 'refuse' as const };
    const one = stage('one', { timeoutMs: 9000, ...retries(1) });
    await first.begin(id(n), pipeline([one], { concurrency }));
    await first.answer(id(n), 'preflight');
    await first.launched(id(n), 'attempt-one');
  }
  // It failed, and its retry waits for a moment.
  await leave(id(1), { 'exit.json': exited(1) });
  clock.advance(hour);
  await after(async ({ runId }) => {
    if (runId !== id(2)) return;
    // Settling takes its time, and every sleep that could be over by now is.
    clock.advance(hour);
    for (let turn = 0; turn < 50; turn += 1) await new Promise((next) => setImmediate(next));
  });
  expect(await delivered(id(2))).toEqual([
    'ADMITTED',
    'xstate.done.actor.preflight',
    'INTERRUPTED',
  ]);
});

test('T11: whoever waits for a place that is free has it when the start is over', async () => {
  const first = before();
  const queued = pipeline([stage('one')], {
    concurrency: { key: 'k', limit: 1, onConflict: 'queue' },
  });
  await first.begin(id(1), queued);
  await first.begin(id(2), queued);
  await first.answer(id(1), 'preflight');
  await first.answer(id(1), 'attempt-one', { outputs: {}, metrics: {}, skipped: null });
  expect([await position(id(1)), await position(id(2))]).toEqual(['done', 'queued']);
  const { begun } = await after();
  expect(await position(id(2))).toBe('starting');
  await new Promise((next) => setImmediate(next));
  expect(begun).toEqual([`${id(2)} preflight`]);
});

test('T1: what an ended run left behind is ended, and that of a live run is left to its drain', async () => {
  const first = before();
  for (const [n, key] of [
    [1, 'a'],
    [2, 'b'],
  ] as const) {
    const concurrency = { key, limit: 1, onConflict: 'refuse' as const };
    await first.begin(id(n), pipeline([stage('one')], { concurrency }));
    await first.answer(id(n), 'preflight');
    await first.launched(id(n), 'attempt-one');
    await first.interpreter.deliver(id(n), {
      event: { type: 'STOP', by: 'test', reason: null, grace_ms: null },
      fence: null,
      cause: { kind: 'command' },
    });
  }
  // The first one ended without its chart: nothing is left that would drain it.
  const drain = await first.effectOf(id(1), 'drain-run');
  await store.step(id(1), ({ run }) => ({
    at: clock.wallMs(),
    events: [],
    remove: [fenceOf(drain)],
    drop: [],
    born: [],
    disarm: [],
    arm: [],
    ledger: {
      version: run.version + 1,
      from: 'stopping',
      to: 'failed',
      event: { type: 'TEST' },
      cause: { kind: 'effect' },
      guards: [],
      verdict: 'accepted',
      why: null,
    },
    next: {
      snapshot: run.snapshot,
      projection: { ...run.projection, state: 'FAILED' },
      ended: true,
      begins: false,
      freesLock: false,
    },
  }));
  const { begun, reaped } = await after();
  expect([reaped, begun]).toEqual([[id(1)], [`${id(2)} drain-run`]]);
});

const warns = '::stagewright {"progress":{"done":1,"total":3}}\n::stagewright {"nonsense":1}\n';
test.each([
  ['that ended by itself', { 'exit.json': true }],
  ['that was lost', {}],
])('TRUTH-16: an attempt %s tells the journal what it said last, once', async (_, more) => {
  const first = before();
  await first.begin(id(1), pipeline([stage('one')]));
  await first.answer(id(1), 'preflight');
  await first.launched(id(1), 'attempt-one');
  const files = Object.keys(more).map((name) => [name, exited(0)]);
  await leave(id(1), { 'stdout.log': warns, ...Object.fromEntries(files) });
  const told: unknown[] = [];
  const dies = new Error('killed here');
  const left: StageMarks['left'] = async (run, effect, { progress, warnings }) => {
    told.push([progress?.done, warnings.length]);
    const about = { runId: run.runId, pipeline: run.pipeline, stage: 'one', attempt: 1 };
    const fact = { ...about, severity: 'info' as const, data: {} };
    for (const msg of warnings)
      await store.note({ ...fact, event: 'warning', msg }, clock.wallMs());
    if (progress) await store.note({ ...fact, event: 'progress', msg: '' }, clock.wallMs());
    // The service dies between what is said and the answer, once.
    if (told.length === 1) throw dies;
    expect(effect.attempt).toBe(1);
  };
  await expect(after(left)).rejects.toBe(dies);
  await after(left);
  expect(told).toEqual([
    [1, 1],
    [undefined, 0],
  ]);
});
