import { readFileSync } from 'node:fs';
import { initialTransition } from 'xstate';
import type { PipelineDefinition } from '../../definition/definition.ts';
import { storedDefinition } from '../../definition/stored-definition.ts';
import type { ChartConfig } from '../../machines/chart-config.ts';
import { compile } from '../../machines/compile.ts';
import { machineOf } from '../../machines/machine.ts';
import type { Projection } from '../../machines/project.ts';
import { persist } from '../../services/interpreter/charts.ts';
import { projectSnapshot } from '../../services/lifecycle/outlook.ts';
import type { Decision, EffectRow, Loaded, TimerRow } from '../../services/store/run-rows.ts';
import { applied, decided, type Model, modelOf } from '../support/model.ts';
import { delivered, everything, stories } from '../support/stories.ts';

/** One step of a story as it was taken, and stored, in the time of a compiler. */
type Moment = {
  story: string;
  step: number;
  ledger: unknown[];
  events: unknown[];
  /** Of these two only what the step changed. */
  projection: Partial<Projection>;
  context: Record<string, unknown>;
  at: object;
  effects: EffectRow[];
  timers: TimerRow[];
  counts: [version: number, ledgerN: number, runSeq: number];
  hasLock: boolean;
};
type Fixture = { compiler_version: number; definition: PipelineDefinition; config: ChartConfig };

const read = (name: string): string =>
  readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');
/** Written by the compiler of that version and the service of its time, which are no more. */
const fixtureOf = (version: number) =>
  JSON.parse(read(`chart-of-compiler-${version}.json`)) as Fixture;
const tapeOf = (version: number): Map<string, Moment[]> =>
  Map.groupBy(
    read(`runs-of-compiler-${version}.jsonl`)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Moment),
    ({ story }) => story,
  );

const modelFrom = (definition: PipelineDefinition, config: ChartConfig): Model => {
  const today = modelOf(definition);
  const machine = machineOf(config);
  const snapshot = persist(machine, initialTransition(machine)[0]);
  const run = { ...today.fresh.run, snapshot, projection: projectSnapshot(machine, snapshot) };
  return { ...today, machine, fresh: { ...today.fresh, run } };
};

/** The rows of the run as they lay in the store of their time after so many steps. */
const storedAt = ({ fresh }: Model, config: ChartConfig, tape: Moment[], count: number): Loaded => {
  const moment = tape[count - 1];
  if (!moment) return fresh;
  const past = tape.slice(0, count);
  const context = Object.assign({}, config.context, ...past.map((one) => one.context));
  const projection = Object.assign({}, ...past.map((one) => one.projection));
  const [version, ledgerN, runSeq] = moment.counts;
  const snapshot = { ...moment.at, context };
  const lock = moment.hasLock ? fresh.run.lock : null;
  const run = { ...fresh.run, snapshot, projection, version, ledgerN, runSeq, lock };
  return { run, effects: moment.effects, timers: moment.timers };
};

/** What anybody can see of a step: everything but the shape of the context. */
const shown = ({ ledger, events }: Decision, { run, effects, timers }: Loaded) => ({
  ledger: [
    ledger.from,
    ledger.to,
    ledger.event.type,
    ledger.verdict,
    ledger.why,
    ledger.guards.map(({ guard, holds }) => `${guard}: ${holds}`).join(', '),
  ],
  events: events.map(({ data: { patch: _, ...data }, ...event }) => ({ ...event, data })),
  projection: run.projection,
  effects: effects.map(({ id, stamp, state, attempt }) => [id, stamp, state, attempt]),
  timers: timers.map(({ id, stamp, clock, dueAt }) => [id, stamp, clock, dueAt]).toSorted(),
});
const recorded = (tape: Moment[], index: number) => {
  const { ledger, events, effects, timers } = tape[index] as Moment;
  return {
    ledger,
    events,
    projection: Object.assign({}, ...tape.slice(0, index + 1).map((one) => one.projection)),
    effects: effects.map(({ id, stamp, state, attempt }) => [id, stamp, state, attempt]),
    timers: timers.map(({ id, stamp, clock, dueAt }) => [id, stamp, clock, dueAt]).toSorted(),
  };
};

/** Plays the rest of a story; at each step all is read back from JSON, as after a restart. */
const played = (model: Model, from: Loaded, story: string, count: number) => {
  let loaded = from;
  return (stories[story]?.steps ?? []).slice(count).map((step, index) => {
    const next = delivered(loaded, step);
    const decision = decided(model, next.loaded, next.delivery, (count + index + 1) * 1000);
    loaded = applied(next.loaded, decision);
    return JSON.parse(JSON.stringify(shown(decision, loaded)));
  });
};

describe.each([1, 2, 3])('a run that began under compiler %i', (version) => {
  const { config, compiler_version, ...stored } = fixtureOf(version);
  const definition = storedDefinition(stored.definition);
  const tapes = tapeOf(version);
  const model = modelFrom(definition, config);
  const known = Object.entries(stories).filter(([, { since }]) => since <= version);

  test('the fixtures are of that compiler and hold every story it knows', () => {
    expect(compiler_version).toBe(version);
    expect([...tapes.keys()]).toEqual(known.map(([name]) => name));
  });

  test.each(known.map(([name, { steps }]) => [name, steps.length] as const))(
    'S65, T8: %s: stored after any step, it goes on today as it would have then',
    (story, length) => {
      const tape = tapes.get(story) as Moment[];
      for (let count = 0; count < length; count += 1) {
        const rest = played(model, storedAt(model, config, tape, count), story, count);
        expect([count, rest]).toEqual([
          count,
          tape.slice(count).map((_, index) => recorded(tape, count + index)),
        ]);
      }
    },
  );
});

/** Since compiler version 3 the timers of a stage name it; what they say has not changed. */
const withoutStage = (id: string): string =>
  id.replace(
    /^(STAGE_TIMEOUT|xstate\.after\.(?:attemptTimeout|attemptWarning|backoff))\.(one|two)\b/,
    '$1',
  );

describe('a run of today', () => {
  const tapes = tapeOf(2);
  const model = modelFrom(everything, compile(everything));
  test.each(Object.keys(stories))(
    '%s: shows what a run of the compiler before has shown',
    (story) => {
      const tape = tapes.get(story) as Moment[];
      const steps = played(model, model.fresh, story, 0).map(({ timers, ledger, ...step }) => ({
        ...step,
        ledger: ledger.map((word: unknown) =>
          typeof word === 'string' ? withoutStage(word) : word,
        ),
        timers: timers.map(([id, ...more]: [string]) => [withoutStage(id), ...more]).toSorted(),
      }));
      expect(steps).toEqual(tape.map((_, index) => recorded(tape, index)));
    },
  );
});
