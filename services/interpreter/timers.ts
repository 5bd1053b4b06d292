import type { Clock } from '../clock.ts';
import type { Store } from '../store.ts';
import type { Interpreter } from './interpreter.ts';

export type Timers = {
  /** Delivers what is due, in due order, and sleeps until the next; also called by the waker. */
  tick(): Promise<void>;
  close(): void;
};

/** Longest sleep: a wall clock may be set, and setTimeout fires at once beyond 2^31 ms (T13). */
const maxSleepMs = 60_000;

/** Durable timers: rows with an absolute due time, and one waker for all of them. */
export const createTimers = (deps: {
  store: Pick<Store, 'dueTimers' | 'nextDueIn'>;
  interpreter: Interpreter;
  clock: Clock;
  log: (message: string, meta: Record<string, unknown>) => void;
}): Timers => {
  const { store, interpreter, clock, log } = deps;
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
      for (const { runId, id, stamp } of await store.dueTimers(now())) {
        if (closed) return;
        // The id of a timer is the event it becomes.
        const event = { type: id as `xstate.after.${string}` | 'RUN_TIMEOUT' | 'STAGE_TIMEOUT' };
        await interpreter.deliver(runId, {
          event,
          fence: { kind: 'timer', id, stamp },
          cause: { kind: 'timer' },
        });
      }
      sleep((await store.nextDueIn(now())) ?? maxSleepMs);
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
