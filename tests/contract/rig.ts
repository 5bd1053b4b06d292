import type { OnConflict, PipelineDefinition } from '../../definition/definition.ts';
import type { Clock } from '../../services/host/clock.ts';
import { createCharts } from '../../services/interpreter/charts.ts';
import type { Delivery } from '../../services/interpreter/decide.ts';
import { createInterpreter } from '../../services/interpreter/interpreter.ts';
import { runLifecycle } from '../../services/lifecycle/run-lifecycle.ts';
import { closingOf } from '../../services/start/failure-policy.ts';
import { planAdmit, startOf } from '../../services/start/plan-start.ts';
import type { BeginRequest } from '../../services/start/start-request.ts';
import { fenceOf } from '../../services/store/fence.ts';
import type { Begun, EffectRow } from '../../services/store/run-rows.ts';
import { beginRequest } from '../support/begin-request.ts';
import { pipeline, stage } from '../support/definition.ts';
import type { ContractStore } from './planned-twice.ts';

export const id = (n: number): string => `r_${String(n).padStart(26, '0')}`;

/** An interpreter on a store, whose effects the test answers itself: nothing executes. */
export const rigOn = (
  store: ContractStore,
  clock: Clock,
  definition: PipelineDefinition = pipeline([stage('one')]),
) => {
  const charts = createCharts(store, runLifecycle);
  const interpreter = createInterpreter({ store, charts, clock, closing: closingOf });
  const chart = charts.pin(definition);
  const cause = { kind: 'effect' } as const;

  const requestOf = (
    runId: string,
    { key = 'k', limit = 1, onConflict = 'refuse' as OnConflict, queueMax = 100, ...more } = {},
    rest: Partial<Omit<BeginRequest, 'spec'>> = {},
  ): BeginRequest =>
    beginRequest(chart, definition, runId, clock.wallMs(), {
      spec: {
        definition: { ...definition, concurrency: { ...definition.concurrency, key, limit } },
        ...more,
      },
      by: 'ann',
      lock: { key, limit, onConflict, queueMax },
      ...rest,
    });
  const begin = (request: BeginRequest): Promise<Begun> =>
    interpreter.begin(startOf(request), { cause: { kind: 'command' } });
  const effectOf = async (runId: string, name: string): Promise<EffectRow> => {
    const found = (await store.effects()).find((row) => row.runId === runId && row.id === name);
    if (!found) throw new Error(`${runId} has no effect ${name}`);
    return found;
  };
  const deliver = (runId: string, event: Delivery['event'], effect: EffectRow | null = null) =>
    interpreter.deliver(runId, { event, fence: effect && fenceOf(effect), cause });
  const answer = async (runId: string, name: string, output: unknown = {}) =>
    deliver(
      runId,
      { type: `xstate.done.actor.${name}`, output, actorId: name },
      await effectOf(runId, name),
    );
  return {
    interpreter,
    requestOf,
    begin,
    effectOf,
    deliver,
    answer,
    admit: (runId: string) => interpreter.admit(runId, planAdmit, { kind: 'queue' }),
    stop: (runId: string) =>
      deliver(runId, { type: 'STOP', reason: null, by: 'ann', grace_ms: null }),
    /** To its end, answer by answer. */
    finish: async (runId: string): Promise<void> => {
      await answer(runId, 'preflight');
      await answer(runId, 'attempt-one', { outputs: {}, metrics: {}, skipped: null });
      for (const { id: name, kind } of await store
        .effects()
        .then((all) => all.filter((one) => one.runId === runId)))
        if (kind === 'verify') await answer(runId, name);
    },
  };
};
