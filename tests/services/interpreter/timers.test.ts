import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PipelineDefinition } from '../../../definition/definition.ts';
import { createCharts } from '../../../services/interpreter/charts.ts';
import type { Delivery } from '../../../services/interpreter/decide.ts';
import { dueOf, rearmAll } from '../../../services/interpreter/due-timers.ts';
import { createInterpreter, type Interpreter } from '../../../services/interpreter/interpreter.ts';
import { createTimers, type Timers } from '../../../services/interpreter/timers.ts';
import { runLifecycle } from '../../../services/lifecycle/run-lifecycle.ts';
import { openSqliteStore } from '../../../services/sqlite/sqlite-store.ts';
import { startOf } from '../../../services/start/plan-start.ts';
import { processRecorded } from '../../../services/store/amendments.ts';
import type { Store } from '../../../services/store/store.ts';
import { beginRequest } from '../../support/begin-request.ts';
import { pipeline, retries, stage } from '../../support/definition.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';

let dir: string;
let clock: ManualClock;
let store: Store;
let interpreter: Interpreter;
let timers: Timers;
/** How long the answer of an attempt that has ended may take; null = it has not ended. */
let withinMs: number | null;
const id = 'r_00000000000000000000000001';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stagewright-timers-'));
  clock = manualClock();
  withinMs = null;
  store = openSqliteStore({ path: join(dir, 'db.sqlite'), synchronous: 'NORMAL', clock });
});
afterEach(async () => {
  timers.close();
  await store.close();
  await rm(dir, { recursive: true });
});

/**
 * A run that works in its only stage; nothing executes effects here, the test gives the answers.
 */
const begin = async (definition: PipelineDefinition): Promise<void> => {
  const charts = createCharts(store, runLifecycle);
  interpreter = createInterpreter({ store, charts, clock });
  timers = createTimers({
    store,
    interpreter,
    clock,
    answerWithin: async () => withinMs,
    log: (message, meta) => expect([message, meta]).toBeNull(),
  });
  const request = beginRequest(charts.pin(definition), definition, id, clock.wallMs());
  await interpreter.begin(startOf(request), { cause: { kind: 'command' } });
  await answer('preflight', {});
};
const answer = async (effectId: string, output: unknown): Promise<void> => {
  const effect = (await store.effects()).find((row) => row.id === effectId);
  const event: Delivery['event'] = {
    type: `xstate.done.actor.${effectId}`,
    output,
    actorId: effectId,
  };
  await interpreter.deliver(id, {
    event,
    fence: { kind: 'effect', id: effectId, stamp: effect?.stamp ?? 0 },
    cause: { kind: 'effect' },
  });
};
const failAttempt = async (): Promise<void> => {
  const effect = (await store.effects()).find((row) => row.id === 'attempt-one');
  const error = { code: 'exit-code', message: 'exit 1', retryable: true };
  const event: Delivery['event'] = {
    type: 'xstate.error.actor.attempt-one',
    error,
    actorId: 'attempt-one',
  };
  await interpreter.deliver(id, {
    event,
    fence: { kind: 'effect', id: 'attempt-one', stamp: effect?.stamp ?? 0 },
    cause: { kind: 'effect' },
  });
};
const position = async () => {
  const loaded = await store.run(id);
  return (loaded?.run.snapshot as { value: unknown } | undefined)?.value;
};
const attempting = { running: { one: 'attempting' } };
const backingOff = { running: { one: 'backingOff' } };

test('T13: an attempt of thirty days is not timed out before it is due', async () => {
  await begin(pipeline([stage('one', { timeoutMs: 30 * 86_400_000 })]));
  clock.advance(29 * 86_400_000);
  await timers.tick();
  expect(await position()).toEqual(attempting);
  clock.advance(86_400_000);
  await timers.tick();
  expect(await position()).toEqual({ running: { one: 'ending' } });
});

test('T13: a wall clock that is set forward by hours ends no attempt, but a backoff that is over by it', async () => {
  await begin(pipeline([stage('one', { timeoutMs: 60_000, ...retries(1) })]));
  clock.jumpWall(5 * 3_600_000);
  await timers.tick();
  expect(await position()).toEqual(attempting);
  await failAttempt();
  expect(await position()).toEqual(backingOff);
  clock.jumpWall(3_600_000);
  await timers.tick();
  expect(await position()).toEqual(attempting);
});

