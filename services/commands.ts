import type { PipelineDefinition } from '../machines/definition.ts';
import { references } from '../machines/interpolate.ts';
import { validateParams } from '../machines/params.ts';
import type { Status } from '../machines/status.ts';
import { suggest } from '../machines/suggest.ts';
import type { Clock } from './clock.ts';
import type { Charts } from './interpreter/charts.ts';
import { projectSnapshot, VersionMoved } from './interpreter/decide.ts';
import type { Interpreter } from './interpreter/interpreter.ts';
import type { Entry, Look } from './look.ts';
import type { Commands, RunCommand, StartRequest } from './orchestrator-port.ts';
import { ServiceError } from './service-error.ts';
import { idleStatus } from './status.ts';
import type { RunRow, RunSpec, Store } from './store.ts';

type Deps = {
  store: Store;
  charts: Charts;
  interpreter: Interpreter;
  clock: Clock;
  look: Look;
  nextRunId: () => string;
  isDraining: () => boolean;
  wake: () => void;
};

/** Everything that changes something. It validates; whatever moves a run goes through the interpreter. */
export const createCommands = (deps: Deps): Commands => {
  const { store, charts, interpreter, clock } = deps;
  const { known, truthful, show, runOr404 } = deps.look;

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
    if (deps.isDraining()) throw new ServiceError('draining', 'the service is shutting down and starts nothing more');
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

  const deliver = async (runId: string, { reason, graceMs, actor, ifVersion }: RunCommand) => {
    const event = { type: 'STOP' as const, reason, by: actor.name, grace_ms: graceMs };
    try {
      return await interpreter.deliver(runId, { event, fence: null, cause: { kind: 'command', actor: actor.name }, ifVersion });
    } catch (error) {
      if (!(error instanceof VersionMoved)) throw error;
      throw new ServiceError('version-moved', `${error.message}, not at ${ifVersion}`, {
        extra: { run_id: runId, version: error.version },
      });
    }
  };

  const command: Commands['command'] = async (runId, given) => {
    truthful();
    await runOr404(runId);
    const outcome = await deliver(runId, given);
    if (!outcome) throw new ServiceError('unknown-run', `there is no run ${runId}`);
    const { run, lastSeq } = outcome.committed;
    if (outcome.verdict === 'accepted') return show(run, lastSeq);
    throw new ServiceError('command-not-allowed', `${given.type} is ${outcome.why}`, {
      extra: { run_id: runId, state: run.projection.state, allowed: run.projection.allowed, why_not: outcome.why },
    });
  };

  return {
    start,
    command,
    stop: async (pipeline, options) => {
      truthful();
      known(pipeline);
      const { run } = await store.latest(pipeline);
      if (!run || run.endedAt !== null) throw new ServiceError('nothing-to-stop', `no run of ${pipeline} is live`);
      return command(run.runId, { type: 'STOP', ...options, ifVersion: null });
    },
    reset: async (pipeline, { force, actor }) => {
      truthful();
      const { definition } = known(pipeline);
      const { run, headSeq } = await store.latest(pipeline);
      const isLive = run !== null && run.endedAt === null;
      if (isLive && !force)
        throw new ServiceError('run-active', `run ${run.runId} is ${run.projection.state}; stop it, or reset with force`, {
          extra: { run_id: run.runId, state: run.projection.state },
        });
      const runId = run?.runId ?? null;
      const msg = `reset by ${actor.name}: ${pipeline} shows IDLE ${isLive ? 'once its run has stopped' : 'again'}`;
      const event = { stage: 'pipeline', event: 'acknowledged' as const, severity: 'info' as const, msg };
      await store.markReset(pipeline, runId, { ...event, data: { command: 'RESET', by: actor.name, reset_run_id: runId } }, clock.wallMs());
      deps.wake();
      if (isLive) return command(run.runId, { type: 'STOP', reason: 'forced', graceMs: null, actor, ifVersion: null });
      return idleStatus(definition, headSeq + 1, runId);
    },
  };
};

const whyHeld = (owner: RunRow): string =>
  `run ${owner.number} of ${owner.pipeline} (${owner.runId}) is ${owner.projection.state} and holds the lock: ${owner.projection.why}`;
