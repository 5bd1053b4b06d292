import { access } from 'node:fs/promises';
import type { PipelineDefinition } from '../../definition/definition.ts';
import { references } from '../../definition/interpolate.ts';
import { validateParams } from '../../definition/params.ts';
import type { Command } from '../../machines/commands.ts';
import type { Reused } from '../../machines/context.ts';
import type { Actor } from '../../wire/actor.ts';
import type { Clock } from '../host/clock.ts';
import { workspaceOf, workspaceOwner } from '../host/paths.ts';
import type { Repeats } from '../host/repeats.ts';
import type { Charts } from '../interpreter/charts.ts';
import type { Interpreter } from '../interpreter/interpreter.ts';
import { projectSnapshot } from '../lifecycle/outlook.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import type { LoadedPipeline } from '../pipelines/pipelines.ts';
import type { Begun, RunRow, RunSpec } from '../store/run-rows.ts';
import { slotOf, slotTimes } from '../store/slot-of-run.ts';
import type { InputsSeen, SlotClaim } from '../store/slot-store.ts';
import type { Store } from '../store/store.ts';
import { policyView } from './failure-policy.ts';
import { startOf } from './plan-start.ts';
import { reusedOf, unknownStage } from './reused.ts';
import { type Checked, checked, refused } from './start-check.ts';
import type {
  BeginRequest,
  Idempotency,
  Refused,
  StartOutcome,
  StartRequest,
} from './start-request.ts';
import { refusedEvent, whyRefused } from './why-refused.ts';

export type StartDeps = {
  store: Store;
  charts: Charts;
  interpreter: Interpreter;
  clock: Clock;
  lookup: RunLookup;
  dataDir: string;
  nextRunId: () => string;
  isDraining: () => boolean;
  /** What a run of the pipeline finds now of the files that its schedules wait for. */
  inputsNow: (pipeline: string) => Promise<InputsSeen[]>;
  /** Why the disk allows no start; null when it does. */
  diskRefusal: () => Promise<string | null>;
  wake: () => void;
  repeats: Repeats;
};
export type Starter = {
  start(request: StartRequest): Promise<StartOutcome>;
  /** A new run that takes over what this ended one has finished. */
  retryFrom(
    run: RunRow,
    command: Extract<Command, { type: 'RETRY_FROM' }>,
    by: { actor: Actor; idempotency: Idempotency | null },
  ): Promise<StartOutcome>;
};
/**
 * How a run begins: checked, pinned to its chart, and handed with its first event to the
 * interpreter.
 */
