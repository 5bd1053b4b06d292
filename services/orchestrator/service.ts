import { join, resolve } from 'node:path';
import type { Launcher, ProcessTable } from '../../stages/launcher-port.ts';
import type { NewEvent } from '../../wire/events.ts';
import type { LiveNews } from '../../wire/live-news.ts';
import { registerChecks } from '../health/checks.ts';
import { watchEventLoop } from '../health/event-loop.ts';
import { createHealth } from '../health/health.ts';
import { createLauncherWatch } from '../health/launcher-watch.ts';
import { createMeasures } from '../health/measures.ts';
import { watchPlace } from '../health/store-place.ts';
import { watchStore } from '../health/store-trouble.ts';
import { createArchive } from '../history/archive.ts';
import { createArtefacts } from '../history/artefacts.ts';
import { createLogs } from '../history/logs.ts';
import { createMasking } from '../history/masking.ts';
import { createRetention, type RetentionLimits } from '../history/retention.ts';
import { createUnknownFolders } from '../history/unknown-folders.ts';
import type { Clock } from '../host/clock.ts';
import { createDisk, type DiskLimits } from '../host/disk.ts';
import type { Logger } from '../host/logger.ts';
import { plainError } from '../host/plain-error.ts';
import { createRepeats } from '../host/repeats.ts';
import { createRunIds } from '../host/run-id.ts';
import { createCharts } from '../interpreter/charts.ts';
import { createEffects } from '../interpreter/effects.ts';
import { createInterpreter, type Interpreter } from '../interpreter/interpreter.ts';
import { createRoom } from '../interpreter/room.ts';
import { createTimers } from '../interpreter/timers.ts';
import { createWaits } from '../interpreter/waits.ts';
import { runLifecycle } from '../lifecycle/run-lifecycle.ts';
import { createLook } from '../lookup/run-lookup.ts';
import { shutdownGraceMs } from '../pipelines/lint-pipeline.ts';
import type { LoadedPipelines } from '../pipelines/pipelines.ts';
import { createAnswerWithin, createAsk, createLateExit } from '../runners/answers-first.ts';
import { createDrainRunner } from '../runners/drain.ts';
import { createEndingMark } from '../runners/ending-mark.ts';
import { createPreflightRunner } from '../runners/preflight.ts';
import { createProgress } from '../runners/progress.ts';
import { createSettle, interrupt, recover } from '../runners/recovery.ts';
import { createStageRunner, type StageMarks } from '../runners/stage-runner.ts';
import { createStartMarks } from '../runners/start-marks.ts';
import { createStops } from '../runners/stops.ts';
import { createVerifyRunner } from '../runners/verify.ts';
import { inputsNow } from '../scheduler/new-input.ts';
import { createBook } from '../scheduler/schedule-registry.ts';
import { createSchedules } from '../scheduler/schedule-service.ts';
import { createScheduler } from '../scheduler/scheduler.ts';
import type { Waker } from '../scheduler/waker.ts';
import { createSecrets } from '../secrets/secrets.ts';
import { createAdmission } from '../start/admission.ts';
import { fenceOf } from '../store/fence.ts';
import type { EffectRow, Store } from '../store/store.ts';
import { createAlarms } from '../watchdog/alarms.ts';
import { createHeartbeats, type Heartbeats } from '../watchdog/heartbeats.ts';
import { createLooks } from '../watchdog/looks.ts';
import { createWatchdog, type Watchdog } from '../watchdog/watchdog.ts';
import { createCommands } from './command-handler.ts';
import { createLogQueries } from './log-queries.ts';
import type { Orchestrator } from './orchestrator-port.ts';
import { createPipelineQueries } from './pipeline-queries.ts';
import { createQueries } from './queries.ts';
import { createReload } from './reload.ts';

/**
 * The parts with a life of their own: real ones in production, wrapped ones where a test kills at a
 * named point.
 */
