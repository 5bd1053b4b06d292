import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const readBootId = (): string => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Without a boot id every start of the service counts as a new boot: limits are re-armed in
    // full.
    return randomUUID();
  }
};
const bootId = readBootId();

/**
 * The only door to time. `wallMs` for what people see and plan; `monotonicMs` for limits, it never
 * jumps.
 */
export type Clock = {
  wallMs(): number;
  /**
   * Milliseconds of this boot of the machine (CLOCK_MONOTONIC), comparable between processes of one
   * boot.
   */
  monotonicMs(): number;
  /** Names this boot of the machine: a monotonic instant means nothing under another one. */
  bootId(): string;
  /** Resolves after `ms` (at most 2^31-1); rejects when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after `ms`; the returned function cancels. Does not keep the process alive. */
  after(ms: number, callback: () => void): () => void;
};

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => Number(process.hrtime.bigint() / 1_000_000n),
  bootId: () => bootId,
  sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Lets everything else that is ready have its turn of the event loop, between two pieces of work. */
export const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
