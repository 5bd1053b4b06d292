import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How late the event loop was since the last look. */
export type EventLoop = { look(): { p99Ms: number; maxMs: number }; close(): void };

/** Coarse enough to cost nothing, fine enough for the limit of 200 ms (S60). */
const resolutionMs = 50;

export const watchEventLoop = (): EventLoop => {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  // The histogram holds whole intervals in nanoseconds, the wait that was asked for included.
  const lateness = (ns: number): number => Math.max(0, Math.round(ns / 1e6 - resolutionMs));
  return {
    look: () => {
      if (delays.count === 0) return { p99Ms: 0, maxMs: 0 };
      const seen = { p99Ms: lateness(delays.percentile(99)), maxMs: lateness(delays.max) };
      delays.reset();
      return seen;
    },
    close: () => void delays.disable(),
  };
};