export const createStarter = (deps: StartDeps): Starter => {
  const { store, charts, interpreter, clock } = deps;
  const { lookup } = deps;

  const unwilling = async (): Promise<Refused | null> => {
    const starting = lookup.whyStarting();
    if (starting !== null) return refused('not-now', 'starting', starting);
    if (deps.isDraining())
      return refused('not-now', 'draining', 'the service is shutting down and starts nothing more');
    const shortage = await deps.diskRefusal();
    return shortage === null ? null : refused('no-room', 'disk-full', shortage);
  };

  /** Outputs a single-stage run needs from stages it does not run: those of the latest DONE run. */
  const inputsOf = async (
    definition: PipelineDefinition,
  ): Promise<Checked<Pick<RunSpec, 'inputs' | 'metadata'>>> => {
    const own = new Set(definition.stages.map(({ name }) => name));
    const needed = new Set<string>();
    for (const { program, with: given, env, cwd, files, when } of definition.stages)
      for (const [root, stage] of references({ program, given, env, cwd, files, when }))
        if (root === 'stages' && stage && !own.has(stage)) needed.add(stage);
    if (needed.size === 0) return checked({ inputs: {}, metadata: {} });
    const of = { pipeline: definition.name, state: 'DONE' as const, limit: 1 };
    const donor = (await store.runs(of)).items[0];
    const inputs: RunSpec['inputs'] = {};
    for (const name of needed) {
      const facts = donor?.projection.stages.find((stage) => stage.name === name);
      if (!facts)
        return refused(
          'impossible',
          'missing-input',
          `outputs of stage ${name} are needed, and no DONE run of ${definition.name} has any`,
        );
      inputs[name] = facts.outputs;
    }
    return checked({ inputs, metadata: { inputs_from: donor?.runId } });
  };

  const validParams = (
    definition: PipelineDefinition,
    given: Record<string, unknown>,
  ): Checked<Record<string, unknown>> => {
    const params = validateParams(definition, given);
    if (params.ok) return checked(params.params);
    const { errors } = params;
    const why = 'the parameters do not fit the pipeline';
    return refused('impossible', 'invalid-params', why, { errors });
  };

  type Begin = Omit<RunSpec, 'runId' | 'chart'> & {
    actor: Actor;
    onConflict: StartRequest['onConflict'];
    idempotency: Idempotency | null;
    reused?: Reused;
    slot?: StartRequest['slot'];
    inputsSeen?: BeginRequest['inputsSeen'];
  };
  const begin = async ({
    actor,
    onConflict,
    idempotency,
    reused,
    slot,
    inputsSeen,
    ...rest
  }: Begin): Promise<StartOutcome> => {
    const { definition } = rest;
    const { key, limit, onConflict: ownWord, queue } = definition.concurrency;
    const pinned = charts.pin(definition);
    // Before the id: what is asked for from an instant on is found by its id.
    const at = clock.wallMs();
    const spec: RunSpec = { ...rest, runId: deps.nextRunId(), chart: pinned.hash };
    const by = actor.name;
    const request: BeginRequest = {
      spec,
      config: pinned.config,
      compilerVersion: pinned.compilerVersion,
      snapshot: pinned.initial,
      projection: projectSnapshot(pinned.machine, pinned.initial),
      at,
      by,
      idempotency,
      lock: {
        key,
        limit,
        onConflict: onConflict ?? ownWord,
        queueMax: slot ? 1 : (queue?.max ?? 1),
      },
      ...(slot && { slot }),
      ...(inputsSeen && { inputsSeen }),
      isRepeated: repeated(spec, by),
    };
    const begun = await interpreter.begin(startOf(request), {
      cause: { kind: 'command', actor: by },
      ...(reused && { more: reused }),
    });
    if (begun.kind === 'begun') {
      const status = lookup.show(begun.run, begun.lastSeq);
      return { kind: begun.run.projection.state === 'QUEUED' ? 'queued' : 'started', status };
    }
    if (begun.kind === 'replayed') {
      const { headSeq } = await lookup.requireRun(begun.run.runId);
      return { kind: 'replayed', status: lookup.show(begun.run, headSeq) };
    }
    if (begun.kind === 'slot-decided') return begun;
    if (begun.kind === 'key-reused') {
      const why = `the key stands for run ${begun.run.runId}, started with another body`;
      return refused('impossible', 'idempotency-key-reused', why);
    }
    deps.wake();
    return refusedAs(begun, definition);
  };

  /** Is it the same refusal as a moment ago? The answer stays, so that a plan may ask twice. */
  const repeated = (spec: RunSpec, by: string): NonNullable<BeginRequest['isRepeated']> => {
    const answers = new Map<string, boolean>();
    return (why, runId) => {
      const { pipeline } = spec;
      const key = JSON.stringify(['START', pipeline, spec.onlyStage, by, why]);
      const known = answers.get(key);
      if (known !== undefined) return known;
      const tellMore = async (more: number): Promise<void> => {
        const fact = refusedEvent(spec, by, runId, why, more);
        await store.note({ ...fact, runId: null, pipeline }, clock.wallMs());
        deps.wake();
      };
      const isAgain = deps.repeats.isAgain(key, tellMore);
      answers.set(key, isAgain);
      return isAgain;
    };
  };

  return {
    start: async (request) => {
      const refusal = await unwilling();
      if (refusal) return refusal;
      const { pipeline, trigger, onlyStage, reason, actor, onConflict, idempotency, slot } =
        request;
      const entry = lookup.find(pipeline);
      if (!entry) return refused('impossible', 'unknown-pipeline', lookup.whyUnknown(pipeline));
      const found = definitionFor(entry, onlyStage);
      if (found.kind === 'refused') return found;
      const definition = found.value;
      const params = validParams(definition, request.params);
      if (params.kind === 'refused') return params;
      const given = await inputsOf(definition);
      if (given.kind === 'refused') return given;
      const { inputs, metadata } = given.value;
      const ofSlot = slot && metadataOf(slot);
      // One stage alone does not take in what is new.
      const now = onlyStage === null ? await deps.inputsNow(pipeline) : [];
      return begin({
        pipeline,
        definition,
        projectDir: entry.projectDir,
        params: params.value,
        trigger,
        onlyStage,
        reason,
        actor,
        onConflict,
        idempotency,
        inputs,
        metadata: { ...metadata, ...ofSlot },
        ...(slot && { slot }),
        ...(now.length > 0 && { inputsSeen: { now } }),
      });
    },
    retryFrom: async (run, command, { actor, idempotency }) => {
      const refusal = await unwilling();
      if (refusal) return refusal;
      const entry = command.definition === 'latest' ? lookup.find(run.pipeline) : null;
      if (entry === undefined)
        return refused('impossible', 'unknown-pipeline', lookup.whyUnknown(run.pipeline));
      const found = entry ? definitionFor(entry, run.onlyStage) : checked(run.definition);
      if (found.kind === 'refused') return found;
      const definition = found.value;
      const stage = command.stage ?? whereToGoOn(run, definition);
      const taken = reusedOf(run, definition, stage);
      if (taken.kind === 'refused') return taken;
      const reused = taken.value;
      const params = validParams(definition, run.params);
      if (params.kind === 'refused') return params;
      const workspace = workspaceOwner(run);
      // What finished stages left in their workspace is part of what is taken over.
      const hasWorkspace = await access(workspaceOf(deps.dataDir, workspace)).then(
        () => true,
        () => false,
      );
      if (!hasWorkspace && Object.keys(reused).length > 0)
        return refused(
          'impossible',
          'missing-input',
          `the files of run ${run.number} were removed; start a new run`,
        );
      const { inputs_from, schedule } = run.metadata;
      // Tried again, it is still the run of its slot, or of the instant at which somebody asked.
      const { utc: slot, local: slot_local } = slotOf(run);
      const metadata = {
        retry_of: run.runId,
        retry_from: stage,
        ...(hasWorkspace && { workspace_of: workspace }),
        ...(inputs_from !== undefined && { inputs_from }),
        ...(schedule !== undefined && { schedule }),
        slot,
        slot_local,
      };
      const { pipeline, projectDir, onlyStage, inputs } = run;
      const reason = command.reason ?? null;
      const of = {
        pipeline,
        definition,
        projectDir,
        onlyStage,
        inputs,
        metadata,
        reason,
        params: params.value,
      };
      const started = await begin({
        ...of,
        trigger: 'retry',
        actor,
        onConflict: null,
        idempotency,
        reused,
        inputsSeen: { of: run.runId },
      });
      if (started.kind === 'started' || started.kind === 'queued') {
        const msg = `run ${started.status.number} retries this one from ${stage}, asked by ${actor.name}`;
        const data = {
          command: 'RETRY_FROM',
          by: actor.name,
          reason,
          new_run_id: started.status.run_id,
        };
        const fact = {
          runId: run.runId,
          pipeline,
          stage: 'pipeline',
          event: 'acknowledged' as const,
          severity: 'info' as const,
          msg,
          data,
        };
        await store.note(fact, clock.wallMs());
        deps.wake();
      }
      return started;
    },
  };
};

