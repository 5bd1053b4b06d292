import type { PipelineDefinition } from '../machines/definition.ts';
import { references } from '../machines/interpolate.ts';
import { validateParams } from '../machines/params.ts';
import type { Progress, Status } from '../machines/status.ts';
import { suggest } from '../machines/suggest.ts';
import type { Clock } from './clock.ts';
import type { Charts } from './interpreter/charts.ts';
import { projectSnapshot } from './interpreter/decide.ts';
import type { Interpreter } from './interpreter/interpreter.ts';
import type { Actor, HealthReport, Orchestrator, StartRequest } from './orchestrator-port.ts';
import type { LoadedPipelines } from './pipelines.ts';
import { ServiceError } from './service-error.ts';
import { idleStatus, statusOf } from './status.ts';
import type { RunRow, RunSpec, Store } from './store.ts';

type Deps = {
  store: Store;
  charts: Charts;
  interpreter: Interpreter;
  clock: Clock;
  loaded: LoadedPipelines;
  defaultPipeline: string | null;
  nextRunId: () => string;
  /** Newer than the row: what a working stage said last. */
  progress: (runId: string) => Progress | null;
  phase: () => 'starting' | 'ready' | 'draining';
  health: () => HealthReport;
  onJournal: (wake: () => void) => () => void;
  wake: () => void;
};
type Entry = { definition: PipelineDefinition; projectDir: string };
const recentEvents = 100;

