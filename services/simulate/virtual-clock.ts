import type { Clock } from '../host/clock.ts';

/** What belongs together and ends together: a service, or a machine. */
export type Life = Clock & { end(): void };
export type VirtualClock = {
  /** Milliseconds since the simulation began; nothing sets it. */
  elapsedMs(): number;
  /** Another life on this clock. */
  live(): Life;
  /** The next call that somebody waits for is made, at its instant. @returns false when none waits */
  advance(): boolean;
  step(ms: number): void;
  /** The monotonic clock begins anew. */
  reboot(): void;
  /** Grows whenever somebody asks for a wait: a sign that not everybody is done. */
  asked(): number;
};

type Call = { at: number; n: number; life: object; call: () => void };

/** Time that stands still while anybody works, and leaps to the next instant when nobody does. */
export const createVirtualClock = (startedAt: number): VirtualClock => {
  let elapsedMs = 0;
  let steppedMs = 0;
  let boots = 1;
  let bootedMs = -1000;
  let n = 0;
  let calls: Call[] = [];
  const after = (life: object, ms: number, call: () => void): (() => void) => {
    n += 1;
    const entry = { at: elapsedMs + Math.max(0, ms), n, life, call };
    calls.push(entry);
    return () => {
      calls = calls.filter((one) => one !== entry);
    };
  };
  const live = (): Life => {
    const life = {};
    return {
      wallMs: () => startedAt + elapsedMs + steppedMs,
      monotonicMs: () => elapsedMs - bootedMs,
      bootId: () => `boot ${boots}`,
      after: (ms, call) => after(life, ms, call),
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          const cancel = after(life, ms, resolve);
          const leave = (): void => {
            cancel();
            reject(signal?.reason);
          };
          if (signal?.aborted) leave();
          else signal?.addEventListener('abort', leave, { once: true });
        }),
      end: () => {
        calls = calls.filter((one) => one.life !== life);
      },
    };
  };
  return {
    elapsedMs: () => elapsedMs,
    live,
    advance: () => {
      let next: Call | undefined;
      for (const one of calls)
        if (!next || one.at < next.at || (one.at === next.at && one.n < next.n)) next = one;
      if (!next) return false;
      const found = next;
      calls = calls.filter((one) => one !== found);
      elapsedMs = found.at;
      found.call();
      return true;
    },
    step: (ms) => {
      steppedMs += ms;
    },
    reboot: () => {
      boots += 1;
      bootedMs = elapsedMs - 5;
    },
    asked: () => n,
  };
};
