import fc from 'fast-check';
import type { PipelineDefinition } from '../../machines/definition.ts';
import { worstCaseMs } from '../../machines/lint/worst-case.ts';
import type { FailureMatch } from '../../machines/stage-retry.ts';
import type { Delivery } from '../../services/interpreter/decide.ts';
import type { EffectRow, Loaded } from '../../services/store.ts';
import { pipeline, stage } from '../support/definition.ts';
import { admitted, applied, decided, modelOf } from '../support/model.ts';

type Step = { at: number; delivery: Delivery };

/**
 * Drives the chart as badly as it can go: every attempt works to its timeout and every drain to its
 * grace. The last attempt of a stage may succeed in its last millisecond, so that the next stage
 * can be as bad. @returns milliseconds to the end of the run
 */
const driveBadly = (definition: PipelineDefinition, lastSucceeds: boolean): number => {
  const model = modelOf(definition);
  const stageOf = (row: EffectRow) =>
    definition.stages.find(({ name }) => name === row.input.stage);
  let loaded = applied(model.fresh, decided(model, model.fresh, admitted, 0));

  const answeredAt = (row: EffectRow): number | null => {
    const of = stageOf(row);
    if (row.kind === 'drain')
      return (
        row.createdAt +
        Math.max(
          0,
          ...loaded.effects
            .filter(({ state }) => state === 'dropping')
            .map((one) => stageOf(one)?.graceMs ?? 0),
        )
      );
    if (row.kind !== 'stage' || !of) return row.createdAt;
    return lastSucceeds && row.attempt === of.retry.limit + 1
      ? row.createdAt + of.timeoutMs - 1
      : null;
  };
  const steps = ({ effects, timers }: Loaded): Step[] => [
    ...timers.map(({ id, stamp, dueAt }): Step => {
      const event = { type: id as `xstate.after.${string}` };
      return {
        at: dueAt,
        delivery: { event, fence: { kind: 'timer', id, stamp }, cause: { kind: 'timer' } },
      };
    }),
    ...effects.flatMap((row): Step[] => {
      const at = row.state === 'dropping' ? null : answeredAt(row);
      const event = { type: `xstate.done.actor.${row.id}` as const, output: {}, actorId: row.id };
      const fence = { kind: 'effect' as const, id: row.id, stamp: row.stamp };
      return at === null ? [] : [{ at, delivery: { event, fence, cause: { kind: 'effect' } } }];
    }),
  ];
  let now = 0;
  for (let turns = 0; loaded.run.endedAt === null; turns += 1) {
    const next = steps(loaded).toSorted((a, b) => a.at - b.at)[0];
    if (!next || turns > 500)
      throw new Error(`it never ends: ${JSON.stringify(loaded.run.projection)}`);
    now = Math.max(now, next.at);
    // A drain answers when no dropped effect is left.
    if (next.delivery.fence?.id.startsWith('drain-'))
      loaded = { ...loaded, effects: loaded.effects.filter(({ state }) => state !== 'dropping') };
    loaded = applied(loaded, decided(model, loaded, next.delivery, now));
  }
  return now;
};

const ms = (min: number, max: number) => fc.integer({ min, max });
const backoff = {
  initialMs: ms(0, 5000),
  factor: ms(1, 4),
  maxMs: ms(0, 20_000),
  jitter: fc.constantFrom(0, 0.1, 1),
};
const anyStage = (name: string) =>
  fc
    .record({
      timeoutMs: ms(1, 60_000),
      graceMs: ms(0, 10_000),
      totalTimeoutMs: fc.option(ms(1, 120_000)),
      retry: fc.record({
        ...backoff,
        limit: ms(0, 4),
        neverOn: fc.constant<FailureMatch>({ exitCodes: [], codes: [] }),
      }),
      class: fc.option(
        fc.record({
          ...backoff,
          limit: ms(0, 4),
          on: fc.constant<FailureMatch>({ exitCodes: [], codes: ['timeout'] }),
        }),
      ),
    })
    .map(({ class: one, retry, ...more }) =>
      stage(name, { ...more, retry: { ...retry, classes: one ? [one] : [] } }),
    );
const anyPipeline = fc
  .record({
    stages: fc.tuple(anyStage('one'), anyStage('two'), anyStage('three')),
    timeoutMs: fc.option(ms(1, 300_000)),
  })
  .map(({ stages, timeoutMs }) => pipeline(stages, { timeoutMs }));

test('no run takes longer than the worst case that the linter counts with, however badly it goes', () => {
  fc.assert(
    fc.property(anyPipeline, fc.boolean(), (definition, lastSucceeds) => {
      expect(driveBadly(definition, lastSucceeds)).toBeLessThanOrEqual(worstCaseMs(definition));
    }),
    { numRuns: 100 },
  );
});

test('the worst case is no exaggeration: without jitter a stage that never answers takes exactly that', () => {
  const retry = {
    limit: 3,
    initialMs: 1000,
    factor: 2,
    maxMs: 3000,
    jitter: 0,
    neverOn: { exitCodes: [], codes: [] },
  };
  const definition = pipeline([stage('one', { timeoutMs: 5000, graceMs: 700, retry })]);
  // Four attempts of 5.7 s, and waits of 1, 2 and 3 s.
  expect(worstCaseMs(definition)).toBe(28_800);
  expect(driveBadly(definition, false)).toBe(28_800);
});