/** What REST, WebSocket and CLI may ask of the service. It validates and reads; whatever moves a run goes through the interpreter. */
export const createOrchestrator = (deps: Deps): Orchestrator => {
  const { store, charts, interpreter, clock, loaded } = deps;

  const known = (name: string): Entry => {
    const entry = loaded.pipelines.get(name);
    if (entry) return entry;
    const nearest = suggest(name, [...loaded.pipelines.keys()]);
    throw new ServiceError('unknown-pipeline', `there is no pipeline ${name}${nearest ? `; did you mean ${nearest}?` : ''}`);
  };
  const truthful = (): void => {
    if (deps.phase() === 'starting')
      throw new ServiceError('starting', 'the service settles what the last one left; ask again in a second');
  };
  const show = (run: RunRow, headSeq: number): Status => statusOf(run, headSeq, deps.progress(run.runId));
  const runOr404 = async (runId: string) => {
    const found = await store.run(runId);
    if (!found) throw new ServiceError('unknown-run', `there is no run ${runId}`);
    return found;
  };

  const status = async (pipeline: string): Promise<Status> => {
    truthful();
    const { definition } = known(pipeline);
    const { run, reset, headSeq } = await store.latest(pipeline);
    return run && !reset ? show(run, headSeq) : idleStatus(definition, headSeq, run?.runId ?? null);
  };

  /** Outputs a single-stage run needs from stages it does not run: those of the latest DONE run. */
  const inputsOf = async (definition: PipelineDefinition): Promise<Pick<RunSpec, 'inputs' | 'metadata'>> => {
    const own = new Set(definition.stages.map(({ name }) => name));
    const needed = new Set<string>();
    for (const { program, with: given, env, cwd, files } of definition.stages)
      for (const [root, stage] of references({ program, given, env, cwd, files }))
        if (root === 'stages' && stage && !own.has(stage)) needed.add(stage);
    if (needed.size === 0) return { inputs: {}, metadata: {} };
    const donor = await store.latestDone(definition.name);
    const inputs: RunSpec['inputs'] = {};
    for (const name of needed) {
      const facts = donor?.projection.stages.find((stage) => stage.name === name);
      if (!facts)
        throw new ServiceError('missing-input', `outputs of stage ${name} are needed, and no DONE run of ${definition.name} has any`);
      inputs[name] = facts.outputs;
    }
    return { inputs, metadata: { inputs_from: donor?.runId } };
  };

  const definitionFor = ({ definition }: Entry, onlyStage: string | null): PipelineDefinition => {
    if (onlyStage === null) return definition;
    const stages = definition.stages.filter(({ name }) => name === onlyStage);
    if (stages.length > 0) return { ...definition, stages };
    const nearest = suggest(
      onlyStage,
      definition.stages.map(({ name }) => name),
    );
    throw new ServiceError('unknown-stage', `${definition.name} has no stage ${onlyStage}${nearest ? `; did you mean ${nearest}?` : ''}`);
  };

  const start = async (request: StartRequest): Promise<{ status: Status; replayed: boolean }> => {
    truthful();
    if (deps.phase() === 'draining') throw new ServiceError('draining', 'the service is shutting down and starts nothing more');
    const entry = known(request.pipeline);
    const definition = definitionFor(entry, request.onlyStage);
    const params = validateParams(definition, request.params);
    if (!params.ok) throw new ServiceError('invalid-params', 'the parameters do not fit the pipeline', { errors: params.errors });
    const pinned = charts.pin(definition);
    const spec: RunSpec = {
      runId: deps.nextRunId(),
      pipeline: request.pipeline,
      chart: pinned.hash,
      definition,
      projectDir: entry.projectDir,
      params: params.params,
      trigger: request.trigger,
      onlyStage: request.onlyStage,
      reason: request.reason,
      ...(await inputsOf(definition)),
    };
    const at = clock.wallMs();
    const begun = await interpreter.begin(
      {
        spec,
        config: pinned.config,
        compilerVersion: pinned.compilerVersion,
        snapshot: pinned.initial,
        projection: projectSnapshot(pinned.machine, pinned.initial),
        lock: { key: definition.concurrency.key, limit: definition.concurrency.limit },
        at,
        idempotency: request.idempotency,
        refusal: (owner) => ({
          ...{ stage: 'pipeline', event: 'refused', severity: 'warning', msg: `start refused: ${whyHeld(owner)}` },
          data: { command: 'START', why: whyHeld(owner), run_id: owner.runId, trigger: request.trigger, by: request.actor.name },
        }),
      },
      { event: { type: 'ADMITTED', run_id: spec.runId }, fence: null, cause: { kind: 'command', actor: request.actor.name } },
    );
    if (begun.kind === 'begun') return { status: show(begun.run, begun.lastSeq), replayed: false };
    if (begun.kind === 'replayed') return { status: show(begun.run, (await runOr404(begun.run.runId)).headSeq), replayed: true };
    if (begun.kind === 'key-reused')
      throw new ServiceError('idempotency-key-reused', `the key stands for run ${begun.run.runId}, started with another body`);
    deps.wake();
    const { owner } = begun;
    throw new ServiceError('already-running', whyHeld(owner), {
      extra: {
        ...{ run_id: owner.runId, pipeline: owner.pipeline, state: owner.projection.state, why: owner.projection.why },
        since: new Date(owner.lock?.since ?? owner.createdAt).toISOString(),
      },
    });
  };

  type StopOptions = { reason: string | null; graceMs: number | null; actor: Actor };
  const command = async (runId: string, { reason, graceMs, actor }: StopOptions): Promise<Status> => {
    truthful();
    await runOr404(runId);
    const event = { type: 'STOP' as const, reason, by: actor.name, grace_ms: graceMs };
    const outcome = await interpreter.deliver(runId, { event, fence: null, cause: { kind: 'command', actor: actor.name } });
    if (!outcome) throw new ServiceError('unknown-run', `there is no run ${runId}`);
    const { run, lastSeq } = outcome.committed;
    if (outcome.verdict === 'accepted') return show(run, lastSeq);
    throw new ServiceError('command-not-allowed', `STOP is ${outcome.why}`, {
      extra: { run_id: runId, state: run.projection.state, allowed: run.projection.allowed, why_not: outcome.why },
    });
  };

  const stop = async (pipeline: string, options: StopOptions): Promise<Status> => {
    truthful();
    known(pipeline);
    const { run } = await store.latest(pipeline);
    if (!run || run.endedAt !== null) throw new ServiceError('nothing-to-stop', `no run of ${pipeline} is live`);
    return command(run.runId, options);
  };

  const orchestrator: Orchestrator = {
    defaultPipeline: () => {
      const names = [...loaded.pipelines.keys()].sort();
      const preferred = deps.defaultPipeline ?? (names.includes('market-data') ? 'market-data' : names[0]);
      if (!preferred) throw new ServiceError('unknown-pipeline', 'no pipeline is loaded');
      return preferred;
    },
    pipelines: async () => {
      const items = await Promise.all(
        [...loaded.pipelines.values()].map(async ({ definition }) => ({
          name: definition.name,
          title: definition.title,
          default: definition.name === orchestrator.defaultPipeline(),
          stages: definition.stages.map(({ name, program }) => ({
            name,
            uses: 'module' in program ? program.module : (program.argv[0] as string),
          })),
          params: definition.params,
          status: await status(definition.name),
        })),
      );
      return { items, problems: loaded.problems };
    },
    start,
    status,
    run: async (runId) => {
      truthful();
      const { run, headSeq } = await runOr404(runId);
      return show(run, headSeq);
    },
    runs: async (filter) => {
      truthful();
      const { items, headSeq } = await store.runs({ ...filter, limit: filter.limit + 1 });
      const page = items.slice(0, filter.limit);
      const next = items.length > filter.limit ? (page.at(-1)?.runId ?? null) : null;
      return { items: page.map((run) => show(run, headSeq)), next };
    },
    stop,
    command: (runId, options) => command(runId, options),
    reset: async (pipeline, { force, actor }) => {
      truthful();
      const { definition } = known(pipeline);
      const { run, headSeq } = await store.latest(pipeline);
      if (run && run.endedAt === null) {
        if (!force)
          throw new ServiceError('run-active', `run ${run.runId} is ${run.projection.state}; stop it, or reset with force`, {
            extra: { run_id: run.runId, state: run.projection.state },
          });
        await store.markReset(pipeline, run.runId);
        return command(run.runId, { reason: 'forced', graceMs: null, actor });
      }
      await store.markReset(pipeline, run?.runId ?? null);
      return idleStatus(definition, headSeq, run?.runId ?? null);
    },
    snapshot: async (pipeline) => {
      const now = await status(pipeline);
      const { headSeq, recent } = await store.snapshotRead({ pipeline }, recentEvents);
      const metrics = Object.fromEntries(now.stages.map((stage) => [stage.name, stage.metrics]));
      return {
        ...{ status: now, recent_events: recent, metrics, lock: now.lock },
        schedule: await orchestrator.schedule(pipeline),
        as_of_seq: headSeq,
      };
    },
    events: (filter) => store.journal(filter),
    transitions: async (runId, after, limit) => {
      truthful();
      await runOr404(runId);
      const rows = await store.ledger(runId, after, limit);
      return rows.map((row) => ({ ...row, at: new Date(row.at).toISOString() }));
    },
    streamSnapshot: async (scope) => {
      truthful();
      if (scope.runId) await runOr404(scope.runId);
      if (scope.pipeline) known(scope.pipeline);
      const { headSeq, runs, recent } = await store.snapshotRead(scope, recentEvents);
      const statuses = runs.map((run) => show(run, headSeq));
      const data = scope.runId ? { run: statuses[0], recent_events: recent } : { runs: statuses, recent_events: recent };
      return { seq: headSeq, data, terminal: scope.runId !== undefined && runs[0]?.endedAt !== null };
    },
    onJournal: deps.onJournal,
    schedule: async (pipeline) => ({
      ...{ cron: null, timezone: known(pipeline).definition.timezone, enabled: false, overlap: 'skip', missed: 'none' },
      ...{ dst_gap: 'run_at_shift', dst_fold: 'once', next_slots: [] },
    }),
    health: deps.health,
  };
  return orchestrator;
};

const whyHeld = (owner: RunRow): string =>
  `run ${owner.number} of ${owner.pipeline} (${owner.runId}) is ${owner.projection.state} and holds the lock: ${owner.projection.why}`;
