import fc from 'fast-check';
import type { PipelineDefinition } from '../../definition/definition.ts';
import { worstCaseMs } from '../../definition/lint/worst-case.ts';
import { pipeline, stage } from '../support/definition.ts';
import { anyBeside, anyPipeline, driveBadly } from '../support/worst-case.ts';

const bounded = (definition: PipelineDefinition, lastSucceeds: boolean): void =>
  expect(driveBadly(definition, lastSucceeds)).toBeLessThanOrEqual(worstCaseMs(definition));
const property = fc.property(anyPipeline, fc.boolean(), bounded);

test('TRUTH-1: no run takes longer than the worst case that the linter counts with, however badly it goes', () => {
  // `npm run test:long` tries ten thousand.
  fc.assert(property, { numRuns: 200 });
});

test('TRUTH-1: a total timeout in the middle of a grace does not begin another one', () => {
  // Found by chance once: timeout 1, grace 3, total timeout 4.
  fc.assert(property, { seed: -1356258336, path: '75', numRuns: 76 });
  const definition = pipeline([stage('one', { timeoutMs: 1, graceMs: 3, totalTimeoutMs: 3 })]);
  expect(worstCaseMs(definition)).toBe(4);
  expect(driveBadly(definition, false)).toBe(4);
});

test('TRUTH-1: nor with stages beside each other, of which the longest counts', () => {
  fc.assert(fc.property(anyBeside, fc.boolean(), bounded), { numRuns: 200 });
  const times = { timeoutMs: 5000, graceMs: 1000 };
  const definition = pipeline(
    [stage('one', times), stage('two', { ...times, timeoutMs: 9000 }), stage('three', times)],
    { groups: [{ name: 'both', title: null, stages: ['one', 'two'], failFast: false }] },
  );
  expect(worstCaseMs(definition)).toBe(16_000);
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

test('hooks come on top of what the timeout of the run allows', () => {
  const hook = stage('clean', { timeoutMs: 60_000, graceMs: 1000 });
  const work = [stage('work', { timeoutMs: 3_600_000, graceMs: 2000 })];
  const limited = { timeoutMs: 10_000 };
  expect(worstCaseMs(pipeline(work, limited))).toBe(12_000);
  expect(worstCaseMs(pipeline(work, { ...limited, onFailure: [hook], finally: [hook] }))).toBe(
    12_000 + 2 * 61_000,
  );
});
