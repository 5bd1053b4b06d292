import { createArtefacts } from '../history/artefacts.ts';
import { createLogs } from '../history/logs.ts';
import { createRunIds } from '../host/run-id.ts';
import { createLook } from '../lookup/run-lookup.ts';
import { inputsNow } from '../scheduler/new-input.ts';
import { createBook } from '../scheduler/schedule-registry.ts';
import { createSchedules } from '../scheduler/schedule-service.ts';
import { createScheduler } from '../scheduler/scheduler.ts';
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
  const { store, clock, dataDir, log, disk, phase, repeats, publisher } = foundation;
  const { loaded } = options;
  const { wake } = publisher;
  const look = lookupOf(foundation, engine, options);
  const book = createBook({ store, loaded, now: clock.wallMs });
  const nextRunId = createRunIds(clock.wallMs);
  const commands = createCommands({
    ...engine,
    inputsNow: (pipeline) => inputsNow(book, pipeline),
    store,
    clock,
    look,
    wake,
    dataDir,
    nextRunId,
    isDraining: () => phase.now() === 'draining',
    diskRefusal: disk.refusal,
    repeats,
  });
  const scheduler = createScheduler({
    store,
    book,
    clock,
    waker,
    wake,
    log,
    start: commands.start,
  });
  supervision.health.register('scheduler', scheduler.health);
  const schedules = createSchedules({
    store,
    book,
    scheduler,
    clock,
    look,
    wake,
    nextId: nextRunId,
  });
  const queries = createQueries({
    ...publisher,
    ...schedules,
    ...engine,
    store,
    clock,
    look,
    measures: supervision.measures,
    health: supervision.health.report,
    loaded,
    defaultPipeline: options.defaultPipeline,
  });
  const lintFacts = async (pipeline: string) => ({
    schedules: await schedules.scheduleFacts(pipeline),
    shutdownTimeoutMs: options.shutdownTimeoutMs,
  });
  const reload = createReload({
    loaded,
    look,
    read: options.readPipelines,
    note: publisher.note,
    before: scheduler.tick,
    after: book.open,
    repeats,
  });
  const orchestrator: Orchestrator = {
    ...schedules,
    ...queries,
    ...createPipelineQueries({ ...queries, ...schedules, store, look, loaded, lintFacts }),
    ...createLogQueries({ logs: logsOf(foundation, look), look }),
    ...createArtefacts({ dataDir, look }),
    ...commands,
    reload,
  };
  return { orchestrator, scheduler };
};

const lookupOf = (
  { store, phase }: Foundation,
  { marks, waits }: Engine,
  { loaded }: Pick<ServiceOptions, 'loaded'>,
) =>
  createLook({
    store,
    loaded,
    isStarting: () => phase.now() === 'starting',
    live: (runId) => ({
      progress: marks.progress.shown(runId),
      heartbeats: marks.heartbeats.shown(runId),
      why: waits.shown(runId),
    }),
  });

const logsOf = ({ dataDir, secrets, clock }: Foundation, look: ReturnType<typeof lookupOf>) =>
  createLogs({
    dataDir,
    maskOf: async (runId) => secrets.maskOf((await look.runOr404(runId)).run.definition),
    liveAtMs: async ({ runId, stage, attempt }) => {
      const { run } = await look.runOr404(runId);
      const now = run.projection.stages.find(({ name }) => name === stage);
      const isLive = run.endedAt === null && now?.attempt === attempt && now.state === 'running';
      return isLive ? clock.wallMs() : null;
    },
  });
