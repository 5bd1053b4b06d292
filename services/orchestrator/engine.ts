import { createMasking } from '../history/masking.ts';
import { createCharts } from '../interpreter/charts.ts';
import { createEffects } from '../interpreter/effects.ts';
import { createInterpreter, type Interpreter } from '../interpreter/interpreter.ts';
import { createRoom } from '../interpreter/room.ts';
import { createTimers } from '../interpreter/timers.ts';
import { createWaits } from '../interpreter/waits.ts';
import { runLifecycle } from '../lifecycle/run-lifecycle.ts';
import { createAnswerWithin } from '../runners/answers-first.ts';
import { createDrain, drainRunner } from '../runners/drain.ts';
import { createEndingMark } from '../runners/ending-mark.ts';
import { createPreflightRunner } from '../runners/preflight.ts';
import { createSettle, evidenceIn } from '../runners/recovery.ts';
import { createRunnerTurns } from '../runners/runner-turns.ts';
import { createStageRunner } from '../runners/stage-runner.ts';
import { createStops } from '../runners/stops.ts';
import { createVerifyRunner } from '../runners/verify.ts';
import { createAdmission } from '../start/admission.ts';
import { closingOf } from '../start/failure-policy.ts';
import { createMarks } from './attempt-marks.ts';
import { createCommitListeners } from './commit-listeners.ts';
import type { Foundation } from './foundation.ts';
import { onCommits } from './on-commits.ts';
import { createReaper } from './reaper.ts';
import type { Parts, ServiceOptions } from './service-parts.ts';

export type Engine = ReturnType<typeof createEngine>;

/** Moves runs: commits their steps, and does what the steps ask for. */
export const createEngine = (
  parts: Parts,
  foundation: Foundation,
  { baseEnv, url }: Pick<ServiceOptions, 'baseEnv' | 'url'>,
) => {
  const { store, clock, dataDir, secrets, log } = foundation;
  const core = createCore(parts, foundation);
  const { interpreter, commits, room, waits } = core;
  const ending = createEndingMark({ store, clock, launcher: parts.launcher, log });
  const marks = createMarks(foundation, { waits, ending });
  const masking = createMasking({ dataDir, store, secrets, log });
  const { runners, drain } = createRunners(parts, foundation, {
    ending,
    marks: marks.stage,
    masking,
    baseEnv,
    url,
  });
  const effects = createEffects({
    runners,
    interpreter: { ...interpreter, onCommit: commits.as('effects') },
    clock,
    room,
    waits,
    log,
  });
  const timers = createTimers({
    store,
    interpreter: { ...interpreter, onCommit: commits.as('timers') },
    clock,
    room,
    answerWithin: createAnswerWithin({ store, dataDir }),
    log,
  });
  const admission = createAdmission({ store, interpreter, log });
  const { wake } = foundation.publisher;
  const reap = createReaper({ store, drain, admission, masking, wake, log });
  onCommits(parts.logger, foundation, { commits, marks, room, waits, masking, reap, admission });
  foundation.disk.onRoom(() => {
    core.stops.tick();
    void timers.tick();
    void foundation.archive.tick();
  });
  const settling = {
    store,
    interpreter,
    effects,
    clock,
    dataDir,
    evidence: evidenceIn({ dataDir, secrets }),
    processes: parts.processes,
    ending,
    left: marks.leftByNobody,
  };
  const settle = createSettle(settling);
  return { ...core, marks, masking, effects, timers, admission, reap, settling, settle };
};

/** Commits steps. Whatever comes for a run whose stop could not be recorded comes after that stop. */
const createCore = ({ logger, processes }: Parts, foundation: Foundation) => {
  const { store, disk, clock, log, publisher } = foundation;
  const charts = createCharts(store, runLifecycle);
  const plain = createInterpreter({
    store,
    charts,
    closing: closingOf,
    clock,
    onDefect: (error) =>
      logger.error('a commit was not taken by everybody here', {
        error: String(error),
        stack: error instanceof Error ? error.stack : undefined,
      }),
  });
  const waits = createWaits({ store, tell: publisher.tell, log });
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
  return { charts, interpreter, commits: createCommitListeners(plain), waits, stops, room };
};

type Around = {
  ending: ReturnType<typeof createEndingMark>;
  marks: Parameters<typeof createStageRunner>[0]['marks'];
  masking: Parameters<typeof createStageRunner>[0]['masking'];
  baseEnv: Record<string, string>;
  url: ServiceOptions['url'];
};

/** One runner for each kind of effect. */
const createRunners = (
  { launcher, processes, clock }: Parts,
  { store, dataDir, secrets, phase, closing }: Foundation,
  { ending, marks, masking, baseEnv, url }: Around,
) => {
  const places = { dataDir, baseEnv, secrets, url };
  const turns = createRunnerTurns();
  const drain = createDrain({
    store,
    processes,
    ending,
    settled: turns.settled,
    clock,
    graceCapMs: phase.graceCapMs,
    closing: closing.signal,
  });
  const stage = createStageRunner({ launcher, processes, clock, places, marks, masking });
  const runners = {
    stage: turns.follow(stage),
    verify: turns.follow(createVerifyRunner(places)),
    preflight: turns.follow(createPreflightRunner(places)),
    drain: drainRunner(drain),
  };
  return { runners, drain };
};
