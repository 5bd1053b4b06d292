import type { Clock } from '../host/clock.ts';
import type { TimerRow } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';
import { dueOf, nextDueIn, rearmAll } from './due-timers.ts';
import type { Interpreter } from './interpreter.ts';
import type { Room } from './room.ts';

export type Timers = {
  /**
   * Delivers what is due, in due order, and sleeps until the next; also called by the waker. Before
   * the first call nothing fires: what the last service left is settled first.
   */
  tick(): Promise<void>;
  /** Whether a timer is due and waits, because what it limits has ended and the answer comes. */
  isHeld(timer: TimerRow): boolean;
  close(): void;
};

/** Longest sleep: a wall clock may be set, and setTimeout fires at once beyond 2^31 ms (T13). */
const maxSleepMs = 60_000;
/** How often timers that wait for room are looked at. */
const heldMs = 1000;
/** A waker that is later than this was away: frozen, or held up by something else. */
const awayMs = 1000;
/** How soon a limit that waits for an answer is looked at again. */
const askAgainMs = 100;

/** Durable timers: rows with an absolute due time, and one waker for all of them. */
export const createTimers = (deps: {
  store: Pick<Store, 'timers' | 'amend'>;
  interpreter: Interpreter;
  clock: Clock;
  /**
   * How long the answer of an attempt of this run, or of this part of it alone, that has ended may
   * take; null when none is on its way. An attempt counts as it ended, whatever passed while nobody
   * looked.
   */
  answerWithin: (runId: string, stage: string | null) => Promise<number | null>;
  /** Absent where there is always room. */
  room?: Pick<Room, 'holds' | 'show'>;
  log: (message: string, meta: Record<string, unknown>) => void;
}): Timers => {
  const { store, interpreter, clock, answerWithin, room, log } = deps;
  const { eventOf, limitOf, stageOf } = interpreter.lifecycle.timers;
  let cancel: (() => void) | null = null;
  let wakeAt = Number.POSITIVE_INFINITY;
  let ticking: Promise<void> | null = null;
  let again = false;
  let isOpen = false;
  let closed = false;
  let wasAway = false;
  /** Since when each limit waits for an answer. */
  let held = new Map<string, number>();
  const now = () => ({ wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() });
  const keyOf = ({ runId, id, stamp }: TimerRow): string => `${runId} ${id} ${stamp}`;

  const sleep = (ms: number): void => {
    const waitMs = Math.min(Math.max(ms, 0), maxSleepMs);
    const at = clock.monotonicMs() + waitMs;
    if (!isOpen || closed || at >= wakeAt) return;
    cancel?.();
    wakeAt = at;
    cancel = clock.after(waitMs, () => {
      wakeAt = Number.POSITIVE_INFINITY;
      if (clock.monotonicMs() - at > awayMs) void comeBack();
      else void tick();
    });
  };

  /**
   * We were away, so our own deadlines say nothing: what came meanwhile is heard first, and what
   * this service works at itself has its full time again.
   */
  const comeBack = async (): Promise<void> => {
    wasAway = true;
    await new Promise((resolve) => setImmediate(resolve));
    if (closed) return;
    await rearmAll(store, { ...now(), bootId: clock.bootId() }).catch((error) =>
      log('limits could not be armed again', { error: String(error) }),
    );
    await tick();
  };

  /**
   * The limit of an attempt asks first how it ended. Those of a stage or a run stand as they are,
   * unless it was us who were late.
   */
  const waits = async (timer: TimerRow, away: boolean): Promise<number | null> => {
    const since = held.get(keyOf(timer));
    const limits = limitOf(timer.id);
    const asks = limits === 'attempt' || (limits === 'whole' && (away || since !== undefined));
    const withinMs = asks ? await answerWithin(timer.runId, stageOf(timer.id)) : null;
    const nowMs = clock.monotonicMs();
    return withinMs !== null && nowMs - (since ?? nowMs) < withinMs ? (since ?? nowMs) : null;
  };

  const turn = async (): Promise<void> => {
    const away = wasAway;
    wasAway = false;
    try {
      const waiting = new Map<string, number>();
      const noRoom: TimerRow[] = [];
      for (const timer of dueOf(await store.timers(), now())) {
        if (closed) return;
        if (room?.holds(timer)) {
          noRoom.push(timer);
          continue;
        }
        const since = await waits(timer, away);
        if (since !== null) {
          waiting.set(keyOf(timer), since);
          continue;
        }
        const { runId, id, stamp } = timer;
        await interpreter.deliver(runId, {
          event: eventOf(id),
          fence: { kind: 'timer', id, stamp },
          cause: { kind: 'timer' },
        });
      }
      room?.show(noRoom);
      held = waiting;
      const nextMs = nextDueIn(await store.timers(), now()) ?? maxSleepMs;
      // What is held stays due: without this the waker would never sleep.
      sleep(Math.max(nextMs, waiting.size > 0 ? askAgainMs : noRoom.length > 0 ? heldMs : 0));
    } catch (error) {
      log('timers could not be delivered; they are tried again', { error: String(error) });
      sleep(1000);
    }
  };

  const tick = (): Promise<void> => {
    isOpen = true;
    if (ticking) {
      again = true;
      return ticking;
    }
    ticking = turn().finally(() => {
      ticking = null;
      if (again && !closed) {
        again = false;
        void tick();
      }
    });
    return ticking;
  };

  interpreter.onCommit(({ decision }) => {
    for (const { delayMs } of decision.arm) sleep(delayMs);
  });
  return {
    tick,
    isHeld: (timer) => held.has(keyOf(timer)),
    close: () => {
      closed = true;
      cancel?.();
    },
  };
};