export type Parts = {
  store: Store;
  launcher: Launcher;
  processes: ProcessTable;
  clock: Clock;
  logger: Logger;
  waker: Waker;
};
export type ServiceOptions = {
  dataDir: string;
  baseEnv: Record<string, string>;
  loaded: LoadedPipelines;
  /** Reads the pipeline files again. */
  readPipelines: () => Promise<LoadedPipelines>;
  defaultPipeline: string | null;
  shutdownTimeoutMs: number;
  watchdogIntervalMs: number;
  disk: DiskLimits;
  retention: RetentionLimits;
  /** Another measure of free space than the file system's own. */
  freeBytes?: (path: string) => Promise<number>;
  secretsFrom: { env: Record<string, string | undefined>; readFile: (path: string) => string };
};
export type Service = {
  orchestrator: Orchestrator;
  /** Settles what the last service left; state is answered from then on. */
  boot(): Promise<void>;
  /** One turn of the scheduler; the waker does the same each second. */
  tickSchedules(): Promise<void>;
  /**
   * Starts nothing more, ends what works, and resolves when no process is left or the time is up.
   * @param timeMs what is left of the shutdown time
   */
  close(timeMs?: number): Promise<void>;
};

const lastMaskingMs = 2000;
/** SIGKILL is at once; whom the kernel holds is not waited for. */
const killMs = 2000;

