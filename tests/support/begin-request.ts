import type { PipelineDefinition } from '../../definition/definition.ts';
import type { PinnedChart } from '../../services/interpreter/charts.ts';
import { projectSnapshot } from '../../services/lifecycle/outlook.ts';
import type { BeginRequest } from '../../services/start/start-request.ts';

/** A start that was checked, asked for by nobody by name: `rest` says what is otherwise. */
export const beginRequest = (
  { hash, config, compilerVersion, machine, initial }: PinnedChart,
  definition: PipelineDefinition,
  runId: string,
  at: number,
  {
    spec,
    ...rest
  }: Partial<Omit<BeginRequest, 'spec'>> & { spec?: Partial<BeginRequest['spec']> } = {},
): BeginRequest => ({
  spec: {
    runId,
    pipeline: definition.name,
    chart: hash,
    definition,
    projectDir: '/',
    params: {},
    trigger: 'api',
    onlyStage: null,
    reason: null,
    inputs: {},
    metadata: {},
    ...spec,
  },
  config,
  compilerVersion,
  snapshot: initial,
  projection: projectSnapshot(machine, initial),
  at,
  idempotency: null,
  lock: { key: 'k', limit: 1, onConflict: 'refuse', queueMax: 1 },
  by: null,
  ...rest,
});
