import type { PipelineDefinition, StageDefinition } from '../../definition/definition.ts';
import { kindView, rulesOf } from '../../definition/kinds/stage-kinds.ts';
import { stageWorstCaseMs, worstCaseMs } from '../../definition/lint/worst-case.ts';
import { fieldsView } from '../../definition/stage-fields.ts';

const stageView = (stage: StageDefinition) => ({
  name: stage.name,
  title: stage.title,
  kind: stage.program.kind,
  program: rulesOf(stage.program).describe(stage.program),
  ...kindView(stage.program),
  ...fieldsView(stage),
  worst_case_ms: stageWorstCaseMs(stage),
});

/** A definition as the API shows it: everything that holds, defaults filled in. */
export const definitionView = (definition: PipelineDefinition) => {
  const {
    timezone,
    params,
    concurrency,
    timeoutMs,
    env,
    secrets = [],
    stages,
    groups = [],
  } = definition;
  const { key, limit, onConflict, queue } = concurrency;
  const { onFailures } = definition;
  return {
    labels: definition.labels ?? [],
    timezone,
    params,
    timeout_ms: timeoutMs,
    warn_after_ms: definition.warnAfterMs ?? null,
    concurrency: {
      key,
      limit,
      on_conflict: onConflict,
      queue: queue ? { max: queue.max, timeout_ms: queue.timeoutMs } : null,
    },
    on_failures: onFailures
      ? {
          pause_after: onFailures.pauseAfter,
          blocks: onFailures.blocks,
          probe_after_ms: onFailures.probeAfterMs,
        }
      : null,
    env: Object.keys(env),
    secrets,
    stages: stages.map(stageView),
    groups: groups.map(({ name, title, stages, failFast }) => ({
      name,
      title,
      stages,
      fail_fast: failFast,
    })),
    on_failure: (definition.onFailure ?? []).map(stageView),
    finally: (definition.finally ?? []).map(stageView),
    worst_case_ms: worstCaseMs(definition),
  };
};
export type DefinitionView = ReturnType<typeof definitionView>;
