import fc from 'fast-check';
import { eventOfCommand, plainCommands } from '../../machines/commands.ts';
import { eventOfTimer } from '../../machines/timer-ids.ts';
import type { Delivery } from '../../services/interpreter/decide.ts';
import type { Decision, Loaded } from '../../services/store/run-rows.ts';
import { anyShape } from '../support/any-pipeline.ts';
import { pipeline, retries, stage } from '../support/definition.ts';
import { finals, invariants } from '../support/invariants.ts';
import { admitted, applied, decided, type Model, modelOf } from '../support/model.ts';
import { drained, type Edge, possible } from '../support/world.ts';

type Walk = { at: Loaded; events: Decision['events']; time: number };

/** One step, read back from JSON as after a restart, and held to every invariant. */
const stepped = (model: Model, walk: Walk, delivery: Delivery): Walk => {
  const from = drained(walk.at, delivery);
  const time = walk.time + 1000;
  const decision = decided(model, from, delivery, time);
  const to = applied(from, decision);
  const events = [...walk.events, ...decision.events];
  const edge: Edge = { from, delivery, decision, to, events };
  for (const [title, check] of Object.entries(invariants))
    try {
      check(edge);
    } catch (error) {
      const { from: was, to: is, event } = decision.ledger;
      throw new Error(`${title}\n${JSON.stringify(event)}: ${was} → ${is}\n${error}`);
    }
  return { at: to, events, time };
};

/** Everything goes well from here on: whatever is asked is answered, whatever waits comes. */
const finished = (model: Model, from: Walk): Walk => {
  let walk = from;
  for (let turns = 0; !finals.includes(walk.at.run.projection.state); turns += 1) {
    if (turns > 300) throw new Error(`it never ends: ${walk.at.run.projection.why}`);
    const { effects, timers, run } = walk.at;
    const fenceOf = (kind: 'effect' | 'timer', { id, stamp }: { id: string; stamp: number }) =>
      ({ kind, id, stamp }) as const;
    const effect = effects.find(({ state }) => state !== 'dropping');
    const timer = timers.find(({ id }) => id.includes('backoff'));
    if (effect) {
      const output = { outputs: { n: 1 }, metrics: {}, skipped: null };
      walk = stepped(model, walk, {
        event: { type: `xstate.done.actor.${effect.id}`, output, actorId: effect.id },
        fence: fenceOf('effect', effect),
        cause: { kind: 'effect' },
      });
    } else if (timer)
      walk = stepped(model, walk, {
        event: eventOfTimer(timer.id),
        fence: fenceOf('timer', timer),
        cause: { kind: 'timer' },
      });
    else {
      expect(run.projection.state).toBe('PAUSED');
      const event = eventOfCommand(plainCommands.RESUME, 'test');
      walk = stepped(model, walk, { event, fence: null, cause: { kind: 'command' } });
    }
  }
  return walk;
};

const begun = (model: Model): Walk =>
  stepped(model, { at: model.fresh, events: [], time: 0 }, admitted);

// The sentences stand in tests/support/invariants.ts: I1, I2, I6, I7, I8, I9, I11, I12, I13, S42.
test('whatever is said to a run of any shape, each step holds them, and the run can still end', () => {
  const choices = fc.array(fc.nat(10_000), { minLength: 10, maxLength: 60 });
  fc.assert(
    fc.property(anyShape, choices, (definition, picks) => {
      const model = modelOf(definition);
      let walk = begun(model);
      for (const pick of picks) {
        const all = possible(walk.at, true);
        walk = stepped(model, walk, all[pick % all.length] as Delivery);
      }
      finished(model, walk);
    }),
    { numRuns: 100 },
  );
});

const both = (failFast: boolean, more: Parameters<typeof pipeline>[1] = {}) =>
  pipeline([stage('one', retries(1)), stage('two'), stage('three')], {
    groups: [{ name: 'both', title: null, stages: ['one', 'two'], failFast }],
    ...more,
  });
