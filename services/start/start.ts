import { access } from 'node:fs/promises';
import type { FailurePolicy, PipelineDefinition } from '../../definition/definition.ts';
import { references } from '../../definition/interpolate.ts';
import { validateParams } from '../../definition/params.ts';
import { suggest } from '../../definition/suggest.ts';
import type { Command } from '../../machines/commands.ts';
import type { Reused } from '../../machines/context.ts';
import type { Actor } from '../../wire/actor.ts';
import type { Status } from '../../wire/status.ts';
import type { Clock } from '../host/clock.ts';
import { workspaceOf, workspaceOwner } from '../host/paths.ts';
import type { Repeats } from '../host/repeats.ts';
import { ServiceError } from '../host/service-error.ts';
import type { Charts } from '../interpreter/charts.ts';
import type { Interpreter } from '../interpreter/interpreter.ts';
import { projectSnapshot } from '../lifecycle/outlook.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import type { LoadedPipeline } from '../pipelines/pipelines.ts';
import { slotOf, slotTimes } from '../store/slot-of-run.ts';
import { type InputsSeen, type SlotClaim, SlotDecided } from '../store/slot-store.ts';
import type { BeginRequest, Conflict, Paused, RunRow, RunSpec, Store } from '../store/store.ts';
import { policyView, whyBlocked } from './failure-policy.ts';
import type { Idempotency, StartRequest } from './start-request.ts';

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
type Started = { status: Status; replayed: boolean };
export type Starter = {
  start(request: StartRequest): Promise<Started>;
  /** A new run that takes over what this ended one has finished. */
  retryFrom(
    run: RunRow,
    command: Extract<Command, { type: 'RETRY_FROM' }>,
    by: { actor: Actor; idempotency: Idempotency | null },
  ): Promise<Started>;
};

/**
 * How a run begins: checked, pinned to its chart, and handed with its first event to the
 * interpreter.
 */