/** Puts the services together; nothing here decides anything about a run. */
export const createService = (parts: Parts, options: ServiceOptions): Service => {
  const { launcher, processes, clock, logger, waker } = parts;
  const dataDir = resolve(options.dataDir);
  const secrets = createSecrets(options.secretsFrom);
  const places = { dataDir, baseEnv: options.baseEnv, secrets };
  const log = (message: string, meta: Record<string, unknown>) => logger.warn(message, meta);
  const disk = createDisk({
    dataDir,
    limits: options.disk,
    clock,
    log,
    ...(options.freeBytes && { freeBytes: options.freeBytes }),
  });
  const { store, trouble } = watchStore({
    store: parts.store,
    makeRoom: disk.makeRoom,
    moved: watchPlace(join(dataDir, 'stagewright.sqlite')),
  });
  const charts = createCharts(store, runLifecycle);
  const plain = createInterpreter({
    store,
    charts,
    clock,
    onDefect: (error) =>
      logger.error('a commit was not taken by everybody here', {
        error: String(error),
        stack: (error as Error | null)?.stack,
      }),
  });
  const retention = createRetention({
    store,
    clock,
    dataDir,
    limits: options.retention,
    log: (message, meta) => logger.info(message, meta),
  });
  const archive = createArchive({
    store,
    clock,
    dir: join(dataDir, 'archive'),
    log,
    // What stood in the way of removing old runs is over.
    caughtUp: retention.wake,
  });
  const unknownFolders = createUnknownFolders({ store, clock, dataDir, log });
  const readers = new Set<() => void>();
  const watchers = new Set<(news: LiveNews) => void>();
  const tell = (news: LiveNews): void => {
    for (const watcher of watchers) watcher(news);
  };
  const waits = createWaits({ store, tell, log });
  const stops = createStops({ interpreter: plain, store, processes, waits, clock, log });
  const interpreter: Interpreter = {
    ...plain,
    deliver: async (runId, delivery) => {
      await stops.before(runId);
      return plain.deliver(runId, delivery);
    },
  };
  const room = createRoom({
    disk,
    store,
    clock,
    waits,
    lifecycle: runLifecycle,
    before: stops.before,
  });
  const wake = (): void => {
    archive.wake();
    for (const reader of readers) reader();
  };
  const note = async (
    event: NewEvent & { runId: string | null; pipeline: string | null },
  ): Promise<void> => {
    await store.note(event, clock.wallMs());
    wake();
  };
  let phase: 'starting' | 'ready' | 'draining' = 'starting';
  let graceCapMs = Number.POSITIVE_INFINITY;

  const closing = new AbortController();
  const ending = createEndingMark({ store, launcher, log });
  const progress = createProgress({ store, clock, note, tell, waits, log });
  const lateExit = createLateExit({ store, clock, dataDir, note });
  const marks: StageMarks = {
    progress: progress.progress,
    left: async (run, effect, said) => {
      await progress.left(run, effect, said);
      await lateExit(run, effect);
    },
    starting: createStartMarks({ store, clock, wake, log }),
    ending,
    recordProcess: (effect, process) => store.recordProcess(effect.runId, fenceOf(effect), process),
    watch: (...attempt) => heartbeats.watch(...attempt),
    writer: disk.writer,
  };

  const masking = createMasking({ dataDir, store, secrets, log });
  const maskSoon = (): void => {
    masking.look().catch((error) => log('files could not be masked', { error: plainError(error) }));
  };
  const drain = createDrainRunner({
    store,
    processes,
    ending,
    settled: (effect: EffectRow) => effects.settled(effect),
    clock,
    graceCapMs: () => graceCapMs,
    closing: closing.signal,
  });
  const effects = createEffects({
    runners: {
      stage: createStageRunner({ launcher, processes, clock, places, marks, masking }),
      verify: createVerifyRunner(places),
      preflight: createPreflightRunner(places),
      drain,
    },
    interpreter,
    clock,
    room,
    waits,
    log,
  });
  const timers = createTimers({
    store,
    interpreter,
    clock,
    room,
    answerWithin: createAnswerWithin({ store, dataDir }),
    log,
  });
  disk.onRoom(() => {
    stops.tick();
    void timers.tick();
    void archive.tick();
  });

  const admission = createAdmission({ store, interpreter, log });

  /** A run that ended without its chart has nobody to drain it; its lock waits for this. */
  const reap = (runId: string): void => {
    void (async () => {
      const found = await store.run(runId);
      if (found) await drain({} as EffectRow, found.run, closing.signal);
      // Its lock is free now, and that is an event.
      wake();
      maskSoon();
      if (found) await admission.settle(found.run.definition.concurrency.key);
    })().catch((error) =>
      log('processes of an ended run could not be ended', { run_id: runId, error: String(error) }),
    );
  };
  interpreter.onCommit((committed) => {
    const { run, decision } = committed;
    heartbeats.settle(committed);
    progress.settle(committed);
    room.settle(committed);
    waits.retell(run.runId);
    maskSoon();
    if (run.endedAt !== null && decision.drop.length > 0) reap(run.runId);
    const { key } = run.definition.concurrency;
    // A place may be free, or somebody new waits.
    if (phase === 'ready' && (run.endedAt !== null || run.projection.state === 'QUEUED'))
      void admission.settle(key);
    for (const event of decision.events)
      logger[event.severity === 'debug' ? 'debug' : 'info'](event.msg, {
        run_id: run.runId,
        pipeline: run.pipeline,
        stage: event.stage,
        event: event.event,
      });
    wake();
  });

  const health = createHealth({ clock, phase: () => phase, note });
  const eventLoop = watchEventLoop();
  const launcherWatch = createLauncherWatch({ launcher, clock });
  /** As its own runner would have told it. */
  const left: StageMarks['left'] = async (run, effect, said) => {
    if (said.progress) progress.progress(run, effect.input.stage as string, said.progress);
    await marks.left(run, effect, said);
  };
  const settle = createSettle({ store, interpreter, effects, dataDir, secrets, left });
  const alarms = createAlarms(note, clock);
  const heartbeats: Heartbeats = createHeartbeats({
    store,
    clock,
    note,
    tell,
    log,
    onLimit: (limitMs) => watchdog.wakeIn(limitMs),
    ask: createAsk(dataDir),
  });
  /** While nothing works: the store file alone is then the whole store, whoever copies it. */
  const checkpoint = async (): Promise<void> => {
    if ((await store.effects()).length === 0) await store.checkpoint();
  };
  const watchdog: Watchdog = createWatchdog({
    clock,
    log,
    alarms,
    intervalMs: options.watchdogIntervalMs,
    looks: createLooks({
      store,
      clock,
      interpreter,
      effects,
      timers,
      processes,
      heartbeats,
      settle,
      reap,
      room,
    }),
    urgent: { codes: ['late-heartbeat'], nextDueIn: heartbeats.nextDueIn },
    rounds: {
      admission: admission.settleAll,
      masking: masking.look,
      disk: disk.look,
      launcher: launcherWatch.look,
      'unknown folders': unknownFolders.lookAgain,
      checkpoint,
      'event loop': async () => lag.measure(),
      health: health.look,
    },
  });
  const lag = registerChecks(health, {
    loaded: options.loaded,
    effects,
    trouble,
    launcher: launcherWatch,
    retention,
    archive,
    unknownFolders,
    disk,
    eventLoop,
    watchdog,
    alarms,
    intervalMs: options.watchdogIntervalMs,
  });
  const measures = createMeasures({
    interpreter,
    store,
    effects,
    disk,
    alarms,
    health,
    lag: lag.lag,
  });

  const listenTo =
    <T>(listeners: Set<T>) =>
    (listener: T) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    };
  const look = createLook({
    store,
    loaded: options.loaded,
    isStarting: () => phase === 'starting',
    live: (runId) => ({
      progress: progress.shown(runId),
      heartbeats: heartbeats.shown(runId),
      why: waits.shown(runId),
    }),
  });
  const logs = createLogs({
    dataDir,
    maskOf: async (runId) => secrets.maskOf((await look.runOr404(runId)).run.definition),
    liveAtMs: async ({ runId, stage, attempt }) => {
      const { run } = await look.runOr404(runId);
      const now = run.projection.stages.find(({ name }) => name === stage);
      const isLive = run.endedAt === null && now?.attempt === attempt && now.state === 'running';
      return isLive ? clock.wallMs() : null;
    },
  });
  const nextRunId = createRunIds(clock.wallMs);
  const book = createBook({ store, loaded: options.loaded, now: clock.wallMs });
  const repeats = createRepeats({ clock, log });
  const commands = createCommands({
    inputsNow: (pipeline) => inputsNow(book, pipeline),
    store,
    charts,
    interpreter,
    clock,
    look,
    wake,
    dataDir,
    nextRunId,
    isDraining: () => phase === 'draining',
    diskRefusal: disk.refusal,
    stops,
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
  health.register('scheduler', scheduler.health);
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
    store,
    charts,
    clock,
    look,
    measures,
    health: health.report,
    loaded: options.loaded,
    defaultPipeline: options.defaultPipeline,
    onJournal: listenTo(readers),
    onNews: listenTo(watchers),
    schedule: schedules.schedule,
    scheduleSummaries: schedules.scheduleSummaries,
  });
  const lintFacts = async (pipeline: string) => ({
    schedules: await schedules.scheduleFacts(pipeline),
    shutdownTimeoutMs: options.shutdownTimeoutMs,
  });
  const reload = createReload({
    loaded: options.loaded,
    read: options.readPipelines,
    note,
    before: scheduler.tick,
    after: book.open,
    repeats,
  });
  const orchestrator: Orchestrator = {
    ...schedules,
    ...queries,
    ...createPipelineQueries({
      ...queries,
      ...schedules,
      store,
      look,
      loaded: options.loaded,
      lintFacts,
    }),
    ...createLogQueries({ logs, look }),
    ...createArtefacts({ dataDir, look }),
    ...commands,
    reload: (actor) => {
      look.truthful();
      return reload(actor);
    },
  };

  /** Every live attempt is told; the chart judges by `on_restart`, the drain ends the processes. */
  const endWork = async (timeMs: number): Promise<void> => {
    const quiet = Promise.withResolvers<void>();
    /** Ended without a record, which the store did not take: the next service reads how. */
    const unrecorded = new Set<string>();
    const look = async (): Promise<void> => {
      const rows = await store.effects();
      if (
        rows.every(
          ({ kind, state, token }) =>
            unrecorded.has(token) || (kind !== 'drain' && !(kind === 'stage' && state !== 'born')),
        )
      )
        quiet.resolve();
    };
    const end = async (effect: EffectRow): Promise<void> => {
      try {
        await interrupt(interpreter, effect, 'the service was stopped');
      } catch (error) {
        log('an interruption could not be recorded; its processes are ended all the same', {
          run_id: effect.runId,
          error: String(error),
        });
        await processes.end(effect.process, effect.token, graceCapMs, closing.signal);
        unrecorded.add(effect.token);
      }
      await look();
    };
    interpreter.onCommit(() => void look().catch(quiet.reject));
    for (const effect of await store.effects()) {
      // What is being ended already has no more time than what is asked to end now.
      if (effect.state === 'dropping') {
        const goneMs = effect.ending ? clock.monotonicMs() - effect.ending.termedAt : 0;
        processes.shorten(effect.token, goneMs + graceCapMs);
      }
      if (effect.kind === 'stage' && effect.state === 'started')
        void end(effect).catch(quiet.reject);
    }
    await look();
    const cancel = clock.after(timeMs, quiet.resolve);
    await quiet.promise;
    cancel();
    await killRest();
  };

  /**
   * The time is up: who is left has no grace any more. The launcher, which ends after us, would give
   * them all of theirs, and we would wait for it.
   */
  const killRest = async (): Promise<void> => {
    const rows = (await store.effects()).filter(
      ({ kind, state }) => kind === 'stage' && state !== 'born',
    );
    if (rows.length === 0) return;
    const over = new AbortController();
    const late = Promise.withResolvers<void>();
    const cancel = clock.after(killMs, late.resolve);
    const ends = rows.map(({ process, token }) => processes.end(process, token, 0, over.signal));
    await Promise.race([Promise.allSettled(ends), late.promise]);
    over.abort();
    cancel();
  };

  return {
    orchestrator,
    tickSchedules: scheduler.tick,
    boot: async () => {
      await scheduler.recall();
      heartbeats.restore(await store.effects());
      await disk
        .look()
        .catch((error) => log('the disk could not be measured', { error: plainError(error) }));
      const { runs } = await recover({
        store,
        interpreter,
        effects,
        timers,
        admission,
        clock,
        dataDir,
        secrets,
        left,
        reap,
      });
      if (runs > 0) {
        const msg = `the service is back and goes on with ${runs} ${runs === 1 ? 'run' : 'runs'}`;
        await note({
          runId: null,
          pipeline: null,
          stage: 'system',
          event: 'recovered',
          severity: 'info',
          msg,
          data: { runs },
        });
      }
      await unknownFolders
        .look()
        .catch((error) => log('the folders of runs were not read', { error: plainError(error) }));
      phase = 'ready';
      await masking.load();
      maskSoon();
      watchdog.start();
      wake();
      // Last: what the last service left has its places back, and a missed slot meets the truth.
      await scheduler.open();
      retention.wake();
    },
    close: async (timeMs = options.shutdownTimeoutMs) => {
      phase = 'draining';
      admission.close();
      graceCapMs = shutdownGraceMs(options.shutdownTimeoutMs);
      await watchdog.close();
      await scheduler.close();
      await repeats.close();
      effects.hold();
      timers.close();
      await endWork(timeMs);
      await stops.close();
      effects.close();
      progress.close();
      heartbeats.close();
      eventLoop.close();
      closing.abort();
      await launcher.close();
      // What ended by the shutdown is masked with the values that it was given; what is too long for
      // that is left to the next service.
      const late = Promise.withResolvers<void>();
      const cancel = clock.after(lastMaskingMs, late.resolve);
      await Promise.race([masking.look().catch(() => {}), late.promise]);
      cancel();
      await masking.close();
      await disk.close();
      await retention.close();
      await archive.close();
      await store.close();
    },
  };
};
