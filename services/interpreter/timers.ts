import type { Clock } from '../clock.ts';
import type { Store, TimerRow } from '../store.ts';
import type { Interpreter } from './interpreter.ts';
import type { Room } from './room.ts';

export type Timers = {
  /** Delivers what is due, in due order, and sleeps until the next; also called by the waker. */
  tick(): Promise<void>;
  close(): void;
};

/** Longest sleep: a wall clock may be set, and setTimeout fires at once beyond 2^31 ms (T13). */
const maxSleepMs = 60_000;
/** How often timers that wait for room are looked at. */
const heldMs = 1000;

/** Durable timers: rows with an absolute due time, and one waker for all of them. */
export const createTimers = (deps: {
  store: Pick<Store, 'dueTimers' | 'nextDueIn'>;
  interpreter: Interpreter;
  clock: Clock;
  /** Absent where there is always room. */
  room?: Pick<Room, 'holds' | 'show'>;
  log: (message: string, meta: Record<string, unknown>) => void;
}): Timers => {
  const { store, interpreter, clock, room, log } = deps;
  let cancel: (() => void) | null = null;
  let wakeAt = Number.POSITIVE_INFINITY;
  let ticking: Promise<void> | null = null;
  let again = false;
  let closed = false;
  const now = () => ({ wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() });

  const sleep = (ms: number): void => {
    const waitMs = Math.min(Math.max(ms, 0), maxSleepMs);
    const at = clock.monotonicMs() + waitMs;
    if (closed || at >= wakeAt) return;
    cancel?.();
    wakeAt = at;
    cancel = clock.after(waitMs, () => {
      wakeAt = Number.POSITIVE_INFINITY;
      void tick();
    });
  };

  const turn = async (): Promise<void> => {
    try {
      const held: TimerRow[] = [];
      for (const timer of await store.dueTimers(now())) {
        if (closed) return;
        if (room?.holds(timer)) {
          held.push(timer);
          continue;
        }
        const { runId, id, stamp } = timer;
        // The id of a timer is the event it becomes.
        const event = { type: id as `xstate.after.${string}` | 'RUN_TIMEOUT' | 'STAGE_TIMEOUT' };
        await interpreter.deliver(runId, {
          event,
          fence: { kind: 'timer', id, stamp },
          cause: { kind: 'timer' },
        });
      }
      room?.show(held);
      const nextMs = (await store.nextDueIn(now())) ?? maxSleepMs;
      // What is held stays due: without this the waker would never sleep.
      sleep(held.length > 0 ? Math.max(nextMs, heldMs) : nextMs);
    } catch (error) {
      log('timers could not be delivered; they are tried again', { error: String(error) });
      sleep(1000);
    }
  };

  const tick = (): Promise<void> => {
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
    close: () => {
      closed = true;
      cancel?.();
    },
  };
};
