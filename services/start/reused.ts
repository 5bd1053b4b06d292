import type { PipelineDefinition } from '../../definition/definition.ts';
import { groupOf, stagesBefore } from '../../definition/groups.ts';
import { suggest } from '../../definition/suggest.ts';
import type { Reused } from '../../machines/context.ts';
import type { StageStatus } from '../../wire/status.ts';
import type { RunRow } from '../store/run-rows.ts';
import { type Checked, checked, refused } from './start-check.ts';
import type { Refused } from './start-request.ts';

export const unknownStage = (definition: PipelineDefinition, stage: string): Refused => {
  const names = definition.stages.map(({ name }) => name);
  const nearest = suggest(stage, names);
  return refused(
    'impossible',
    'unknown-stage',
    `${definition.name} has no stage ${stage}${nearest ? `; did you mean ${nearest}?` : ''}`,
  );
};

/**
 * What the new run takes over: every stage before `stage`, all of which must have ended well, and
 * what has ended well beside it.
 */
export const reusedOf = (
  run: RunRow,
  definition: PipelineDefinition,
  stage: string,
): Checked<Reused> => {
  const reused: Reused = {};
  const group = definition.groups?.find(({ name }) => name === stage);
  const first = group?.stages[0] ?? stage;
  if (!definition.stages.some(({ name }) => name === first)) return unknownStage(definition, stage);
  const stateOf = (name: string) => run.projection.stages.find((one) => one.name === name)?.state;
  const doneOf = (name: string) =>
    run.projection.stages.find(
      (one) => one.name === name && ['succeeded', 'skipped', 'reused'].includes(one.state),
    );
  const take = (name: string, done: StageStatus): void => {
    reused[name] = { outputs: done.outputs, metrics: done.metrics as Record<string, number> };
  };
  // Of those beside it, what is done is done; a group by its name begins anew.
  const beside = group ? [] : (groupOf(definition, stage)?.stages ?? []);
  for (const name of beside.filter((other) => other !== stage)) {
    const done = doneOf(name);
    if (done) take(name, done);
  }
  for (const { name, allowFailure } of stagesBefore(definition, first)) {
    const done = doneOf(name);
    // It has failed, which was no reason not to go on: it is tried again.
    if (allowFailure && !done && stateOf(name) === 'failed') continue;
    if (!done)
      return refused(
        'impossible',
        'command-not-allowed',
        `RETRY_FROM ${stage} is not possible: ${name} before it has not finished in run ${run.number}`,
        {
          extra: {
            run_id: run.runId,
            state: run.projection.state,
            allowed: run.projection.allowed,
            why_not: `${name} has not finished`,
          },
        },
      );
    take(name, done);
  }
  return checked(reused);
};
