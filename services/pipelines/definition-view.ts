import type {
  Backoff,
  FailureMatch,
  PipelineDefinition,
  StageDefinition,
} from '../../definition/definition.ts';
import { stageWorstCaseMs, worstCaseMs } from '../../definition/lint/worst-case.ts';

const backoffOf = ({ initialMs, factor, maxMs, jitter }: Backoff) => ({
  initial_ms: initialMs,
  factor,
  max_ms: maxMs,
  jitter,
});
const matchOf = ({ exitCodes, codes, signals = [] }: FailureMatch) => ({
  exit_codes: exitCodes,
  codes,
  signals,
});

const stageView = (stage: StageDefinition) => {
  const {
    name,
    title,
    program,
    with: given,
    cwd,
    env,
    timeoutMs,
    heartbeatMs,
    graceMs,
    retry,
    files,
    onRestart,
    limits,
  } = stage;
  return {
    name,
    title,
    run: 'argv' in program ? program.argv : null,
    uses: 'module' in program ? program.module : null,
    with: given,
    cwd,
    // Values of variables are for the program; whoever writes one down in plain may still not want
    // it on a screen.
    env: Object.keys(env),
    timeout_ms: timeoutMs,
    total_timeout_ms: stage.totalTimeoutMs ?? null,
    warn_after_ms: stage.warnAfterMs ?? null,
    heartbeat_ms: heartbeatMs,
    grace_ms: graceMs,
    retry: {
      limit: retry.limit,
      backoff: backoffOf(retry),
      never_on: matchOf(retry.neverOn),
      classes: (retry.classes ?? []).map((one) => ({
        on: matchOf(one.on),
        limit: one.limit,
        backoff: backoffOf(one),
      })),
    },
    files,
    on_restart: onRestart,
    limits: {
      memory_bytes: limits?.memoryBytes ?? null,
      output_bytes: limits?.outputBytes ?? null,
    },
    worst_case_ms: stageWorstCaseMs(stage),
  };
};

/** A definition as the API shows it: everything that holds, defaults filled in. */
export const definitionView = (definition: PipelineDefinition) => {
  const { timezone, params, concurrency, timeoutMs, env, secrets = [], stages } = definition;
  const { key, limit, onConflict, queue } = concurrency;
  const { onFailures } = definition;
  return {
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
    worst_case_ms: worstCaseMs(definition),
  };
};
export type DefinitionView = ReturnType<typeof definitionView>;
