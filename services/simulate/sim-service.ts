import { allStages } from '../../definition/definition.ts';
import type { SentEvent } from '../../machines/context.ts';
import { Failed } from '../../stages/attempt-failed.ts';
import type { Charts } from '../interpreter/charts.ts';
import { createEffects, type EffectRunner } from '../interpreter/effects.ts';
import { createInterpreter, type Interpreter } from '../interpreter/interpreter.ts';
import { createTimers } from '../interpreter/timers.ts';
import { createDrain, drainRunner } from '../runners/drain.ts';
import { createEndingMark } from '../runners/ending-mark.ts';
import { recover } from '../runners/recovery.ts';
import { createRunnerTurns } from '../runners/runner-turns.ts';
import { outputOf } from '../runners/stage-runner.ts';
import { createAdmission } from '../start/admission.ts';
import { closingOf } from '../start/failure-policy.ts';
import { processRecorded } from '../store/amendments.ts';
import { fenceOf } from '../store/fence.ts';
import type { EffectRow, RunRow } from '../store/run-rows.ts';
import type { Plan } from './script.ts';
import { type SimHost, simTable } from './sim-host.ts';
import type { watchedStore } from './sim-store.ts';
import type { Life } from './virtual-clock.ts';

export type SimService = ReturnType<typeof createSimService>;

type Deps = {
  store: ReturnType<typeof watchedStore>;
  charts: Charts;
  clock: Life;
  host: SimHost;
  isAlive: () => boolean;
  planOf: (effect: EffectRow) => Plan;
  /** A program begins; `how` it goes is known. */
  begins: (effect: EffectRow, plan: Plan) => void;
};

const log = (): void => {};
/** A launcher that has heard of an ending goes on with it: the machine here is told by the table. */
const launcher = { ending: () => {} };

/** As the watchdog does: an attempt that says nothing is late. */
const watched = (
  { clock, interpreter }: Pick<Deps, 'clock'> & { interpreter: Interpreter },
  effect: EffectRow,
  run: RunRow,
  plan: Plan,
): (() => void) => {
  const stage = allStages(run.definition).find(({ name }) => name === effect.input.stage);
  const limitMs = stage?.heartbeatMs ?? null;
  if (!stage || limitMs === null || plan.ms !== null) return () => {};
  const event: SentEvent = { type: 'HEARTBEAT_LATE', silent_ms: limitMs, stage: stage.name };
  return clock.after(limitMs, () => {
    const late = { event, fence: fenceOf(effect), cause: { kind: 'watchdog' } } as const;
    void interpreter.deliver(effect.runId, late);
  });
};

/** One attempt, from the committed row to its answer: recorded before its gate is opened. */
const stageRunner =
  (deps: Omit<Deps, 'charts'> & { interpreter: Interpreter }): EffectRunner =>
  async (effect, run, signal) => {
    const { store, clock, host, isAlive, planOf, begins } = deps;
    // It was on its way when the service died.
    if (!isAlive()) return new Promise(() => {});
    const plan = planOf(effect);
    const process = host.spawn(effect, plan);
    const change = processRecorded(fenceOf(effect), process.identity);
    const [isRecorded] = await store.amend([{ runId: run.runId, change }], clock.wallMs());
    if (!isRecorded || signal.aborted) {
      host.end(process, null);
      throw new Failed({
        code: 'interrupted',
        message: 'dropped before it began',
        retryable: true,
      });
    }
    host.open(process);
    begins(effect, plan);
    const over = watched(deps, effect, run, plan);
    await process.ended.promise;
    over();
    if (process.left) return outputOf(process.left);
    const message = 'its processes were ended';
    throw new Failed({ code: 'signal', message, retryable: true, signal: 'SIGTERM' });
  };

/** An attempt that has ended counts as it ended. */
const answerWithin =
  ({ store, host }: Pick<Deps, 'store' | 'host'>) =>
  async (runId: string, stage: string | null): Promise<number | null> => {
    const { effects: rows = [] } = (await store.run(runId)) ?? {};
    const hasEnded = (row: EffectRow): boolean =>
      row.kind === 'stage' &&
      row.state === 'started' &&
      (stage === null || row.input.stage === stage) &&
      (host.of(row)?.left ?? null) !== null;
    return rows.some(hasEnded) ? 5000 : null;
  };

/**
 * A service, from its start to its death: the interpreter, effects, timers, drain, admission and
 * recovery of production, over a store in memory, programs that follow a script, and a clock that
 * leaps.
 */
export const createSimService = (deps: Deps) => {
  const { store, charts, clock, host } = deps;
  const interpreter = createInterpreter({ store, charts, clock, closing: closingOf });
  const processes = simTable(host, clock);
  const ending = createEndingMark({ store, clock, launcher, log });
  const turns = createRunnerTurns();
  const drain = createDrain({
    store,
    processes,
    ending,
    settled: turns.settled,
    clock,
    graceCapMs: () => Number.POSITIVE_INFINITY,
    closing: new AbortController().signal,
  });

  const holds: EffectRunner = async () => ({});
  const effects = createEffects({
    runners: {
      stage: turns.follow(stageRunner({ ...deps, interpreter })),
      verify: holds,
      preflight: holds,
      drain: drainRunner(drain),
    },
    interpreter,
    clock,
    log,
  });
  const timers = createTimers({
    store,
    interpreter,
    clock,
    answerWithin: answerWithin(deps),
    log,
  });
  const admission = createAdmission({ store, interpreter, log });
  const reap = (runId: string): void => {
    void store.run(runId).then((found) => found && drain(found.run));
  };
  interpreter.onCommit(({ run, decision }) => {
    if (run.endedAt !== null && decision.drop.length > 0) reap(run.runId);
    if (run.endedAt !== null) void admission.settle(run.definition.concurrency.key);
  });

  return {
    interpreter,
    /** As after every start of a service. */
    boot: async (): Promise<void> => {
      await recover({
        store,
        interpreter,
        effects,
        timers,
        admission,
        clock,
        dataDir: '/',
        evidence: {
          isThere: async (effect) => (host.of(effect)?.left ?? null) !== null,
          answer: async (effect) => host.of(effect)?.left ?? null,
          said: async () => null,
        },
        processes,
        ending,
        left: async () => {},
        reap,
      });
    },
    /** From one instant to the next it is not there. */
    die: (): void => {
      effects.close();
      timers.close();
      clock.end();
    },
  };
};
