import { redacted } from '../../../services/inspection/redaction.ts';
import { createTeller, type Teller } from '../../../services/inspection/teller.ts';
import { condemn } from '../../../services/interpreter/decide.ts';
import type { Interpreted } from '../../../services/interpreter/lifecycle.ts';
import { runLifecycle } from '../../../services/lifecycle/run-lifecycle.ts';
import type { Decision, Loaded } from '../../../services/store/run-rows.ts';
import type { InspectionFrame } from '../../../wire/inspection.ts';
import { faultsOf } from '../../support/inspector.ts';
import { admitted, applied, decided, type Model, modelOf } from '../../support/model.ts';
import { delivered, everything, stories } from '../../support/stories.ts';

const model = modelOf(everything);
const interpreted: Interpreted = { machine: model.machine, lifecycle: runLifecycle };
const subject = {
  runId: 'r_MODEL',
  pipeline: 'sample',
  number: 1,
  definition: JSON.stringify(model.chart.config),
  clean: (value: unknown) => value,
};
const tellerOf = (names: Interpreted | null): Teller =>
  createTeller(subject, names, { n: 0, version: 0, at: 0, snapshot: model.chart.initial });

/** A story as it is decided, told step by step; `look` sees what each step left. */
const tell = (
  steps: (typeof stories)[string]['steps'],
  teller: Teller,
  look: (frames: InspectionFrame[], decision: Decision, after: Loaded) => void = () => {},
  of: Model = model,
): InspectionFrame[] => {
  let loaded = of.fresh;
  const all = teller.begin({});
  for (const [index, step] of steps.entries()) {
    const { loaded: before, delivery } = delivered(loaded, step);
    const decision = decided(of, before, delivery, (index + 1) * 1000);
    loaded = applied(before, decision);
    const row = { ...decision.ledger, n: loaded.run.ledgerN, at: decision.at };
    const frames = teller.step({ ...row, snapshot: decision.next?.snapshot ?? null });
    look(frames, decision, loaded);
    all.push(...(JSON.parse(JSON.stringify(frames)) as InspectionFrame[]));
  }
  return all;
};

test.each(Object.keys(stories))(
  '"%s" is told with every way named, and its actors are the effects that live',
  (name) => {
    const teller = tellerOf(interpreted);
    const frames = tell(stories[name]?.steps ?? [], teller, (told, decision, { effects }) => {
      const { verdict, to } = decision.ledger;
      const steps = told.filter((one) => one.type === '@xstate.microstep');
      if (verdict !== 'accepted') return expect(told).toHaveLength(1);
      expect(steps.length).toBeGreaterThan(0);
      const shown = told.find(
        (one) => one.type === '@xstate.snapshot' && one.sessionId === 'r_MODEL',
      );
      expect(shown).toMatchObject({
        snapshot: { value: (decision.next?.snapshot as { value?: unknown } | undefined)?.value },
      });
      expect(JSON.stringify(steps.at(-1))).toContain(to.split('.').at(-1));
      const live = effects.filter(({ state }) => state !== 'dropping');
      const { snapshot } = teller.now()[0] as {
        snapshot?: { children?: Record<string, { id: string }> };
      };
      expect(
        Object.values(snapshot?.children ?? {})
          .map(({ id }) => id)
          .toSorted(),
      ).toEqual(
        decision.next?.ended
          ? []
          : live.map(({ id, stamp }) => `r_MODEL/${id}@${stamp}`).toSorted(),
      );
    });
    expect(faultsOf(frames)).toEqual([]);
    // What begins is over once, and nothing is over that did not begin.
    const begun = frames.flatMap((one) => (one.type === '@xstate.actor' ? [one.sessionId] : []));
    const over = frames.flatMap((one) =>
      one.type === '@xstate.snapshot' && one.snapshot.status !== 'active' ? [one.sessionId] : [],
    );
    const live = teller.now().map(({ sessionId }) => sessionId);
    const isOver = over.includes('r_MODEL');
    expect([...over, ...(isOver ? [] : live)].toSorted()).toEqual(begun.toSorted());
  },
);

