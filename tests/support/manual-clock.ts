import type { Clock } from '../../services/host/clock.ts';

export type ManualClock = Clock & {
  advance(ms: number): void;
  jumpWall(ms: number): void;
  reboot(): void;
};

/** Time that moves only when a test says so. */
export const manualClock = (): ManualClock => {
  let wall = 1_800_000_000_000;
  let monotonic = 1000;
  let boot = 1;
  let waiting: { at: number; call: () => void }[] = [];
  const after = (ms: number, call: () => void) => {
    const entry = { at: monotonic + ms, call };
    waiting.push(entry);
    return () => {
      waiting = waiting.filter((one) => one !== entry);
    };
  };
  return {
    wallMs: () => wall,
    monotonicMs: () => monotonic,
    bootId: () => `boot-${boot}`,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const cancel = after(ms, resolve);
        const leave = (): void => {
          cancel();
          reject(signal?.reason);
        };
        if (signal?.aborted) leave();
        else signal?.addEventListener('abort', leave, { once: true });
      }),
    after,
    advance: (ms) => {
      wall += ms;
      monotonic += ms;
      const due = waiting.filter(({ at }) => at <= monotonic);
      waiting = waiting.filter(({ at }) => at > monotonic);
      for (const { call } of due) call();
    },
    jumpWall: (ms) => {
      wall += ms;
    },
    reboot: () => {
      boot += 1;
      monotonic = 5;
    },
  };
};