const started = (model: Model): Walk => answered(model, begun(model), 'preflight', {});
const answered = (model: Model, walk: Walk, id: string, output: object): Walk => {
  const row = walk.at.effects.find((one) => one.id === id && one.state !== 'dropping');
  if (!row) throw new Error(`no ${id} is live`);
  return stepped(model, walk, {
    event: { type: `xstate.done.actor.${id}`, output, actorId: id },
    fence: { kind: 'effect', id, stamp: row.stamp },
    cause: { kind: 'effect' },
  });
};
const failed = (model: Model, walk: Walk, id: string, retryable: boolean): Walk => {
  const row = walk.at.effects.find((one) => one.id === id && one.state !== 'dropping');
  if (!row) throw new Error(`no ${id} is live`);
  const error = { code: 'exit-code', message: `${id} broke`, retryable };
  return stepped(model, walk, {
    event: { type: `xstate.error.actor.${id}`, error, actorId: id },
    fence: { kind: 'effect', id, stamp: row.stamp },
    cause: { kind: 'effect' },
  });
};
const command = (model: Model, walk: Walk, given: Parameters<typeof eventOfCommand>[0]): Walk =>
  stepped(model, walk, {
    event: eventOfCommand(given, 'ada'),
    fence: null,
    cause: { kind: 'command', actor: 'ada' },
  });
const ok = { outputs: { n: 1 }, metrics: {}, skipped: null };
const shown = ({ at }: Walk) => at.run.projection;

test('Q3: a group is shown by its name, without an attempt, and why tells of every stage', () => {
  const model = modelOf(both(false));
  const walk = failed(model, started(model), 'attempt-one', true);
  expect(shown(walk)).toMatchObject({
    state: 'RUNNING_BOTH',
    canonical: 'running',
    stage: 'both',
    attempt: null,
    max_attempts: null,
    stages: [
      { name: 'one', group: 'both', state: 'retrying', attempt: 1 },
      { name: 'two', group: 'both', state: 'running', attempt: 1 },
      { name: 'three', state: 'pending' },
    ],
  });
  expect(shown(walk).why).toMatch(
    /^one is tried again at .* after: attempt-one broke; two is running, attempt 1 of 1, at most 1h$/,
  );
  const alone = answered(model, walk, 'attempt-two', ok);
  expect(shown(alone)).toMatchObject({ state: 'RETRYING', stage: 'both' });
  expect(shown(alone).why).toMatch(/^one is tried again at .*; two is over$/);
});

test('Q3: without fail_fast the others work to their end, and the first failure is the one of the run', () => {
  const model = modelOf(both(false));
  let walk = failed(model, started(model), 'attempt-two', false);
  expect(shown(walk)).toMatchObject({ state: 'RUNNING_BOTH', error: null });
  expect(shown(walk).why).toContain('two failed: attempt-two broke');
  walk = failed(model, walk, 'attempt-one', false);
  walk = answered(model, walk, 'drain-run', {});
  expect(shown(walk)).toMatchObject({
    state: 'FAILED',
    stage: 'both',
    error: { stage: 'two', attempt: 1, message: 'attempt-two broke' },
    stages: [{ state: 'failed' }, { state: 'failed' }, { state: 'pending' }],
  });
});

test('Q3: with fail_fast the first failure ends the others, which are stopped and have not failed', () => {
  const model = modelOf(both(true));
  let walk = failed(model, started(model), 'attempt-two', false);
  expect(shown(walk).state).toBe('RUNNING_BOTH');
  expect(walk.at.effects.map(({ id, state }) => [id, state])).toEqual([
    ['attempt-one', 'dropping'],
    ['drain-run', 'born'],
  ]);
  walk = answered(model, walk, 'drain-run', {});
  expect(shown(walk)).toMatchObject({
    state: 'FAILED',
    error: { stage: 'two' },
    stages: [{ state: 'stopped', reason: 'ended because two failed' }, { state: 'failed' }, {}],
  });
  expect(walk.events.filter(({ stage: name }) => name === 'one').at(-1)).toMatchObject({
    event: 'stopped',
    attempt: 1,
  });
});

test('the drain of one stage does not end the others', () => {
  const model = modelOf(both(false));
  const walk = started(model);
  const timer = walk.at.timers.find(({ id }) => id.includes('attemptTimeout.one.'));
  const ending = stepped(model, walk, {
    event: eventOfTimer(timer?.id as string),
    fence: { kind: 'timer', id: timer?.id as string, stamp: timer?.stamp as number },
    cause: { kind: 'timer' },
  });
  expect(ending.at.effects.map(({ id, state }) => [id, state])).toEqual([
    ['attempt-one', 'dropping'],
    ['attempt-two', 'born'],
    ['drain-one', 'born'],
  ]);
  expect(shown(answered(model, ending, 'attempt-two', ok)).stages[1]).toMatchObject({
    state: 'succeeded',
  });
});

