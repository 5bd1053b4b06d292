import { join } from 'node:path';
import type { PipelineDefinition } from '../definition/definition.ts';
import { createRunIds } from '../services/host/run-id.ts';
import { createCharts } from '../services/interpreter/charts.ts';
import { createInterpreter } from '../services/interpreter/interpreter.ts';
import { projectSnapshot } from '../services/lifecycle/outlook.ts';
import { runLifecycle } from '../services/lifecycle/run-lifecycle.ts';
import { openDatabase } from '../services/sqlite/database.ts';
import { startOf } from '../services/start/plan-start.ts';
import type { Place } from './place.ts';
import { medianMs, type Ratio } from './ratio.ts';

/**
 * One accepted transition, decided and committed whole, against one row committed bare; both under
 * synchronous=FULL.
 */
export const benchCommit = async (
  { parts, dir }: Place,
  definition: PipelineDefinition,
  times: number,
): Promise<Ratio> => {
  const { store, clock } = parts;
  const bare = openDatabase(join(dir, 'bare.sqlite'), 'FULL');
  const limit = await medianMs(times, (index) =>
    bare.transaction('IMMEDIATE', () =>
      bare.run("INSERT INTO meta (key, value) VALUES (?, 'x')", `k${index}`),
    ),
  );
  bare.close();

  // No effects are executed here: STOP again and again in `stopping` is an accepted transition each
  // time.
  const charts = createCharts(store, runLifecycle);
  const interpreter = createInterpreter({ store, charts, clock });
  const { hash, config, compilerVersion, machine, initial } = charts.pin(definition);
  const runId = createRunIds(clock.wallMs)();
  const cause = { kind: 'command' as const, actor: 'bench' };
  await interpreter.begin(
    startOf({
      spec: {
        runId,
        pipeline: 'commits',
        chart: hash,
        definition,
        projectDir: dir,
        params: {},
        trigger: 'api',
        onlyStage: null,
        reason: null,
        inputs: {},
        metadata: {},
      },
      config,
      compilerVersion,
      snapshot: initial,
      projection: projectSnapshot(machine, initial),
      at: clock.wallMs(),
      lock: { key: 'commits', limit: 1, onConflict: 'refuse', queueMax: 1 },
      idempotency: null,
      by: null,
    }),
    { cause },
  );
  const stop = { type: 'STOP' as const, reason: null, by: 'bench', grace_ms: null };
  const ours = await medianMs(times, () =>
    interpreter.deliver(runId, { event: stop, fence: null, cause }),
  );
  const drain = (await store.effects()).find((effect) => effect.runId === runId);
  if (drain) {
    const event = { type: `xstate.done.actor.${drain.id}` as const, output: {}, actorId: drain.id };
    await interpreter.deliver(runId, {
      event,
      fence: { kind: 'effect', id: drain.id, stamp: drain.stamp },
      cause,
    });
  }
  return {
    what: 'a committed transition, synchronous=FULL',
    ours,
    limit,
    unit: 'ms    ',
    goal: { kind: 'at most', ratio: 2 },
  };
};
