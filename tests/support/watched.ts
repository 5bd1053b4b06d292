import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PipelineDefinition } from '../../definition/definition.ts';
import { createCharts } from '../../services/interpreter/charts.ts';
import { createEffects } from '../../services/interpreter/effects.ts';
import { createInterpreter } from '../../services/interpreter/interpreter.ts';
import { createTimers } from '../../services/interpreter/timers.ts';
import { runLifecycle } from '../../services/lifecycle/run-lifecycle.ts';
import { createAnswerWithin, createAsk } from '../../services/runners/answers-first.ts';
import { createDrain, drainRunner } from '../../services/runners/drain.ts';
import { createSettle, evidenceIn } from '../../services/runners/recovery.ts';
import { createRunnerTurns } from '../../services/runners/runner-turns.ts';
import { createSecrets } from '../../services/secrets/secrets.ts';
import { openSqliteStore } from '../../services/sqlite/sqlite-store.ts';
import { startOf } from '../../services/start/plan-start.ts';
import { processRecorded } from '../../services/store/amendments.ts';
import { fenceOf } from '../../services/store/fence.ts';
import { statusOf } from '../../services/store/run-view.ts';
import { createAlarms } from '../../services/watchdog/alarms.ts';
import { createHeartbeats, type Heartbeats } from '../../services/watchdog/heartbeats.ts';
import { createLooks } from '../../services/watchdog/looks.ts';
import { createWatchdog, type Watchdog } from '../../services/watchdog/watchdog.ts';
import type { LiveNews } from '../../wire/live-news.ts';
import { beginRequest } from './begin-request.ts';
import { manualClock } from './manual-clock.ts';
import { until } from './until.ts';

export const runId = 'r_00000000000000000000000001';
/** What the runner of a stage does here: the test says what its program shows and when it ends. */
export type Work = { alive(writtenAt?: number): void; end(): void };

/**
 * Interpreter, effects, timers and watchdog on a real store; the clock, the programs and the
 * process table are the test's.
 */
export const openWatched = async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'stagewright-watched-'));
  const clock = manualClock();
  const store = openSqliteStore({ path: join(dataDir, 'db.sqlite'), synchronous: 'NORMAL', clock });
  const charts = createCharts(store, runLifecycle);
  const interpreter = createInterpreter({ store, charts, clock });
  const log = () => {};
  const news: LiveNews[] = [];
  const works: Work[] = [];
  /**
   * What the process table shows, and whether an attempt has a process at all; the runner waits
   * for ever while `answers` is false.
   */
  const world = { alive: true, members: [] as number[], answers: true, hasProcess: true };
  const processes = {
    isAlive: () => world.alive,
    members: () => world.members,
    end: async (_: unknown, __: string, ___: number, signal: AbortSignal) => {
      while (world.members.length > 0) {
        await until(() => world.members.length === 0 || signal.aborted);
        if (signal.aborted) throw new Error('aborted');
      }
    },
    shorten: () => {},
  };
  const note = async (event: Parameters<typeof store.note>[0]) => store.note(event, clock.wallMs());
  const closing = new AbortController();
  const heartbeats: Heartbeats = createHeartbeats({
    store,
    clock,
    note,
    log,
    tell: (one) => news.push(one),
    ask: createAsk(dataDir),
  });
  const turns = createRunnerTurns();
  const drain = createDrain({
    store,
    processes,
    ending: () => {},
    closing: closing.signal,
    settled: turns.settled,
    graceCapMs: () => Number.POSITIVE_INFINITY,
    // As if those ten seconds had passed: a test that hangs a runner does not want to wait for it.
    clock: {
      wallMs: clock.wallMs,
      after: (_, late) => {
        setImmediate(late);
        return () => {};
      },
    },
  });
  const effects = createEffects({
    interpreter,
    clock,
    log,
    runners: {
      preflight: async () => ({}),
      verify: async () => ({}),
      drain: drainRunner(drain),
      stage: turns.follow(async (effect, run) => {
        const mark = heartbeats.watch(run, effect, run.definition.stages[0]?.heartbeatMs ?? null);
        const process = { pid: 4711, startTicks: 1, bootId: clock.bootId(), pidNamespace: 'here' };
        const change = processRecorded(fenceOf(effect), world.hasProcess ? process : null);
        await store.amend([{ runId: run.runId, change }], clock.wallMs());
        const over = Promise.withResolvers<void>();
        works.push({ alive: mark.alive, end: over.resolve });
        await over.promise;
        mark.end();
        return { outputs: {}, metrics: {}, skipped: null };
      }),
    },
  });
  const answerWithin = createAnswerWithin({ store, dataDir });
  const timers = createTimers({ store, interpreter, clock, answerWithin, log });
  const alarms = createAlarms(note, clock);
  const secrets = createSecrets({ env: {}, readFile: () => '' });
  const left = async () => {};
  const settle = createSettle({
    store,
    interpreter,
    effects,
    clock,
    dataDir,
    evidence: evidenceIn({ dataDir, secrets }),
    processes,
    ending: () => {},
    left,
  });
  const watchdog: Watchdog = createWatchdog({
    clock,
    log,
    alarms,
    intervalMs: 30_000,
    rounds: {},
    looks: createLooks({
      store,
      clock,
      interpreter,
      effects,
      timers,
      processes,
      heartbeats,
      settle,
      reap: () => {},
    }),
    urgent: { codes: ['late-heartbeat'], ...heartbeats },
  });
  interpreter.onCommit((committed) => heartbeats.settle(committed));
  watchdog.start();

  const begin = async (definition: PipelineDefinition, by = interpreter): Promise<void> => {
    const request = beginRequest(charts.pin(definition), definition, runId, clock.wallMs());
    await by.begin(startOf(request), { cause: { kind: 'command' } });
  };
  const status = async () => {
    const found = await store.run(runId);
    if (!found) throw new Error('there is no run');
    return statusOf(found.run, found.headSeq, {
      progress: {},
      heartbeats: heartbeats.shown(runId),
    });
  };
  const words = async (stage: string) =>
    (await store.journal({ runId, after: 0, limit: 1000 })).events.filter(
      (event) => event.stage === stage,
    );
  return {
    /** Another service on the same store; it starts nothing. */
    foreign: () => createInterpreter({ store, charts, clock }),
    dataDir,
    clock,
    store,
    interpreter,
    effects,
    timers,
    heartbeats,
    alarms,
    watchdog,
    works,
    world,
    news,
    begin,
    status,
    words,
    /** Time passes; then everything that was due has happened. */
    pass: async (ms: number): Promise<void> => {
      clock.advance(ms);
      await timers.tick();
      await watchdog?.tick();
      // Commits are published on a fresh turn.
      await new Promise((resolve) => setImmediate(resolve));
    },
    working: () =>
      until(
        async () =>
          works.length > 0 && (await store.effects()).some(({ state }) => state === 'started'),
      ),
    close: async (): Promise<void> => {
      await watchdog?.close();
      for (const { end } of works) end();
      closing.abort();
      effects.close();
      heartbeats.close();
      timers.close();
      await store.close();
      await rm(dataDir, { recursive: true });
    },
  };
};
