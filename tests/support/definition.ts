import type { PipelineDefinition, StageDefinition } from '../../machines/definition.ts';
import { defaultLimits } from '../../machines/stage-fields.ts';

/** A stage definition with the defaults of a pipeline file. */
export const stage = (name: string, more: Partial<StageDefinition> = {}): StageDefinition => ({
  name,
  title: null,
  program: { kind: 'process', argv: ['true'] },
  with: {},
  cwd: null,
  env: {},
  timeoutMs: 3_600_000,
  totalTimeoutMs: null,
  warnAfterMs: null,
  heartbeatMs: null,
  graceMs: 10_000,
  retry: {
    limit: 0,
    initialMs: 10_000,
    factor: 2,
    maxMs: 300_000,
    jitter: 0.1,
    neverOn: { exitCodes: [], codes: [] },
  },
  files: [],
  onRestart: 'retry',
  limits: defaultLimits,
  ...more,
});
export const retries = (limit: number): Pick<StageDefinition, 'retry'> => ({
  retry: { ...stage('x').retry, limit },
});

export const pipeline = (
  stages: StageDefinition[],
  more: Partial<PipelineDefinition> = {},
): PipelineDefinition => ({
  name: 'sample',
  title: 'sample',
  timezone: 'UTC',
  params: {},
  concurrency: { key: 'sample', limit: 1, onConflict: 'refuse' },
  timeoutMs: null,
  env: {},
  stages,
  ...more,
});
