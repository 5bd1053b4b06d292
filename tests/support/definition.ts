import type { PipelineDefinition, StageDefinition } from '../../definition/definition.ts';
import { withDefaults } from '../../definition/stage-fields.ts';

/** A stage definition with the defaults of a pipeline file. */
export const stage = (name: string, more: Partial<StageDefinition> = {}): StageDefinition => ({
  name,
  title: null,
  program: { kind: 'process', argv: ['true'] },
  ...withDefaults({}),
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
