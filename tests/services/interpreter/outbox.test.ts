import { eventOfTimer } from '../../../machines/timer-ids.ts';
import { type Delivery, decide } from '../../../services/interpreter/decide.ts';
import { outboxOf } from '../../../services/interpreter/outbox.ts';
import { runLifecycle } from '../../../services/lifecycle/run-lifecycle.ts';
import type { Loaded } from '../../../services/store/run-rows.ts';
import type { Failure } from '../../../wire/failure.ts';
import { pipeline, retries, stage } from '../../support/definition.ts';
import { admitted, applied, decided, modelOf } from '../../support/model.ts';

const model = modelOf(pipeline([stage('one', retries(1))]));
const now = { wallMs: 1, monotonicMs: 1, bootId: 'b' };
const step = (loaded: Loaded, event: Delivery['event'], effectId: string | null): Loaded => {
  const row = loaded.effects.find(({ id }) => id === effectId);
  const fence = row ? ({ kind: 'effect', id: row.id, stamp: row.stamp } as const) : null;
  return applied(loaded, decided(model, loaded, { event, fence, cause: { kind: 'effect' } }, 1));
};
const starting = applied(model.fresh, decided(model, model.fresh, admitted, 1));
const working = step(
  starting,
  { type: 'xstate.done.actor.preflight', output: {}, actorId: 'preflight' },
  'preflight',
);

test('T9: an action type outside the closed table is a fault, not silence', () => {
  expect(() =>
    outboxOf([{ type: 'xstate.sendTo' }], {} as never, working, null, now, runLifecycle),
  ).toThrow('does not know: xstate.sendTo');
});

test('T9: an immediate raise that XState has processed already arms no timer; a delay of zero does', () => {
  const next = { status: 'active', children: { 'attempt-one': {} } } as never;
  const timersOf = (params: Record<string, unknown>) =>
    outboxOf([{ type: 'xstate.raise', params }], next, working, null, now, runLifecycle).arm;
  expect(timersOf({ id: 'x', delay: undefined })).toEqual([]);
  expect(timersOf({ id: 'x', delay: 0 })).toMatchObject([{ id: 'x', dueAt: 1 }]);
});

test('T9: rows and children that disagree are a fault', () => {
  expect(() =>
    outboxOf([], { status: 'active', children: {} } as never, working, null, now, runLifecycle),
  ).toThrow('disagree about attempt-one');
});

test('T1: a stage effect that the chart drops becomes `dropping`, it is not forgotten', () => {
  const stopping = step(working, { type: 'STOP', reason: null, by: 'test', grace_ms: null }, null);
  expect(stopping.effects.map(({ id, state }) => [id, state])).toEqual([
    ['attempt-one', 'dropping'],
    ['drain-run', 'born'],
  ]);
});

test('I6: a late answer of attempt 1 cannot finish attempt 2, although both have the same actor id', () => {
  const failure: Failure = { code: 'exit-code', message: 'exit 1', retryable: true };
  const first = working.effects[0];
  const backing = step(
    working,
    { type: 'xstate.error.actor.attempt-one', error: failure, actorId: 'attempt-one' },
    'attempt-one',
  );
  const timer = backing.timers[0];
  const second = applied(
    backing,
    decide(
      { machine: model.machine, lifecycle: runLifecycle },
      backing,
      {
        event: eventOfTimer(timer?.id ?? ''),
        fence: { kind: 'timer', id: timer?.id ?? '', stamp: timer?.stamp ?? 0 },
        cause: { kind: 'timer' },
      },
      now,
    ),
  );
  expect(second.effects.map(({ id, attempt }) => [id, attempt])).toEqual([['attempt-one', 2]]);
  const late = decided(
    model,
    second,
    {
      event: { type: 'xstate.done.actor.attempt-one', output: {}, actorId: 'attempt-one' },
      fence: { kind: 'effect', id: 'attempt-one', stamp: first?.stamp ?? 0 },
      cause: { kind: 'effect' },
    },
    1,
  );
  expect([late.ledger.verdict, late.next]).toEqual(['stale', undefined]);
});

test('I6, I13: a late answer of a dropped attempt is stale, and its row stays until the drain has proven it gone', () => {
  const stopping = step(working, { type: 'STOP', reason: null, by: 'test', grace_ms: null }, null);
  const dropped = stopping.effects.find(({ state }) => state === 'dropping');
  const late = decided(
    model,
    stopping,
    {
      event: { type: 'xstate.done.actor.attempt-one', output: {}, actorId: 'attempt-one' },
      fence: { kind: 'effect', id: 'attempt-one', stamp: dropped?.stamp ?? 0 },
      cause: { kind: 'effect' },
    },
    1,
  );
  expect([late.ledger.verdict, late.next, late.remove]).toEqual(['stale', undefined, []]);
  expect(applied(stopping, late).effects).toEqual(stopping.effects);
});

test('a stage that says retry_after_ms is asked again no earlier, and no later for a shorter one', () => {
  const waitAfter = (more: Partial<Failure>): number | undefined => {
    const error: Failure = { code: 'busy', message: 'busy', retryable: true, ...more };
    const event = {
      type: 'xstate.error.actor.attempt-one',
      error,
      actorId: 'attempt-one',
    } as const;
    return step(working, event, 'attempt-one').timers[0]?.delayMs;
  };
  expect(waitAfter({ retry_after_ms: 3_600_000 })).toBe(3_600_000);
  expect(waitAfter({ retry_after_ms: 1 })).toBe(waitAfter({}));
});

test('Q30: the same failure gives the same backoff whenever it is decided', () => {
  const failure: Failure = { code: 'exit-code', message: 'exit 1', retryable: true };
  const fail = () =>
    step(
      working,
      { type: 'xstate.error.actor.attempt-one', error: failure, actorId: 'attempt-one' },
      'attempt-one',
    );
  expect(fail().timers[0]?.delayMs).toBe(fail().timers[0]?.delayMs);
  expect(fail().timers[0]?.delayMs).not.toBe(10_000);
});
