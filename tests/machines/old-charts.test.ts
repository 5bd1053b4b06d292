import { readFileSync } from 'node:fs';
import { initialTransition } from 'xstate';
import type { PipelineDefinition } from '../../definition/definition.ts';
import { storedDefinition } from '../../definition/stored-definition.ts';
import type { ChartConfig } from '../../machines/chart-config.ts';
import { machineOf } from '../../machines/machine.ts';
import { eventOfTimer } from '../../machines/timer-ids.ts';
import { persist } from '../../services/interpreter/charts.ts';
import type { Delivery } from '../../services/interpreter/decide.ts';
import { projectSnapshot } from '../../services/lifecycle/outlook.ts';
import { graceOf } from '../../services/runners/drain.ts';
import type { Loaded } from '../../services/store/run-rows.ts';
import { admitted, applied, decided, type Model, modelOf } from '../support/model.ts';

// Written by the first compiler, as the stores of its time hold it: two stages, a retry, files, a
// timeout of the run.
const stored = JSON.parse(
  readFileSync(new URL('../fixtures/chart-of-compiler-1.json', import.meta.url), 'utf8'),
) as {
  compiler_version: number;
  definition: PipelineDefinition;
  config: ChartConfig;
};
const oldModel = (): Model => {
  const today = modelOf(storedDefinition(stored.definition));
  const machine = machineOf(stored.config);
  const snapshot = persist(machine, initialTransition(machine)[0]);
  return {
    ...today,
    machine,
    fresh: {
      ...today.fresh,
      run: { ...today.fresh.run, snapshot, projection: projectSnapshot(machine, snapshot) },
    },
  };
};

const story = () => {
  const model = oldModel();
  let loaded: Loaded = model.fresh;
  let at = 0;
  const deliver = (delivery: Delivery): void => {
    at += 1000;
    loaded = applied(loaded, decided(model, loaded, delivery, at));
  };
  const answer = (kind: string, output: unknown = {}, error?: object): void => {
    const row = loaded.effects.find(
      (effect) => effect.kind === kind && effect.state !== 'dropping',
    );
    if (!row) throw new Error(`no ${kind} is live`);
    if (kind === 'drain')
      loaded = { ...loaded, effects: loaded.effects.filter(({ state }) => state !== 'dropping') };
    const fence = { kind: 'effect' as const, id: row.id, stamp: row.stamp };
    const event = error
      ? { type: `xstate.error.actor.${row.id}` as const, error: error as never, actorId: row.id }
      : { type: `xstate.done.actor.${row.id}` as const, output, actorId: row.id };
    deliver({ event, fence, cause: { kind: 'effect' } });
  };
  const timer = (name: string): void => {
    const row = loaded.timers.find(({ id }) => id.includes(name));
    if (!row) throw new Error(`no timer ${name} is armed`);
    deliver({
      event: eventOfTimer(row.id),
      fence: { kind: 'timer', id: row.id, stamp: row.stamp },
      cause: { kind: 'timer' },
    });
  };
  deliver(admitted);
  return { deliver, answer, timer, now: () => loaded.run.projection, loaded: () => loaded };
};
const failure = { code: 'exit-code', message: 'exit code 1', retryable: true };

test('the fixture is of another compiler than the one of today', () =>
  expect(stored.compiler_version).toBe(1));

test('S65, I12: a run that began under the first compiler goes on under today’s service, over a retry, to its end', () => {
  const { answer, timer, now } = story();
  answer('preflight');
  answer('stage', {}, failure);
  expect(now()).toMatchObject({ state: 'RETRYING', allowed: ['STOP'], pause_requested: false });
  timer('backoff');
  answer('stage', { outputs: { n: 1 }, metrics: {}, skipped: null });
  answer('verify');
  expect(now()).toMatchObject({
    state: 'RUNNING_TWO',
    stages: [{ state: 'succeeded', attempt: 2 }, { state: 'running' }],
  });
  answer('stage', { outputs: {}, metrics: {}, skipped: null });
  expect(now()).toMatchObject({ state: 'DONE', outcome: 'success', allowed: [] });
});

test('S65: its timeout ends it, what it did not know is refused with a sentence, and it can be retried as a new run', () => {
  const { answer, timer, deliver, now } = story();
  answer('preflight');
  deliver({
    event: { type: 'PAUSE', by: 'ada', reason: null },
    fence: null,
    cause: { kind: 'command' },
  });
  expect(now().state).toBe('RUNNING_ONE');
  timer('runTimeout');
  answer('drain');
  expect(now()).toMatchObject({
    state: 'FAILED',
    error: { code: 'run-timeout' },
    allowed: ['RETRY_FROM'],
  });
});

test('REL-1: its ending has one deadline as well: only a shorter grace changes what the first stop asked for', () => {
  const { answer, deliver, now, loaded } = story();
  const grace = (): number => {
    const row = loaded().effects.find(({ state }) => state === 'dropping');
    if (!row) throw new Error('nothing is being ended');
    return graceOf(loaded().run, row);
  };
  const stop = (grace_ms: number | null) =>
    deliver({
      event: { type: 'STOP', by: 'ada', reason: null, grace_ms },
      fence: null,
      cause: { kind: 'command' },
    });
  answer('preflight');
  const seen = [60_000, null, 90_000, 5000, null, 0, null].map((graceMs) => {
    stop(graceMs);
    return grace();
  });
  expect(seen).toEqual([60_000, 60_000, 60_000, 5000, 5000, 0, 0]);
  answer('drain');
  expect(now().state).toBe('STOPPED');
});

test('S65: a definition stored before programs said their kind, and before today’s fields, is read with their defaults and compiles', () => {
  const [one] = storedDefinition(stored.definition).stages;
  expect(stored.definition.stages[0]?.program).not.toHaveProperty('kind');
  expect(one).toMatchObject({
    program: { kind: 'process', argv: expect.any(Array) },
    totalTimeoutMs: null,
    warnAfterMs: null,
    limits: { memoryBytes: null, outputBytes: 1024 ** 3 },
  });
  const ofModule = { ...stored.definition, stages: [{ ...one, program: { module: 'a.ts' } }] };
  expect(storedDefinition(ofModule as PipelineDefinition).stages[0]?.program).toEqual({
    kind: 'module',
    module: 'a.ts',
  });
});
