import type { PipelineDefinition } from '../../definition/definition.ts';
import { iso } from '../../wire/iso.ts';
import { maxPath, type Press, type WhatIf } from '../../wire/what-if.ts';
import type { Clock } from '../host/clock.ts';
import { nextTurn } from '../host/clock.ts';
import { ServiceError } from '../host/service-error.ts';
import type { Charts, PinnedChart } from '../interpreter/charts.ts';
import { decide } from '../interpreter/decide.ts';
import type { Interpreted } from '../interpreter/lifecycle.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import { afterDecision } from '../store/after-decision.ts';
import type { LedgerRow, RunRow } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';
import { pathNow, press, shownEffect, shownTimer, stepOf } from './press.ts';
import { pressesOf, type Scene } from './presses.ts';
import { type Started, sceneAt, unmoved } from './run-scene.ts';
import { worstFrom } from './worst-clock.ts';

export type WhatIfQueries = {
  /** An admitted run of the pipeline, and what becomes of it on this path. @throws unknown-pipeline */
  whatIf(pipeline: string, path: readonly Press[]): Promise<WhatIf>;
  /**
   * The run as it stood at a version (the current one when it is null), and what becomes of it on
   * this path. @throws unknown-run, unknown-version
   */
  whatIfRun(runId: string, version: number | null, path: readonly Press[]): Promise<WhatIf>;
};
type Of = { pipeline: string; runId: string | null; version: number | null };

/** More steps than a run has whose retries are meant well. */
const maxSteps = 2000;

/** Everything that may come to a run that stands here, each with what it would lead to. */
const eventsIn = (scene: Scene): WhatIf['events'] =>
  pressesOf(scene.loaded).map((one) => {
    const { text, decision, ways, whyNot, scene: after } = press(scene, one);
    const { state, why, allowed } = after.loaded.run.projection;
    // It makes another run: of this one the chart is not asked.
    const isOther = one.kind === 'command' && one.command === 'RETRY_FROM';
    const isAllowed = isOther ? allowed.includes('RETRY_FROM') : decision !== null;
    return {
      press: one,
      text: isOther ? `${text}: a new run takes over what this one finished` : text,
      allowed: isAllowed,
      why_not: isAllowed ? null : whyNot,
      ways: ways(),
      leads_to: decision ? { state, path: pathNow(after), why } : null,
    };
  });

const shown = (of: Of, scene: Scene, startedAt: number, steps: WhatIf['steps']): WhatIf => {
  const { run, effects, timers } = scene.loaded;
  const {
    started_at: _,
    ended_at: __,
    duration_ms: ___,
    retry_count: ____,
    ...now
  } = run.projection;
  const { wallMs } = scene.now;
  const isOver = run.endedAt !== null;
  const inMs = isOver ? null : worstFrom(scene);
  return {
    pipeline: of.pipeline,
    run_id: of.runId,
    version: of.version,
    at: iso(wallMs),
    elapsed_ms: wallMs - startedAt,
    steps,
    now: { ...now, is_over: isOver, path: pathNow(scene) },
    effects: effects.map(shownEffect),
    timers: timers.map((row) => shownTimer(row, scene)),
    worst_case: inMs === null ? null : { in_ms: inMs, at: iso(wallMs + inMs) },
    events: eventsIn(scene),
    max_path: maxPath,
  };
};

/** Follows the path; between two events everybody else has a turn. */
const followed = async (of: Of, from: Scene, path: readonly Press[]): Promise<WhatIf> => {
  const startedAt = from.now.wallMs;
  const steps: WhatIf['steps'] = [];
  let scene = from;
  for (const one of path) {
    await nextTurn();
    const pressed = press(scene, one);
    steps.push(stepOf(one, scene, pressed, startedAt));
    scene = pressed.scene;
  }
  await nextTurn();
  return shown(of, scene, startedAt, steps);
};

/** A run that nobody keeps, as its start would leave it. */
export const admittedScene = (
  definition: PipelineDefinition,
  { hash, machine }: Pick<PinnedChart, 'hash' | 'machine'>,
  { lifecycle }: Pick<Interpreted, 'lifecycle'>,
  now: Scene['now'],
): Scene => {
  const runId = 'r_00000000000000000000000000';
  const interpreted = { machine, lifecycle };
  const started: Started = {
    runId,
    pipeline: definition.name,
    chart: hash,
    definition,
    projectDir: '/',
    params: {},
    trigger: 'manual',
    onlyStage: null,
    reason: null,
    inputs: {},
    metadata: {},
    number: 1,
    createdAt: now.wallMs,
  };
  const fresh = unmoved(interpreted, started);
  const event = lifecycle.events.first(runId, null, undefined);
  const delivery = { event, fence: null, cause: { kind: 'command' } as const };
  const loaded = afterDecision(fresh, decide(interpreted, fresh, delivery, now));
  return { interpreted, loaded, now };
};

/** "What if": the future of a run, decided by the same function as the present, and never kept. */
export const createWhatIf = (deps: {
  store: Pick<Store, 'run' | 'ledger'>;
  charts: Charts;
  clock: Pick<Clock, 'wallMs' | 'monotonicMs' | 'bootId'>;
  lookup: Pick<RunLookup, 'requirePipeline' | 'assertReady' | 'requireRun'>;
}): WhatIfQueries => {
  const { store, charts, clock, lookup } = deps;
  const { lifecycle } = charts;
  const now = () => ({
    wallMs: clock.wallMs(),
    monotonicMs: clock.monotonicMs(),
    bootId: clock.bootId(),
  });
  /** As it stood, with what lived then. */
  const past = async (run: RunRow, version: number): Promise<Scene> => {
    const noWay = (why: string) => new ServiceError('unknown-version', why);
    if (version > run.version) throw noWay(`run ${run.runId} has versions 1 to ${run.version}`);
    const rows: LedgerRow[] = await store.ledger(run.runId, { after: 0, limit: maxSteps });
    const accepted = rows.filter((row) => row.verdict === 'accepted' && row.version <= version);
    if (accepted.length < version)
      throw noWay(`what-if goes back to the first ${maxSteps} rows of a ledger, and no further`);
    const machine = await charts.loaded(run.chart);
    return sceneAt({ machine, lifecycle }, run, accepted).catch((error: Error) => {
      throw noWay(`the run cannot be followed to version ${version}: ${error.message}`);
    });
  };
  return {
    whatIf: (pipeline, path) => {
      const { definition } = lookup.requirePipeline(pipeline);
      const scene = admittedScene(definition, charts.pin(definition), charts, now());
      return followed({ pipeline, runId: null, version: null }, scene, path);
    },
    whatIfRun: async (runId, version, path) => {
      lookup.assertReady();
      const { run } = await lookup.requireRun(runId);
      const found = version === null ? await store.run(runId) : null;
      const scene = found
        ? {
            interpreted: { machine: await charts.loaded(found.run.chart), lifecycle },
            loaded: found,
            now: now(),
          }
        : await past(run, version ?? run.version);
      const of = { pipeline: run.pipeline, runId, version: scene.loaded.run.version };
      return followed(of, scene, path);
    },
  };
};
