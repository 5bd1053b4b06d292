import fc from 'fast-check';
import type { PipelineDefinition } from '../../definition/definition.ts';
import type { FailureMatch } from '../../definition/stage-retry.ts';
import { eventOfTimer } from '../../machines/timer-ids.ts';
import type { Delivery } from '../../services/interpreter/decide.ts';
import { endingFrom, withGrace } from '../../services/launcher/endings.ts';
import { graceOf } from '../../services/runners/drain.ts';
import type { EffectRow, Loaded } from '../../services/store/run-rows.ts';
import type { Ending } from '../../stages/contract.ts';

import { pipeline, stage } from './definition.ts';
import { admitted, applied, decided, modelOf } from './model.ts';
import { drained } from './world.ts';

type Step = { at: number; delivery: Delivery };

/**
 * Drives the chart as badly as it can go: every attempt works to its timeout and every drain to its
 * grace. The last attempt of a stage may succeed in its last millisecond, so that the next stage
 * can be as bad. @returns milliseconds to the end of the run
 */
export const driveBadly = (definition: PipelineDefinition, lastSucceeds: boolean): number => {
  const model = modelOf(definition);
  const stageOf = (row: EffectRow) =>
    definition.stages.find(({ name }) => name === row.input.stage);
  let loaded = applied(model.fresh, decided(model, model.fresh, admitted, 0));

  /** As the service keeps them: one deadline an ending, which a later drain goes on with. */
  const endings = new Map<string, Ending>();
  const endedAt = (dropping: EffectRow, now: number): number => {
    const before = endings.get(dropping.token);
    const graceMs = graceOf(loaded.run, dropping);
    const ending = before ? withGrace(before, graceMs) : endingFrom(now, graceMs, 'b');
    endings.set(dropping.token, ending);
    return ending.killAt;
  };
  const answeredAt = (row: EffectRow): number | null => {
    const of = stageOf(row);
    if (row.kind === 'drain') {
      const { stage: of } = row.input;
      const dropping = loaded.effects.filter(
        ({ state, input }) => state === 'dropping' && (of ?? input.stage) === input.stage,
      );
      return Math.max(row.createdAt, ...dropping.map((one) => endedAt(one, row.createdAt)));
    }
    if (row.kind !== 'stage' || !of) return row.createdAt;
    return lastSucceeds && row.attempt === of.retry.limit + 1
      ? row.createdAt + of.timeoutMs - 1
      : null;
  };
  const steps = ({ effects, timers }: Loaded): Step[] => [
    ...timers.map(({ id, stamp, dueAt }): Step => {
      const event = eventOfTimer(id);
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
    loaded = drained(loaded, next.delivery);
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
export const anyPipeline = fc
  .record({
    stages: fc.tuple(anyStage('one'), anyStage('two'), anyStage('three')),
    timeoutMs: fc.option(ms(1, 300_000)),
  })
  .map(({ stages, timeoutMs }) => pipeline(stages, { timeoutMs }));

const anyGroup = fc.record({
  from: fc.integer({ min: 0, max: 1 }),
  count: fc.integer({ min: 2, max: 3 }),
  failFast: fc.boolean(),
});
/** The same with some of them beside each other. */
export const anyBeside = fc.tuple(anyPipeline, anyGroup).map(([definition, one]) => {
  const { from, count, failFast } = one;
  const stages = definition.stages.slice(from, from + count).map(({ name }) => name);
  return { ...definition, groups: [{ name: 'group', title: null, stages, failFast }] };
});
