import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromPromise, setup } from 'xstate';
import { createCharts } from '../../../services/interpreter/charts.ts';
import { createEffects } from '../../../services/interpreter/effects.ts';
import { createInterpreter } from '../../../services/interpreter/interpreter.ts';
import type { Lifecycle, MachineEvent, View } from '../../../services/interpreter/lifecycle.ts';
import { createTimers } from '../../../services/interpreter/timers.ts';
import { openSqliteStore } from '../../../services/sqlite/sqlite-store.ts';
import { startOf } from '../../../services/start/plan-start.ts';
import type { NewEvent } from '../../../wire/events.ts';
import { pipeline } from '../../support/definition.ts';
import { manualClock } from '../../support/manual-clock.ts';

/** A door: it is moved by an effect, which must not take long, and falls shut after a while. */
const door = setup({
  types: { context: {} as { pushes: number } },
  actors: { verify: fromPromise<unknown>(() => Promise.reject(new Error('never run live'))) },
  delays: { jam: 10_000, fall: 60_000 },
  guards: { isLight: ({ context }) => context.pushes < 3 },
});
const chart = {
  id: 'door',
  initial: 'shut',
  context: { pushes: 0 },
  states: {
    shut: { on: { PUSH: { guard: { type: 'isLight' }, target: 'moving' } } },
    moving: {
      invoke: { id: 'hinge', src: 'verify', onDone: { target: 'open' } },
      after: { jam: { target: 'shut' } },
    },
    open: { after: { fall: { target: 'fallen' } } },
    fallen: { type: 'final' },
  },
} as const;

const said = (msg: string): NewEvent => ({
  stage: 'pipeline',
  event: 'state_change',
  severity: 'info',
  msg,
  data: {},
});
/** The rows are those of a run, so a door has to show itself as one: this much of it is ours. */
const shown = (state: string): View => ({
  state,
  canonical: state === 'FALLEN' ? 'done' : 'running',
  stage: null,
  attempt: 0,
  max_attempts: null,
  outcome: null,
  why: `the door is ${state}`,
  allowed: [],
  pause_requested: false,
  retry_count: 0,
  error: null,
  stages: [],
  started_at: null,
  ended_at: null,
  duration_ms: null,
});
const doorLifecycle: Lifecycle = {
  compilerVersion: 1,
  compile: () => chart,
  machineOf: () => door.createMachine(chart),
  contextOf: (stored) => stored,
  judge: (guard) => ({
    guard,
    holds: true,
    why: () => 'it is too heavy',
    values: () => 'its weight',
  }),
  viewOf: ({ value }) => shown(String(value).toUpperCase()),
  whyNot: (_, { type }) => `a door cannot ${type}`,
  isUnclear: () => false,
  condemned: (_, { message }) => ({ view: shown('BROKEN'), facts: [said(message)] }),
  events: {
    first: () => ({ type: 'PUSH' }),
    fault: (message) => ({ type: 'BREAK', message }),
    forgets: () => false,
  },
  timers: {
    eventOf: (id) => ({ type: id }),
    clockOf: () => 'wall',
    limitOf: () => null,
    stageOf: () => null,
    backoffOf: () => null,
  },
  effects: {
    attemptOf: () => 1,
    outlives: () => false,
    isTriedUntilDone: () => false,
    writes: () => false,
    recordOf: () => 'how the hinge moved',
    beginningOf: () => 'it is moved',
  },
  journal: {
    moved: (_, { next }) => [said(`the door is ${next.projection.state}`)],
    refused: (_, { type }, __, { why }) => said(`${type}: ${why}`),
  },
};

let dir: string;
const clock = manualClock();
const id = 'r_DOOR0000000000000000000001';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stagewright-door-'));
});
afterEach(() => rm(dir, { recursive: true }));

