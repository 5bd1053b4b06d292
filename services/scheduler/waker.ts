import { schedule } from 'node-cron';

/** Calls back every so often until it is told to stop. */
export type Waker = (wake: () => void) => { stop(): void; everyMs: number };

/**
 * node-cron only wakes us, in UTC where no clock is ever set; which slot is due is the planner's
 * matter.
 */
export const nodeCronWaker: Waker = (wake) => {
  const task = schedule('* * * * * *', wake, {
    timezone: 'UTC',
    noOverlap: false,
    suppressMissedWarning: true,
    unref: true,
  });
  return { stop: () => void task.destroy(), everyMs: 1000 };
};

/** For whoever ticks by hand. */
export const noWaker: Waker = () => ({ stop: () => {}, everyMs: Number.POSITIVE_INFINITY });
