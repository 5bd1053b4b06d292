import fc from 'fast-check';
import type { PipelineDefinition } from '../../definition/definition.ts';
import type { FailureMatch } from '../../definition/stage-retry.ts';
import { createCharts } from '../../services/interpreter/charts.ts';
import { runLifecycle } from '../../services/lifecycle/run-lifecycle.ts';
import { admittedScene } from '../../services/what-if/what-if-queries.ts';
import { drivenBadly } from '../../services/what-if/worst-clock.ts';
import { pipeline, stage } from './definition.ts';

/** `drivenBadly` from the beginning. @returns milliseconds to the end of the run */
export const driveBadly = (definition: PipelineDefinition, lastSucceeds: boolean): number => {
  const charts = createCharts({ chart: async () => null }, runLifecycle);
  const now = { wallMs: 0, monotonicMs: 0, bootId: 'b' };
  const scene = admittedScene(definition, charts.pin(definition), charts, now);
  const driven = drivenBadly(scene, lastSucceeds);
  if (driven === null) throw new Error('it never ends');
  return driven;
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
