import type { SentEvent } from '../../machines/context.ts';
import type { ProcessTable } from '../../stages/launcher-port.ts';
import type { Cause } from '../../wire/run-answers.ts';
import type { Clock } from '../host/clock.ts';
import { dueOf } from '../interpreter/due-timers.ts';
import type { Effects } from '../interpreter/effects.ts';
import type { Interpreter } from '../interpreter/interpreter.ts';
import type { Room } from '../interpreter/room.ts';
import type { Timers } from '../interpreter/timers.ts';
import { graceOf } from '../runners/drain.ts';
import { fenceOf } from '../store/fence.ts';
import type { EffectRow, RunRow } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';
import { createAges } from './ages.ts';
import type { Anomaly } from './alarms.ts';
import type { Heartbeats } from './heartbeats.ts';

type Deps = {
  store: Pick<Store, 'effects' | 'run' | 'timers'>;
  clock: Clock;
  interpreter: Interpreter;
  effects: Effects;
  timers: Timers;
  processes: ProcessTable;
  heartbeats: Heartbeats;
  /** Answers for an attempt that nobody follows: by its evidence, else as interrupted. */
  settle: (effect: EffectRow, cause: Cause, message: string) => Promise<void>;
  /** Ends what an ended run left behind. */
  reap: (runId: string) => void;
  /** Absent where there is always room. */
  room?: Pick<Room, 'holds'>;
};
/** One question to the world; what it finds is an alarm of that name. */
export type WatchdogLook = () => Promise<Anomaly[]>;

/**
 * A commit is followed by its start, an exit by its answer, within milliseconds; this is no matter
 * of load any more.
 */
const overdueMs = 10_000;
/** After SIGKILL a process is gone at once, unless the kernel holds it. */
const killMs = 5000;
/** Far beyond what a busy machine needs for one fork. */
const slowMs = 60_000;
const cause: Cause = { kind: 'watchdog' };
const keyOf = ({ runId, id, stamp }: EffectRow): string => `${runId} ${id} ${stamp}`;
const nameOf = ({ kind, input, attempt }: EffectRow): string =>
  kind === 'stage'
    ? `attempt ${attempt} of ${input.stage}`
    : `${kind}${input.stage ? ` of ${input.stage}` : ''}`;
const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;

const about = (
  effect: EffectRow,
  run: RunRow,
  more: Pick<Anomaly, 'severity' | 'msg' | 'data' | 'act'>,
): Anomaly => ({
  key: keyOf(effect),
  runId: effect.runId,
  pipeline: run.pipeline,
  ...(effect.kind === 'stage' && { attempt: effect.attempt }),
  ...more,
});
/**
 * Those of the rows that have been so for long enough, with their runs; few, so each is looked
 * up.
 */
const oldOnes = async (
  store: Pick<Store, 'run'>,
  rows: EffectRow[],
  age: (key: string) => number,
  limitMs: (row: EffectRow, run: RunRow) => number,
) => {
  const old: { effect: EffectRow; run: RunRow }[] = [];
  for (const effect of rows) {
    if (age(keyOf(effect)) < killMs) continue;
    const found = await store.run(effect.runId);
    if (found && age(keyOf(effect)) >= limitMs(effect, found.run))
      old.push({ effect, run: found.run });
  }
  return old;
};

const lateHeartbeat =
  ({ heartbeats, interpreter }: Deps): WatchdogLook =>
  async () =>
    (await heartbeats.late()).map(({ run, effect, stage, limitMs, silentMs }) =>
      about(effect, run, {
        severity: 'warning',
        msg: `${stage} sent no heartbeat for ${seconds(silentMs)} (limit ${seconds(limitMs)}): it is ended`,
        data: { silent_ms: silentMs, limit_ms: limitMs },
        act: async () => {
          const event = { type: 'HEARTBEAT_LATE', silent_ms: silentMs, stage } satisfies SentEvent;
          await interpreter.deliver(effect.runId, { event, fence: fenceOf(effect), cause });
        },
      }),
    );

/** Asked for and not begun, or begun and followed by nobody. */
const overdueEffect = ({ store, clock, effects, settle }: Deps): WatchdogLook => {
  const ages = createAges(clock);
  return async () => {
    const rows = (await store.effects()).filter(
      (effect) => effect.state !== 'dropping' && effects.phaseOf(effect) === null,
    );
    const old = await oldOnes(store, rows, ages.of(rows.map(keyOf)), () => overdueMs);
    return old.map(({ effect, run }) =>
      about(effect, run, {
        severity: 'warning',
        msg: `${nameOf(effect)} ${effect.state === 'born' ? 'was not started: it is started now' : 'is not being followed: its evidence decides'}`,
        data: { effect: effect.id },
        act: async () => {
          if (effect.state === 'born') effects.start(effect, run);
          else await settle(effect, cause, 'it was no longer being followed');
        },
      }),
    );
  };
};

