import type { SentEvent } from '../../machines/context.ts';
import type { ProcessTable } from '../../stages/launcher-port.ts';
import type { Clock } from '../host/clock.ts';
import type { Effects } from '../interpreter/effects.ts';
import type { Interpreter } from '../interpreter/interpreter.ts';
import type { Room } from '../interpreter/room.ts';
import type { Timers } from '../interpreter/timers.ts';
import { graceOf } from '../runners/drain.ts';
import { fenceOf } from '../store/fence.ts';
import type { Cause, EffectRow, RunRow, Store } from '../store/store.ts';
import { createAges } from './ages.ts';
import type { Finding } from './alarms.ts';
import type { Heartbeats } from './heartbeats.ts';

type Deps = {
  store: Pick<Store, 'effects' | 'run' | 'dueTimers'>;
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
export type Look = () => Promise<Finding[]>;

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

/**
 * Everything that may go wrong with a run while nobody tells. Each look is cheap when nothing is.
 */
export const createLooks = (deps: Deps): Record<string, Look> => {
  const { store, clock, interpreter, effects, timers, processes, heartbeats, settle, reap, room } =
    deps;

  const about = (
    effect: EffectRow,
    run: RunRow,
    more: Pick<Finding, 'severity' | 'msg' | 'data' | 'act'>,
  ): Finding => ({
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

  const lateHeartbeat: Look = async () =>
    (await heartbeats.late()).map(({ run, effect, stage, limitMs, silentMs }) =>
      about(effect, run, {
        severity: 'warning',
        msg: `${stage} gave no sign of life for ${seconds(silentMs)} (limit ${seconds(limitMs)}): it is ended`,
        data: { silent_ms: silentMs, limit_ms: limitMs },
        act: async () => {
          const event = { type: 'HEARTBEAT_LATE', silent_ms: silentMs } satisfies SentEvent;
          await interpreter.deliver(effect.runId, { event, fence: fenceOf(effect), cause });
        },
      }),
    );

  const orphanAges = createAges(clock);
  /** Asked for and not begun, or begun and followed by nobody. */
  const overdueEffect: Look = async () => {
    const rows = (await store.effects()).filter(
      (effect) => effect.state !== 'dropping' && effects.phaseOf(effect) === null,
    );
    const old = await oldOnes(rows, orphanAges.of(rows.map(keyOf)), () => overdueMs);
    return old.map(({ effect, run }) =>
      about(effect, run, {
        severity: 'warning',
        msg: `${nameOf(effect)} ${effect.state === 'born' ? 'was not begun: it is begun now' : 'is followed by nobody: its evidence decides'}`,
        data: { effect: effect.id },
        act: async () => {
          if (effect.state === 'born') effects.start(effect, run);
          else await settle(effect, cause, 'nobody followed it any more');
        },
      }),
    );
  };

  const slowAges = createAges(clock);
  /** Begun here, but its program is not there: the system or the launcher does not answer. */
  const slowStart: Look = async () => {
    const rows = (await store.effects()).filter(
      (effect) =>
        effect.kind === 'stage' && effect.state === 'born' && effects.phaseOf(effect) !== 'waiting',
    );
    const old = await oldOnes(rows, slowAges.of(rows.map(keyOf)), () => slowMs);
    return old.map(({ effect, run }) =>
      about(effect, run, {
        severity: 'error',
        msg: `the program of ${nameOf(effect)} has not begun for ${seconds(slowMs)}: the system does not start it`,
        data: { effect: effect.id },
      }),
    );
  };

  const deadAges = createAges(clock);
  /** The row says started, the process is gone with everything it began, and no answer came. */
  const deadProcess: Look = async () => {
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
    const old = await oldOnes(rows, deadAges.of(rows.map(keyOf)), () => overdueMs);
    return old.map(({ effect, run }) =>
      about(effect, run, {
        severity: 'warning',
        msg: `process ${effect.process?.pid} of ${nameOf(effect)} is gone and no answer came: its evidence decides`,
        data: { pid: effect.process?.pid ?? null },
        act: () => settle(effect, cause, 'its process is gone and nobody said how it ended'),
      }),
    );
  };

  const drainAges = createAges(clock);
  /**
   * SIGTERM, grace, SIGKILL, and still somebody: only the kernel or a debugger holds a process like
   * that (T1).
   */
  const overdueDrain: Look = async () => {
    const rows = await store.effects();
    const dropping = rows.filter(({ state }) => state === 'dropping');
    const age = drainAges.of(dropping.map(keyOf));
    /** Its deadline where one was written down; else it has been so for longer than its grace. */
    const limitMs = (effect: EffectRow, run: RunRow): number =>
      effect.ending?.bootId === clock.bootId()
        ? age(keyOf(effect)) + effect.ending.killAt + killMs - clock.monotonicMs()
        : graceOf(run, effect) + killMs;
    const old = await oldOnes(dropping, age, limitMs);
    return old.map(({ effect, run }) => {
      const pids = processes.members(effect.process, effect.token);
      const drain = rows.find(({ kind, runId }) => kind === 'drain' && runId === effect.runId);
      const who = pids.length > 0 ? `process ${pids.join(', ')}` : 'no process';
      return about(effect, run, {
        severity: 'error',
        msg: `${nameOf(effect)} should be over, but ${who} is left${pids.length > 0 ? ', whom not even SIGKILL ends' : ' and its end was not recorded'}`,
        data: { pids },
        act: async () => {
          if (run.endedAt !== null) reap(effect.runId);
          else if (drain && pids.length > 0)
            await interpreter.deliver(effect.runId, {
              event: { type: 'DRAIN_LATE', pids } satisfies SentEvent,
              fence: fenceOf(drain),
              cause,
            });
        },
      });
    });
  };

  const timerAges = createAges(clock);
  const overdueTimer: Look = async () => {
    const now = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    const due = (await store.dueTimers(now)).filter(
      (timer) => !room?.holds(timer) && !timers.isHeld(timer),
    );
    const nameOfTimer = ({ runId, id, stamp }: (typeof due)[number]) => `${runId} ${id} ${stamp}`;
    const age = timerAges.of(due.map(nameOfTimer));
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

  return {
    'late-heartbeat': lateHeartbeat,
    'overdue-effect': overdueEffect,
    'slow-start': slowStart,
    'dead-process': deadProcess,
    'overdue-drain': overdueDrain,
    'overdue-timer': overdueTimer,
  };
};
