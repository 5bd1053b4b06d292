import { createArtefacts } from '../history/artefacts.ts';
import { createLogs } from '../history/logs.ts';
import { createRunIds } from '../host/run-id.ts';
import { createInspection } from '../inspection/inspection-service.ts';
import { createRunLookup, type RunLookup } from '../lookup/run-lookup.ts';
import { inputsNow } from '../scheduler/new-input.ts';
import { createNextSlotOf } from '../scheduler/next-slot.ts';
import { createScheduleRegistry } from '../scheduler/schedule-registry.ts';
import { createSchedules } from '../scheduler/schedule-service.ts';
import { createScheduler } from '../scheduler/scheduler.ts';
import { createSimulations } from '../simulate/simulations.ts';
import { createStarter } from '../start/start.ts';
import { createWhatIf } from '../what-if/what-if-queries.ts';
import { createWhyQuestions } from '../why/why-questions.ts';
import { createCommands } from './command-handler.ts';
import type { Engine } from './engine.ts';
import type { Foundation } from './foundation.ts';
import { createLogQueries } from './log-queries.ts';
import type { Orchestrator } from './orchestrator-port.ts';
import { createPipelineQueries } from './pipeline-queries.ts';
import { createQueries } from './queries.ts';
import { createReload } from './reload.ts';
import type { Parts, ServiceOptions } from './service-parts.ts';
import type { Supervision } from './supervision.ts';

/** What the service answers and does for others: over HTTP, and each second for its schedules. */
export const createFacade = (
  { waker }: Parts,
  options: ServiceOptions,
  foundation: Foundation,
  engine: Engine,
  supervision: Supervision,
) => {
  const { store, clock, dataDir, log, repeats, publisher } = foundation;
  const { loaded } = options;
  const { wake } = publisher;
  const { notifications } = supervision;
  const lookup = lookupOf(foundation, engine, options);
  const registry = createScheduleRegistry({ store, loaded, now: clock.wallMs });
  const starter = starterOf(foundation, engine, lookup, (pipeline) =>
    inputsNow(registry, pipeline),
  );
  const commands = createCommands({ ...engine, store, clock, lookup, wake, repeats, starter });
  const scheduler = createScheduler({
    store,
    registry,
    clock,
    waker,
    wake,
    log,
    start: starter.start,
  });
  supervision.health.register('scheduler', scheduler.health);
  const schedules = createSchedules({
    store,
    registry,
    scheduler,
    clock,
    lookup,
    wake,
    nextId: createRunIds(clock.wallMs),
  });
  const nextSlotOf = createNextSlotOf({ registry, scheduler, now: clock.wallMs });
  const queries = createQueries({
    ...publisher,
    ...schedules,
    ...engine,
    store,
    clock,
    lookup,
    measures: () => supervision.measures(nextSlotOf),
    health: supervision.health.report,
    loaded,
    defaultPipeline: options.defaultPipeline,
  });
  const lintFacts = async (pipeline: string) => ({
    schedules: await schedules.scheduleFacts(pipeline),
    channels: notifications.channelNames(),
    shutdownTimeoutMs: options.shutdownTimeoutMs,
  });
  const reload = createReload({
    loaded,
    lookup,
    read: options.readPipelines,
    note: publisher.note,
    before: scheduler.tick,
    after: registry.open,
    repeats,
    settings: notifications.reread,
  });
  const orchestrator: Orchestrator = {
    ...schedules,
    ...queries,
    ...createPipelineQueries({ ...queries, ...schedules, store, lookup, loaded, lintFacts }),
    ...createLogQueries({ logs: logsOf(foundation, lookup), lookup }),
    ...createArtefacts({ dataDir, lookup }),
    ...createWhatIf({ ...engine, store, clock, lookup }),
    ...inspectionOf(foundation, engine, lookup, options),
    ...createSimulations({ lookup }),
    ...createWhyQuestions({ ...foundation, loaded, registry, scheduler, lookup }),
    ...commands,
    ...notifications.queries,
    reload,
  };
  return { orchestrator, scheduler };
};

const starterOf = (
  { store, clock, dataDir, disk, phase, repeats, publisher }: Foundation,
  engine: Engine,
  lookup: RunLookup,
  seen: Parameters<typeof createStarter>[0]['inputsNow'],
) =>
  createStarter({
    ...engine,
    inputsNow: seen,
    store,
    clock,
    lookup,
    wake: publisher.wake,
    dataDir,
    nextRunId: createRunIds(clock.wallMs),
    isDraining: () => phase.now() === 'draining',
    diskRefusal: disk.refusal,
    repeats,
  });

const inspectionOf = (
  { store, secrets, log }: Foundation,
  { charts, commits }: Engine,
  lookup: RunLookup,
  { loaded }: Pick<ServiceOptions, 'loaded'>,
) =>
  createInspection({
    store,
    charts,
    secrets,
    lookup,
    pipelines: () => loaded.pipelines.values(),
    onCommit: commits.as('inspection'),
    log,
  });

const lookupOf = (
  { store, phase }: Foundation,
  { marks, waits }: Engine,
  { loaded }: Pick<ServiceOptions, 'loaded'>,
) =>
  createRunLookup({
    store,
    loaded,
    isStarting: () => phase.now() === 'starting',
    live: (runId) => ({
      progress: marks.progress.shown(runId),
      heartbeats: marks.heartbeats.shown(runId),
      why: waits.shown(runId),
    }),
  });

const logsOf = ({ dataDir, secrets, clock }: Foundation, lookup: ReturnType<typeof lookupOf>) =>
  createLogs({
    dataDir,
    maskOf: async (runId) => secrets.maskOf((await lookup.requireRun(runId)).run),
    liveAtMs: async ({ runId, stage, attempt }) => {
      const { run } = await lookup.requireRun(runId);
      const now = run.projection.stages.find(({ name }) => name === stage);
      const isLive = run.endedAt === null && now?.attempt === attempt && now.state === 'running';
      return isLive ? clock.wallMs() : null;
    },
  });