const metadataOf = ({ scheduleId, slot, timezone }: SlotClaim): Record<string, string> => {
  const { utc, local } = slotTimes(slot, timezone);
  return { schedule: scheduleId, slot: utc, slot_local: local };
};

/** The stage that failed, or the first one that is not over. */
const whereToGoOn = ({ projection }: RunRow, { stages }: PipelineDefinition): string => {
  const unfinished = stages.find(({ name, allowFailure }) => {
    const state = projection.stages.find((one) => one.name === name)?.state ?? 'pending';
    return !['succeeded', 'skipped', 'reused', ...(allowFailure ? ['failed'] : [])].includes(state);
  });
  return projection.error?.stage ?? unfinished?.name ?? (stages[0]?.name as string);
};

const definitionFor = (
  { definition }: LoadedPipeline,
  onlyStage: string | null,
): Checked<PipelineDefinition> => {
  if (onlyStage === null) return checked(definition);
  // One stage alone is that stage and nothing else.
  const { groups: _, onFailure: __, finally: ___, ...alone } = definition;
  const stages = definition.stages.filter(({ name }) => name === onlyStage);
  return stages.length > 0 ? checked({ ...alone, stages }) : unknownStage(definition, onlyStage);
};

/** What a caller is told of what stood in the way. */
const refusedAs = (
  met: Extract<Begun, { kind: 'refused' | 'blocked' }>,
  definition: PipelineDefinition,
): Refused => {
  const why = whyRefused(met, definition);
  if (met.kind === 'blocked') {
    const policy = policyView(met.streak, definition.onFailures ?? null);
    return refused('blocked', met.code, why, { extra: { pipeline: definition.name, ...policy } });
  }
  const { owner, waiting } = met;
  const extra = {
    run_id: owner.runId,
    pipeline: owner.pipeline,
    state: owner.projection.state,
    why: owner.projection.why,
    queued: waiting,
    since: new Date(owner.lock?.since ?? owner.createdAt).toISOString(),
  };
  return refused('in-the-way', met.code, why, { extra });
};
