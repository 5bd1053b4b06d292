import { worstCaseMs } from '../../../definition/lint/worst-case.ts';
import { createCharts } from '../../../services/interpreter/charts.ts';
import { runLifecycle } from '../../../services/lifecycle/run-lifecycle.ts';
import { admittedScene, createWhatIf } from '../../../services/what-if/what-if-queries.ts';
import { worstFrom } from '../../../services/what-if/worst-clock.ts';
import { type Press, whatIfSchema } from '../../../wire/what-if.ts';
import { pipeline, retries, stage } from '../../support/definition.ts';
import { manualClock } from '../../support/manual-clock.ts';

const definition = pipeline([
  stage('one', { ...retries(2), timeoutMs: 60_000 }),
  stage('two', { with: { n: '${stages.one.outputs.n}' } }),
]);
const charts = createCharts({ chart: async () => null }, runLifecycle);
const entry = { definition } as never;
const { whatIf } = createWhatIf({
  store: { run: async () => null, ledger: async () => [] },
  charts,
  clock: manualClock(),
  lookup: {
    requirePipeline: () => entry,
    assertReady: () => {},
    requireRun: () => Promise.reject(new Error('no run is asked for')),
  },
});
const answer = (effect: string, how: 'done' | 'failed'): Press => ({
  kind: 'answer',
  effect,
  answer: how,
});
const wait: Press = { kind: 'timer', timer: 'xstate.after.backoff.one.run.running.one.backingOff' };
const begun = answer('preflight', 'done');
const failed = answer('attempt-one', 'failed');

test('a pipeline begins with an admitted run; every event that may come is named, with the reason where it may not', async () => {
  const first = await whatIf('sample', []);
  expect(whatIfSchema.parse(first)).toEqual(first);
  expect([first.now.state, first.now.path]).toEqual(['STARTING', 'starting']);
  const texts = first.events.map(({ text, allowed }) => [text, allowed]);
  expect(texts).toEqual([
    ['the check before the first stage succeeds', true],
    ['the check before the first stage fails', true],
    ['the deadline of the checks is reached', true],
    ['somebody commands STOP', true],
    ['somebody commands RETRY_NOW', false],
    ['somebody commands RETRY_FROM: a new run takes over what this one finished', false],
    ['somebody commands SKIP_STAGE', false],
    ['somebody commands APPROVE', false],
    ['somebody commands REJECT', false],
    ['somebody commands PAUSE', true],
    ['somebody commands RESUME', false],
  ]);
  for (const { allowed, why_not, leads_to } of first.events)
    expect([why_not === null, leads_to !== null]).toEqual([allowed, allowed]);
});

test('the guards of an event are told with their values: attempt 3 ≥ 3', async () => {
  const there = await whatIf('sample', [begun, failed, wait, failed, wait]);
  expect(there.steps.map(({ verdict, to }) => [verdict, to])).toEqual([
    ['accepted', 'running.one.attempting'],
    ['accepted', 'running.one.backingOff'],
    ['accepted', 'running.one.attempting'],
    ['accepted', 'running.one.backingOff'],
    ['accepted', 'running.one.attempting'],
  ]);
  const third = there.events.find(({ text }) => text === 'attempt 3 of one fails');
  expect(third?.ways).toEqual([
    {
      to: 'running.one.ending',
      guard: 'wasInterrupted',
      holds: false,
      values: 'code is exit-code',
      is_taken: false,
    },
    {
      to: 'running.one.backingOff',
      guard: 'canRetry',
      holds: false,
      values: 'attempt 3 ≥ 3',
      is_taken: false,
    },
    { to: 'failing', guard: null, holds: null, values: null, is_taken: true },
  ]);
  expect(third?.leads_to?.path).toBe('failing');
  const over = await whatIf('sample', [
    ...[begun, failed, wait, failed, wait, failed],
    answer('drain-run', 'done'),
  ]);
  expect([over.now.state, over.now.is_over, over.worst_case]).toEqual(['FAILED', true, null]);
  const again = over.events.find(
    ({ press }) => press.kind === 'command' && press.command === 'RETRY_FROM',
  );
  expect([again?.allowed, again?.leads_to]).toEqual([true, null]);
});

test('time moves with timers and with after_ms, and a timer that is due before comes first', async () => {
  const late = { ...failed, after_ms: 60_001 } as Press;
  const slow = { ...failed, after_ms: 59_000 } as Press;
  const there = await whatIf('sample', [begun, late, slow, wait]);
  expect(there.steps[1]).toMatchObject({
    verdict: 'refused',
    why_not: 'before that, in 60 s, comes the timeout of the attempt of one',
  });
  const [armed] = there.steps[2]?.armed ?? [];
  expect(armed?.text).toBe('the wait before one is tried again');
  expect(there.steps.map(({ elapsed_ms }) => elapsed_ms)).toEqual([
    0,
    0,
    59_000,
    59_000 + (armed?.due_in_ms ?? 0),
  ]);
});

test('what is dropped stays until its processes are gone, and what cannot be is refused with its reason', async () => {
  const timeout: Press = {
    kind: 'timer',
    timer: 'xstate.after.attemptTimeout.one.run.running.one.attempting',
  };
  const skip: Press = { kind: 'command', command: 'SKIP_STAGE' };
  const withOutputs: Press = { ...skip, outputs: { n: 1 } };
  const there = await whatIf('sample', [begun, skip, failed, wait, timeout, failed]);
  expect(there.steps.map(({ verdict }) => verdict)).toEqual([
    ...['accepted', 'refused', 'accepted', 'accepted', 'accepted', 'refused'],
  ]);
  expect(there.steps[1]?.why_not).toBe(
    'two uses the outputs of one; give `outputs` to skip it all the same',
  );
  expect(there.steps[4]?.dropped).toMatchObject([{ effect: 'attempt-one', state: 'dropping' }]);
  expect(there.steps[5]?.why_not).toBe('no effect attempt-one works here');
  expect(there.effects.map(({ effect, state }) => [effect, state])).toEqual([
    ['attempt-one', 'dropping'],
    ['drain-one', 'born'],
  ]);
  const skipped = await whatIf('sample', [begun, withOutputs, answer('drain-one', 'done')]);
  expect(skipped.now.path).toBe('running.two.attempting');
});

test('the worst case from the beginning is within what the linter says, and comes nearer with every wait', async () => {
  const now = { wallMs: 0, monotonicMs: 0, bootId: 'b' };
  const scene = admittedScene(definition, charts.pin(definition), charts, now);
  const all = worstFrom(scene) ?? Number.NaN;
  expect(all).toBeLessThanOrEqual(worstCaseMs(definition));
  const later = await whatIf('sample', [begun, failed, wait]);
  expect(later.worst_case?.in_ms).toBeLessThan(all - 60_000);
  const paused = await whatIf('sample', [begun, failed, { kind: 'command', command: 'PAUSE' }]);
  expect([paused.now.state, paused.worst_case]).toEqual(['PAUSED', null]);
});
