import type { AnyStateMachine } from 'xstate';
import type { PipelineDefinition } from '../../definition/definition.ts';
import { createCharts, type PinnedChart } from '../../services/interpreter/charts.ts';
import { type Delivery, decide } from '../../services/interpreter/decide.ts';
import { projectSnapshot } from '../../services/lifecycle/outlook.ts';
import { runLifecycle } from '../../services/lifecycle/run-lifecycle.ts';
import { afterDecision } from '../../services/store/after-decision.ts';
import type { Decision, Loaded, RunRow } from '../../services/store/run-rows.ts';

/** Lets a test branch where a database cannot. */
export const applied = afterDecision;

export type Model = { chart: PinnedChart; machine: AnyStateMachine; fresh: Loaded };

/** A run that was accepted and has not moved yet. */
export const modelOf = (definition: PipelineDefinition): Model => {
  const chart = createCharts({ chart: async () => null }, runLifecycle).pin(definition);
  const projection = projectSnapshot(chart.machine, chart.initial);
  const run: RunRow = {
    runId: 'r_MODEL',
    pipeline: definition.name,
    chart: chart.hash,
    definition,
    projectDir: '/',
    params: {},
    trigger: 'api',
    onlyStage: null,
    reason: null,
    inputs: {},
    metadata: {},
    number: 1,
    version: 0,
    ledgerN: 0,
    runSeq: 0,
    snapshot: chart.initial,
    projection,
    createdAt: 0,
    updatedAt: 0,
    endedAt: null,
    progress: null,
    lock: { key: 'k', since: 0 },
  };
  return { chart, machine: chart.machine, fresh: { run, effects: [], timers: [] } };
};

export const admitted: Delivery = {
  event: { type: 'ADMITTED', run_id: 'r_MODEL' },
  fence: null,
  cause: { kind: 'command' },
};

/** Decides on a copy that went through JSON: save and revive at every step. */
export const decided = (
  model: Model,
  loaded: Loaded,
  delivery: Delivery,
  wallMs: number,
): Decision =>
  decide(
    { machine: model.machine, lifecycle: runLifecycle },
    JSON.parse(JSON.stringify(loaded)) as Loaded,
    delivery,
    {
      wallMs,
      monotonicMs: wallMs,
      bootId: 'b',
    },
  );
