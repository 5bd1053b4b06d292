import type { EventLoop } from './event-loop.ts';
import type { HealthVerdict } from './health.ts';

/** How late the event loop is, and whether that is too late. */
export type Lag = {
  /** Asked once a round: each measure covers the time since the last one. */
  measure(): void;
  last(): { p99Ms: number; maxMs: number };
  check(): HealthVerdict;
};

/**
 * S60: an answer within 200 ms at p99. It is well again at half of that, so that one busy minute is
 * one event.
 */
const lagLimitMs = 200;

export const createLag = (eventLoop: Pick<EventLoop, 'look'>): Lag => {
  let lag = { p99Ms: 0, maxMs: 0 };
  let isSlow = false;
  return {
    measure: () => {
      lag = eventLoop.look();
      isSlow = lag.p99Ms >= (isSlow ? lagLimitMs / 2 : lagLimitMs);
    },
    last: () => lag,
    check: () => {
      const detail = `${lag.p99Ms} ms late at p99, at most ${lag.maxMs} ms, between the last two looks`;
      return isSlow ? { ok: false, code: 'event-loop-lag', detail } : { ok: true, detail };
    },
  };
};