test('T13: after a reboot an attempt has its full time again', async () => {
  await begin(pipeline([stage('one', { timeoutMs: 60_000 })]));
  clock.advance(59_000);
  clock.reboot();
  const now = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
  await rearmAll(store, { ...now, bootId: clock.bootId() });
  clock.advance(59_000);
  await timers.tick();
  expect(await position()).toEqual(attempting);
  clock.advance(1000);
  await timers.tick();
  expect(await position()).toEqual({ running: { one: 'ending' } });
});

test('overdue timers are delivered in due order, and one that its run has outlived is not delivered', async () => {
  await begin(
    pipeline([stage('one', { timeoutMs: 60_000, ...retries(2) })], { timeoutMs: 3_600_000 }),
  );
  await failAttempt();
  clock.advance(2 * 3_600_000);
  await timers.tick();
  // The backoff was due first and led to an attempt; the run's own limit ended it.
  const types = (await store.ledger(id, { after: 0, limit: 100 }))
    .map(({ event }) => event.type)
    .filter((type) => /^xstate\.after|TIMEOUT/.test(type));
  expect(types.map((type) => type.split('.')[2] ?? type)).toEqual(['backoff', 'RUN_TIMEOUT']);
  expect(await position()).toBe('failing');
});

test('a timer that is armed while the waker sleeps longer fires when it is due, and not before', async () => {
  await begin(pipeline([stage('one', { timeoutMs: 3_600_000, ...retries(1) })]));
  await timers.tick();
  await failAttempt();
  // Commits are published on a fresh turn.
  await new Promise((resolve) => setImmediate(resolve));
  const [timer] = (await store.run(id))?.timers ?? [];
  expect(timer?.delayMs).toBeLessThan(60_000);
  const moved = new Promise<void>((resolve) => interpreter.onCommit(() => resolve()));
  clock.advance((timer?.delayMs ?? 0) - 1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(await position()).toEqual(backingOff);
  clock.advance(1);
  await moved;
  expect(await position()).toEqual(attempting);
});

/** Turns enough for whatever the database answers at once. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((next) => setImmediate(next));
};

test('REL-7: a waker that was away gives what this service does itself its full time, once', async () => {
  await begin(pipeline([stage('one', { files: [{ path: '*', min: 1 }] })]));
  await answer('attempt-one', { outputs: {}, metrics: {}, skipped: null });
  await timers.tick();
  await settled();
  clock.advance(60_000 + 5000);
  await settled();
  expect(await position()).toEqual({ running: { one: 'verifying' } });
  clock.advance(59_999);
  await settled();
  expect(await position()).toEqual({ running: { one: 'verifying' } });
  clock.advance(1);
  await settled();
  expect(await position()).toEqual({ running: { one: 'ending' } });
});

test('REL-7: the limit of an attempt that has ended waits for its answer, but not for ever; that of its run only when we were away', async () => {
  const definition = pipeline([stage('one', { timeoutMs: 5000 })], { timeoutMs: 8000 });
  await begin(definition);
  withinMs = 10_000;
  const ofOne = (await store.run(id))?.effects.find((effect) => effect.kind === 'stage');
  const process = { pid: 1, startTicks: 1, bootId: clock.bootId(), pidNamespace: 'here' };
  const fence = { kind: 'effect' as const, id: 'attempt-one', stamp: ofOne?.stamp ?? 0 };
  await store.amend([{ runId: id, change: processRecorded(fence, process) }], 0);
  await timers.tick();
  // Both limits have passed, and the waker is late.
  clock.advance(10_000);
  await settled();
  expect(await position()).toEqual(attempting);
  const due = dueOf(await store.timers(), {
    wallMs: clock.wallMs(),
    monotonicMs: clock.monotonicMs(),
  });
  expect(due.map((timer) => timers.isHeld(timer))).toEqual([true, true]);
  clock.advance(9000);
  await settled();
  expect(await position()).toEqual(attempting);
  clock.advance(1000);
  await settled();
  expect(await position()).not.toEqual(attempting);
});

test('REL-7: a limit of the run stands as it is while we were there', async () => {
  await begin(pipeline([stage('one')], { timeoutMs: 8000 }));
  withinMs = 10_000;
  await timers.tick();
  clock.advance(8000);
  await settled();
  expect(await position()).toBe('failing');
});

test('the waker fires by itself when the next timer is due', async () => {
  await begin(pipeline([stage('one', { timeoutMs: 5000 })]));
  await timers.tick();
  const moved = new Promise<void>((resolve) => interpreter.onCommit(() => resolve()));
  clock.advance(5000);
  await moved;
  expect(await position()).toEqual({ running: { one: 'ending' } });
});