/** Begun here, but its program is not there: the system or the launcher does not answer. */
const slowStart = ({ store, clock, effects }: Deps): WatchdogLook => {
  const ages = createAges(clock);
  return async () => {
    const rows = (await store.effects()).filter(
      (effect) =>
        effect.kind === 'stage' && effect.state === 'born' && effects.phaseOf(effect) !== 'waiting',
    );
    const old = await oldOnes(store, rows, ages.of(rows.map(keyOf)), () => slowMs);
    return old.map(({ effect, run }) =>
      about(effect, run, {
        severity: 'error',
        msg: `the program of ${nameOf(effect)} has not started after ${seconds(slowMs)}: the system does not start it`,
        data: { effect: effect.id },
      }),
    );
  };
};

/** The row says started, the process is gone with everything it began, and no answer came. */
const deadProcess = ({ store, clock, effects, processes, settle }: Deps): WatchdogLook => {
  const ages = createAges(clock);
  return async () => {
    const rows = (await store.effects()).filter((effect) => {
      const { kind, state, process, token } = effect;
      if (
        kind !== 'stage' ||
        state !== 'started' ||
        process === null ||
        effects.phaseOf(effect) !== 'working'
      )
        return false;
      return !processes.isAlive(process) && processes.members(process, token).length === 0;
    });
    const old = await oldOnes(store, rows, ages.of(rows.map(keyOf)), () => overdueMs);
    return old.map(({ effect, run }) =>
      about(effect, run, {
        severity: 'warning',
        msg: `process ${effect.process?.pid} of ${nameOf(effect)} is gone without an answer: its evidence decides`,
        data: { pid: effect.process?.pid ?? null },
        act: () => settle(effect, cause, 'its process is gone and did not report how it ended'),
      }),
    );
  };
};

/**
 * SIGTERM, grace, SIGKILL, and still somebody: only the kernel or a debugger holds a process like
 * that (T1).
 */
const overdueDrain = ({ store, clock, processes, interpreter, reap }: Deps): WatchdogLook => {
  const ages = createAges(clock);
  return async () => {
    const rows = await store.effects();
    const dropping = rows.filter(({ state }) => state === 'dropping');
    const age = ages.of(dropping.map(keyOf));
    /** Its deadline where one was written down; else it has been so for longer than its grace. */
    const limitMs = (effect: EffectRow, run: RunRow): number =>
      effect.ending?.bootId === clock.bootId()
        ? age(keyOf(effect)) + effect.ending.killAt + killMs - clock.monotonicMs()
        : graceOf(run, effect) + killMs;
    const old = await oldOnes(store, dropping, age, limitMs);
    return old.map(({ effect, run }) => {
      const pids = processes.members(effect.process, effect.token);
      const { stage } = effect.input;
      // Its own, or the one of the whole run.
      const drain = rows.find(
        ({ kind, runId, input }) =>
          kind === 'drain' && runId === effect.runId && (input.stage ?? stage) === stage,
      );
      const who = pids.length > 0 ? `process ${pids.join(', ')}` : 'no process';
      return about(effect, run, {
        severity: 'error',
        msg: `${nameOf(effect)} should be over, but ${who} is left${pids.length > 0 ? ', whom not even SIGKILL ends' : ' and its end was not recorded'}`,
        data: { pids },
        act: async () => {
          if (run.endedAt !== null) reap(effect.runId);
          else if (drain && pids.length > 0)
            await interpreter.deliver(effect.runId, {
              event: {
                type: 'DRAIN_LATE',
                pids,
                ...(stage !== undefined && { stage }),
              } satisfies SentEvent,
              fence: fenceOf(drain),
              cause,
            });
        },
      });
    });
  };
};

const overdueTimer = ({ store, clock, timers, room }: Deps): WatchdogLook => {
  const ages = createAges(clock);
  return async () => {
    const now = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    const due = dueOf(await store.timers(), now).filter(
      (timer) => !room?.holds(timer) && !timers.isHeld(timer),
    );
    const nameOfTimer = ({ runId, id, stamp }: (typeof due)[number]) => `${runId} ${id} ${stamp}`;
    const age = ages.of(due.map(nameOfTimer));
    const old = due.filter((timer) => age(nameOfTimer(timer)) >= overdueMs);
    if (old.length === 0) return [];
    const msg = `${old.length} ${old.length === 1 ? 'timer is' : 'timers are'} due and did not fire: they are delivered now`;
    const data = { timers: old.slice(0, 10).map(({ runId, id }) => ({ run_id: runId, id })) };
    return [
      {
        key: 'timers',
        runId: null,
        pipeline: null,
        severity: 'warning',
        msg,
        data,
        act: () => timers.tick(),
      },
    ];
  };
};

/**
 * Everything that may go wrong with a run while nobody tells. Each look is cheap when nothing is.
 */
export const createLooks = (deps: Deps): Record<string, WatchdogLook> => ({
  'late-heartbeat': lateHeartbeat(deps),
  'overdue-effect': overdueEffect(deps),
  'slow-start': slowStart(deps),
  'dead-process': deadProcess(deps),
  'overdue-drain': overdueDrain(deps),
  'overdue-timer': overdueTimer(deps),
});