test.each(Object.keys(stories))(
  '"%s" is told by the snapshots alone where its chart cannot be asked',
  (name) => {
    const named = tell(stories[name]?.steps ?? [], tellerOf(interpreted));
    const alone = tell(stories[name]?.steps ?? [], tellerOf(null));
    expect(faultsOf(alone)).toEqual([]);
    const rest = ({ id: _, ...frame }: InspectionFrame) => frame;
    const without = named.filter(({ type }) => !/microstep|action/.test(type)).map(rest);
    const ofRun = (frames: object[]) =>
      frames.filter((frame) => (frame as InspectionFrame).sessionId === 'r_MODEL');
    const told = alone.map(rest);
    expect(told.some(({ type }) => /microstep|action/.test(type))).toBe(false);
    // A drain that is begun anew in one step looks like the same one from outside.
    if (!/twice/.test(name)) expect(new Set(told)).toEqual(new Set(without));
    expect(ofRun(told).map((frame) => (frame as InspectionFrame).type)).toEqual(
      ofRun(without).map((frame) => (frame as InspectionFrame).type),
    );
  },
);

test('who comes in the middle is told of the same actors as who was there from the beginning', () => {
  const steps =
    stories['retried after a failure, a missing file and a timeout, until none is left']?.steps ??
    [];
  const teller = tellerOf(interpreted);
  tell(steps, teller, (_, decision, { run, effects }) => {
    if (decision.next?.ended) return;
    const from = { n: run.ledgerN, version: run.version, at: decision.at, snapshot: run.snapshot };
    const born = Object.fromEntries(
      effects.filter(({ state }) => state !== 'dropping').map(({ id, stamp }) => [id, stamp]),
    );
    expect(createTeller(subject, interpreted, from, born).now()).toEqual(teller.now());
  });
});

test('a run whose chart could not go on ends in an error with its reason, and so do its actors', () => {
  const teller = tellerOf(interpreted);
  let last = model.fresh;
  tell((stories['straight through']?.steps ?? []).slice(0, 2), teller, (_, __, after) => {
    last = after;
  });
  const failure = { code: 'chart-fault', message: 'no such guard', retryable: false };
  const delivery = { event: { type: 'STOP' }, fence: null, cause: { kind: 'command' as const } };
  const now = { wallMs: 9000, monotonicMs: 9000, bootId: 'b' };
  const decision = condemn(runLifecycle, last, delivery, failure, now);
  const frames = teller.step({
    ...decision.ledger,
    n: last.run.ledgerN + 1,
    at: 9000,
    snapshot: decision.next?.snapshot ?? null,
  });
  expect(frames.map(({ type, sessionId }) => `${type} ${sessionId}`)).toEqual([
    '@xstate.event r_MODEL',
    '@xstate.snapshot r_MODEL',
    '@xstate.snapshot r_MODEL/attempt-one@2',
  ]);
  expect(frames[1]).toMatchObject({
    snapshot: { status: 'error', error: { message: 'no such guard' } },
  });
  expect(frames[2]).toMatchObject({
    snapshot: { status: 'stopped' },
    event: { type: 'xstate.stop' },
  });
});

test('names are left out where the chart of today would have gone another way than the ledger says', () => {
  const teller = tellerOf(interpreted);
  teller.begin({});
  const decision = decided(model, model.fresh, admitted, 1000);
  const frames = teller.step({
    ...decision.ledger,
    to: 'queued',
    n: 1,
    at: 1000,
    snapshot: { ...(decision.next?.snapshot as object), value: 'queued', children: {} },
  });
  expect(frames.map(({ type }) => type)).toEqual(['@xstate.event', '@xstate.snapshot']);
  expect(frames[1]).toMatchObject({ snapshot: { value: 'queued' } });
});

test('what stands under a telling key is hidden, names of stages and metrics are not, and nothing is changed in place', () => {
  const given = {
    api_token: 'abc',
    list: [{ Authorization: 'Bearer x', at: 1 }],
    passwords: ['a', 'b'],
    'token-refresh': { state: 'running', outputs: { secret: 12345678, n: 1 } },
    metrics: { tokens: 12 },
    accessKey: { id: 'k' },
    isSecret: true,
    nothing: null,
  };
  const before = structuredClone(given);
  expect(redacted(given)).toEqual({
    api_token: '[redacted]',
    list: [{ Authorization: '[redacted]', at: 1 }],
    passwords: ['[redacted]', '[redacted]'],
    'token-refresh': { state: 'running', outputs: { secret: '[redacted]', n: 1 } },
    metrics: { tokens: 12 },
    accessKey: { id: 'k' },
    isSecret: true,
    nothing: null,
  });
  expect(given).toEqual(before);
  const plain = { a: [1, { b: 'c' }] };
  expect(redacted(plain)).toBe(plain);
});
