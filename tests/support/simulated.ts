import type { PipelineDefinition } from '../../definition/definition.ts';
import type { Lifecycle } from '../../services/interpreter/lifecycle.ts';
import { runLifecycle } from '../../services/lifecycle/run-lifecycle.ts';
import { simulate } from '../../services/simulate/simulate.ts';
import { survey } from '../../services/simulate/survey.ts';
import { standAlone } from '../../services/simulate/world.ts';
import type { Happening } from '../../wire/simulation.ts';
import { pipeline, retries, stage } from './definition.ts';

/** A pipeline that is simulated again and again, under today's lifecycle or one that is broken. */
export const simulated = (definition: PipelineDefinition, lifecycle: Lifecycle = runLifecycle) => {
  const of = standAlone(definition, lifecycle);
  return {
    tell: (...script: Happening[]) => simulate({ ...of, script }),
    survey: (seed: number, runs: number) => survey({ ...of, script: [], seed, runs }),
  };
};

/** Pipelines that differ in everything that the chart judges by. */
export const variety: Record<string, PipelineDefinition> = {
  plain: pipeline([stage('one', { timeoutMs: 60_000 })]),
  retried: pipeline([stage('one', { ...retries(2), timeoutMs: 60_000, totalTimeoutMs: 150_000 })]),
  two: pipeline([
    stage('one', { ...retries(1), timeoutMs: 30_000, heartbeatMs: 10_000, warnAfterMs: 5000 }),
    stage('two', { timeoutMs: 60_000, onRestart: 'fail', graceMs: 3000 }),
  ]),
  limited: pipeline(
    [
      stage('one', { timeoutMs: 60_000, files: [{ path: '*.txt', min: 1 }] }),
      stage('two', { ...retries(2), timeoutMs: 60_000 }),
    ],
    { timeoutMs: 120_000 },
  ),
};
