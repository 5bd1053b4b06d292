import type { Clock } from '../host/clock.ts';

/** What the two clocks said at a tick and the one before: `null` when nothing is odd. */
export type Oddity = { kind: 'back' | 'ahead' | 'held-up'; ms: number; msg: string };

/** A wall clock that is off by less is being slewed, not set. */
const minStepMs = 2000;
/** We are woken each second. */
const maxPauseMs = 10_000;

const span = (ms: number): string =>
  ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;

/** A clock that now stands before the last instant that was recorded was set while nobody looked. */
export const setBackMeanwhile = (recordedAt: number, now: number): Oddity | null => {
  const ms = recordedAt - now;
  return ms < minStepMs
    ? null
    : {
        kind: 'back',
        ms,
        msg: `the clock is ${span(ms)} behind the last that was recorded: it was set back while the service was down; slots that were decided are not run again`,
      };
};

/**
 * Sees a wall clock that was set, a machine that slept, and a service that was held up, between two
 * ticks.
 */
export const createClockWatch = (
  clock: Pick<Clock, 'wallMs' | 'monotonicMs' | 'bootId'>,
): (() => Oddity | null) => {
  let last: { wall: number; monotonic: number } | null = null;
  return () => {
    const now = { wall: clock.wallMs(), monotonic: clock.monotonicMs() };
    const before = last;
    last = now;
    if (!before) return null;
    const passed = now.monotonic - before.monotonic;
    const step = now.wall - before.wall - passed;
    // The monotonic clock stands still while the machine sleeps.
    if (step >= minStepMs)
      return {
        kind: 'ahead',
        ms: step,
        msg: `the clock is ${span(step)} ahead of the time this machine was awake: it slept, or the clock was set`,
      };
    if (step <= -minStepMs)
      return {
        kind: 'back',
        ms: -step,
        msg: `the clock was set back by ${span(-step)}; slots that were decided are not run again`,
      };
    if (passed > maxPauseMs)
      return { kind: 'held-up', ms: passed, msg: `the scheduler was delayed by ${span(passed)}` };
    return null;
  };
};