test('part 4: a command that fits several stages has to name one, and one that fits none is told so', () => {
  const model = modelOf(both(false));
  const walk = started(model);
  const refused = command(model, walk, { type: 'SKIP_STAGE' });
  expect(refused.at.run.version).toBe(walk.at.run.version);
  expect(refused.events.at(-1)).toMatchObject({
    event: 'refused',
    msg: 'SKIP_STAGE refused: one, two fit; say which with `stage`',
  });
  const skipped = command(model, walk, { type: 'SKIP_STAGE', stage: 'two' });
  expect(skipped.at.effects.map(({ id, state }) => [id, state])).toEqual([
    ['attempt-one', 'born'],
    ['attempt-two', 'dropping'],
    ['drain-two', 'born'],
  ]);
  const elsewhere = command(model, walk, { type: 'SKIP_STAGE', stage: 'three' });
  expect(elsewhere.events.at(-1)?.msg).toBe('SKIP_STAGE refused: the run is at both, not three');
  const waits = failed(model, walk, 'attempt-one', true);
  expect(command(model, waits, { type: 'RETRY_NOW', stage: 'two' }).events.at(-1)?.msg).toBe(
    'RETRY_NOW refused: two does not wait for another attempt; one does',
  );
  expect(shown(command(model, waits, { type: 'RETRY_NOW' })).stages[0]).toMatchObject({
    state: 'running',
    attempt: 2,
  });
});

test('Q9: a pause holds each stage where nothing works, the limit of the run once none does, and is taken back once', () => {
  const model = modelOf(both(false, { timeoutMs: 60_000 }));
  let walk = command(model, started(model), { type: 'PAUSE', reason: 'lunch' });
  expect(shown(walk)).toMatchObject({ state: 'RUNNING_BOTH', pause_requested: true });
  walk = failed(model, walk, 'attempt-one', true);
  expect(shown(walk)).toMatchObject({
    state: 'RUNNING_BOTH',
    stages: [{ state: 'paused' }, {}, {}],
  });
  expect(walk.at.timers.map(({ id }) => id)).toContain('RUN_TIMEOUT');
  const before = walk.at.timers.find(({ id }) => id === 'RUN_TIMEOUT')?.dueAt as number;
  walk = answered(model, walk, 'attempt-two', ok);
  expect(shown(walk)).toMatchObject({ state: 'PAUSED', pause_requested: false });
  expect(shown(walk).why).toMatch(/^paused before one is tried again by ada: lunch/);
  expect(walk.at.timers).toEqual([]);
  const heldAt = walk.time;
  walk = command(model, { ...walk, time: walk.time + 3_600_000 }, { type: 'RESUME' });
  const rested = walk.time - heldAt;
  expect(walk.at.timers.find(({ id }) => id === 'RUN_TIMEOUT')?.dueAt).toBe(before + rested);
  expect(walk.events.filter(({ event }) => event === 'resumed')).toHaveLength(1);
  expect(shown(finished(model, walk)).state).toBe('DONE');
});

test('a process of one stage that nobody can end is told of, and letting go of it ends the run', () => {
  const model = modelOf(both(false));
  let walk = command(model, started(model), { type: 'SKIP_STAGE', stage: 'two' });
  const drain = walk.at.effects.find(({ id }) => id === 'drain-two');
  walk = stepped(model, walk, {
    event: { type: 'DRAIN_LATE', pids: [7], stage: 'two' },
    fence: { kind: 'effect', id: 'drain-two', stamp: drain?.stamp as number },
    cause: { kind: 'watchdog' },
  });
  expect(shown(walk).why).toMatch(
    /^one is running.*; ends attempt 1 of 1 of two .*; process 7 does not end/,
  );
  walk = stepped(model, walk, {
    event: { type: 'RELEASE', reason: 'dead disk', by: 'ada' },
    fence: null,
    cause: { kind: 'command' },
  });
  // What is not stuck is ended as ever.
  expect(walk.at.effects.map(({ id, state }) => [id, state])).toEqual([
    ['attempt-one', 'dropping'],
    ['drain-run', 'born'],
  ]);
  expect(shown(answered(model, walk, 'drain-run', {})).state).toBe('FAILED');
});