export const createStarter = (deps: StartDeps): Starter => {
  const { store, charts, interpreter, clock } = deps;
  const { requirePipeline, assertReady, show, requireRun } = deps.lookup;

  const willing = async (): Promise<void> => {
    assertReady();
    if (deps.isDraining())
      throw new ServiceError('draining', 'the service is shutting down and starts nothing more');
    const shortage = await deps.diskRefusal();
    if (shortage !== null) throw new ServiceError('disk-full', shortage);
  };

  /** Outputs a single-stage run needs from stages it does not run: those of the latest DONE run. */
  const inputsOf = async (
    definition: PipelineDefinition,
  ): Promise<Pick<RunSpec, 'inputs' | 'metadata'>> => {
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
        throw new ServiceError(
          'missing-input',
          `outputs of stage ${name} are needed, and no DONE run of ${definition.name} has any`,
        );
      inputs[name] = facts.outputs;
    }
    return { inputs, metadata: { inputs_from: donor?.runId } };
  };

  const validParams = (
    definition: PipelineDefinition,
    given: Record<string, unknown>,
  ): Record<string, unknown> => {
    const params = validateParams(definition, given);
    if (params.ok) return params.params;
    throw new ServiceError('invalid-params', 'the parameters do not fit the pipeline', {
      errors: params.errors,
    });
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
  }: Begin): Promise<Started> => {
    const { definition } = rest;
    const { key, limit, onConflict: ownWord, queue } = definition.concurrency;
    const pinned = charts.pin(definition);
    // Before the id: what is asked for from an instant on is found by its id.
    const at = clock.wallMs();
    const spec: RunSpec = { ...rest, runId: deps.nextRunId(), chart: pinned.hash };
    const request: BeginRequest = {
      spec,
      config: pinned.config,
      compilerVersion: pinned.compilerVersion,
      snapshot: pinned.initial,
      projection: projectSnapshot(pinned.machine, pinned.initial),
      at,
      idempotency,
      lock: {
        key,
        limit,
        onConflict: onConflict ?? ownWord,
        queueMax: slot ? 1 : (queue?.max ?? 1),
      },
      ...(slot && { slot }),
      ...(inputsSeen && { inputsSeen }),
      refusal: (met) => {
        const why = whyRefused(met, definition);
        const runId = 'owner' in met ? met.owner.runId : null;
        if (slot) return slot.refused(met.code, why, runId);
        const data = {
          command: 'START',
          why,
          run_id: runId,
          trigger: spec.trigger,
          by: actor.name,
          reason: spec.reason,
        };
        const fact = {
          stage: 'pipeline',
          event: 'refused' as const,
          severity: 'warning' as const,
          msg: `start refused: ${why}`,
          data,
        };
        const again = JSON.stringify(['START', definition.name, rest.onlyStage, actor.name, why]);
        const tellMore = async (more: number): Promise<void> => {
          const msg = `start refused, ${more} more: ${why}`;
          const told = { ...fact, msg, data: { ...data, reason: null, more } };
          const of = { runId: null, pipeline: definition.name };
          await store.note({ ...told, ...of }, clock.wallMs());
          deps.wake();
        };
        return deps.repeats.isAgain(again, tellMore) ? null : fact;
      },
    };
    const begun = await interpreter.begin(request, {
      cause: { kind: 'command', actor: actor.name },
      ...(reused && { more: reused }),
    });
    if (begun.kind === 'begun') return { status: show(begun.run, begun.lastSeq), replayed: false };
    if (begun.kind === 'replayed')
      return {
        status: show(begun.run, (await requireRun(begun.run.runId)).headSeq),
        replayed: true,
      };
    if (begun.kind === 'key-reused')
      throw new ServiceError(
        'idempotency-key-reused',
        `the key stands for run ${begun.run.runId}, started with another body`,
      );
    if (begun.kind === 'slot-decided') throw new SlotDecided();
    deps.wake();
    if (begun.kind === 'blocked') {
      const policy = policyView(begun.streak, definition.onFailures ?? null);
      throw new ServiceError('blocked-by-policy', whyRefused(begun, definition), {
        extra: { pipeline: definition.name, ...policy },
      });
    }
    const { owner, waiting } = begun;
    throw new ServiceError(begun.code, whyRefused(begun, definition), {
      extra: {
        run_id: owner.runId,
        pipeline: owner.pipeline,
        state: owner.projection.state,
        why: owner.projection.why,
        queued: waiting,
        since: new Date(owner.lock?.since ?? owner.createdAt).toISOString(),
      },
    });
  };

  /** What the new run takes over: every stage before `stage`, all of which must have ended well. */
  const reusedOf = (run: RunRow, definition: PipelineDefinition, stage: string): Reused => {
    const reused: Reused = {};
    const place = definition.stages.findIndex(({ name }) => name === stage);
    if (place < 0) throw unknownStage(definition, stage);
    for (const { name } of definition.stages.slice(0, place)) {
      const done = run.projection.stages.find((one) => one.name === name);
      if (!done || !['succeeded', 'skipped', 'reused'].includes(done.state))
        throw new ServiceError(
          'command-not-allowed',
          `RETRY_FROM ${stage} is not possible: ${name} before it has not finished in run ${run.number}`,
          {
            extra: {
              run_id: run.runId,
              state: run.projection.state,
              allowed: run.projection.allowed,
              why_not: `${name} has not finished`,
            },
          },
        );
      reused[name] = { outputs: done.outputs, metrics: done.metrics as Record<string, number> };
    }
    return reused;
  };

  return {
    start: async (request) => {
      await willing();
      const entry = requirePipeline(request.pipeline);
      const definition = definitionFor(entry, request.onlyStage);
      const { pipeline, trigger, onlyStage, reason, actor, onConflict, idempotency, slot } =
        request;
      const params = validParams(definition, request.params);
      const of = {
        pipeline,
        definition,
        projectDir: entry.projectDir,
        params,
        trigger,
        onlyStage,
        reason,
        actor,
        onConflict,
        idempotency,
      };
      const { inputs, metadata } = await inputsOf(definition);
      const ofSlot = slot && metadataOf(slot);
      // One stage alone does not take in what is new.
      const now = onlyStage === null ? await deps.inputsNow(pipeline) : [];
      return begin({
        ...of,
        inputs,
        metadata: { ...metadata, ...ofSlot },
        ...(slot && { slot }),
        ...(now.length > 0 && { inputsSeen: { now } }),
      });
    },
    retryFrom: async (run, command, { actor, idempotency }) => {
      await willing();
      const isLatest = command.definition === 'latest';
      const definition = isLatest
        ? definitionFor(requirePipeline(run.pipeline), run.onlyStage)
        : run.definition;
      const unfinished = run.projection.stages.find(
        ({ state }) => !['succeeded', 'skipped', 'reused'].includes(state),
      );
      const stage =
        command.stage ??
        run.projection.error?.stage ??
        unfinished?.name ??
        (definition.stages[0]?.name as string);
      const reused = reusedOf(run, definition, stage);
      const workspace = workspaceOwner(run);
      // What finished stages left in their workspace is part of what is taken over.
      const hasWorkspace = await access(workspaceOf(deps.dataDir, workspace)).then(
        () => true,
        () => false,
      );
      if (!hasWorkspace && Object.keys(reused).length > 0)
        throw new ServiceError(
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
        params: validParams(definition, run.params),
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
      if (!started.replayed) {
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

const unknownStage = (definition: PipelineDefinition, stage: string): ServiceError => {
  const names = definition.stages.map(({ name }) => name);
  const nearest = suggest(stage, names);
  return new ServiceError(
    'unknown-stage',
    `${definition.name} has no stage ${stage}${nearest ? `; did you mean ${nearest}?` : ''}`,
  );
};
const definitionFor = (
  { definition }: LoadedPipeline,
  onlyStage: string | null,
): PipelineDefinition => {
  if (onlyStage === null) return definition;
  const stages = definition.stages.filter(({ name }) => name === onlyStage);
  if (stages.length > 0) return { ...definition, stages };
  throw unknownStage(definition, onlyStage);
};

const whyRefused = (met: Conflict | Paused, definition: PipelineDefinition): string => {
  if (met.code === 'blocked-by-policy')
    return whyBlocked(met.streak, definition.name, definition.onFailures as FailurePolicy);
  const { code, owner, waiting } = met;
  const held = `run ${owner.number} of ${owner.pipeline} (${owner.runId}) is ${owner.projection.state}`;
  if (code === 'queue-full')
    return `${held}, and ${waiting} ${waiting === 1 ? 'run waits' : 'runs wait'} for it already, which is all that may`;
  return owner.lock
    ? `${held} and holds the lock: ${owner.projection.why}`
    : `${held}: ${owner.projection.why}`;
};