/** A service that knows nothing but doors, on the one store file; `moved` ends the hinge's effect. */
const open = () => {
  const store = openSqliteStore({ path: join(dir, 'db.sqlite'), synchronous: 'NORMAL', clock });
  const charts = createCharts(store, doorLifecycle);
  const interpreter = createInterpreter({ store, charts, clock });
  const moved = Promise.withResolvers<unknown>();
  const log = (message: string, meta: object) => {
    throw new Error(`${message} ${JSON.stringify(meta)}`);
  };
  const runner = (): Promise<unknown> => moved.promise;
  const runners = { stage: runner, verify: runner, drain: runner, preflight: runner };
  const effects = createEffects({ runners, interpreter, clock, log });
  const timers = createTimers({ store, interpreter, clock, answerWithin: async () => null, log });
  const committed = (state: string): Promise<void> =>
    new Promise((resolve) => {
      interpreter.onCommit(({ run }) => run.projection.state === state && resolve());
    });
  const tell = (event: MachineEvent) =>
    interpreter.deliver(id, { event, fence: null, cause: { kind: 'command' } });
  const state = async () => (await store.run(id))?.run.projection.state;
  const close = async (): Promise<void> => {
    timers.close();
    effects.close();
    await store.close();
  };
  return { store, charts, interpreter, effects, timers, moved, committed, tell, state, close };
};
const begin = async ({ charts, interpreter }: ReturnType<typeof open>): Promise<void> => {
  const definition = pipeline([]);
  const { hash, config, compilerVersion, initial } = charts.pin(definition);
  const spec = {
    runId: id,
    pipeline: 'door',
    chart: hash,
    definition,
    projectDir: '/',
    params: {},
    trigger: 'api' as const,
    onlyStage: null,
    reason: null,
    inputs: {},
    metadata: {},
  };
  const lock = { key: 'door', limit: 1, onConflict: 'refuse', queueMax: 1 } as const;
  const shut = { snapshot: initial, projection: shown('SHUT') };
  const asked = { spec, config, compilerVersion, ...shut, at: 0, idempotency: null, lock };
  await interpreter.begin(startOf({ ...asked, by: null }), { cause: { kind: 'command' } });
};

test('a door is moved by its effect and falls by its timer, over a restart in each state', async () => {
  const first = open();
  await begin(first);
  expect(await first.state()).toBe('MOVING');
  await first.close();

  // The next service finds the effect as a row, carries it out and goes on from its answer.
  const second = open();
  const isOpen = second.committed('OPEN');
  const [hinge] = await second.store.effects();
  const found = await second.store.run(id);
  if (!hinge || !found) throw new Error('the hinge is lost');
  second.effects.start(hinge, found.run);
  second.moved.resolve({});
  await isOpen;
  expect(await second.store.effects()).toEqual([]);
  await second.close();

  const third = open();
  const fell = third.committed('FALLEN');
  await third.timers.tick();
  expect(await third.state()).toBe('OPEN');
  clock.advance(60_000);
  await third.timers.tick();
  await fell;
  expect((await third.store.run(id))?.run.endedAt).not.toBeNull();
  const ledger = await third.store.ledger(id, { after: 0, limit: 10 });
  expect(ledger.map(({ from, to, verdict }) => [from, to, verdict])).toEqual([
    ['shut', 'moving', 'accepted'],
    ['moving', 'open', 'accepted'],
    ['open', 'fallen', 'accepted'],
  ]);
  await third.close();
});

test('a late answer of a hinge that jammed is stale, and what no door can do is refused', async () => {
  const on = open();
  await begin(on);
  const [hinge] = await on.store.effects();
  if (!hinge) throw new Error('the hinge does not move');
  clock.advance(10_000);
  await on.timers.tick();
  expect(await on.state()).toBe('SHUT');
  await on.tell({ type: 'PUSH' });
  await on.effects.answer(hinge, { output: {} });
  const refused = await on.tell({ type: 'PAINT' });
  expect([refused?.verdict, refused?.why]).toEqual(['refused', 'a door cannot PAINT']);
  expect(await on.state()).toBe('MOVING');
  const ledger = await on.store.ledger(id, { after: 0, limit: 10 });
  expect(ledger.map(({ to, verdict }) => [to, verdict])).toEqual([
    ['moving', 'accepted'],
    ['shut', 'accepted'],
    ['moving', 'accepted'],
    ['moving', 'stale'],
    ['moving', 'refused'],
  ]);
  await on.close();
});
