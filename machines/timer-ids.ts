import type { SentEvent } from './context.ts';

/** Its own name, so that two stages can have one each; the event is one word for all of them. */
const ofTotal = 'STAGE_TIMEOUT.';
export const idOfTotal = (stage: string): string => `${ofTotal}${stage}`;

/** The event a timer becomes: its id, which names its stage besides. */
export const eventOfTimer = (id: string): SentEvent =>
  id.startsWith(ofTotal)
    ? { type: 'STAGE_TIMEOUT', stage: id.slice(ofTotal.length) }
    : { type: id as `xstate.after.${string}` };

/** Limits on work count monotonic time of this boot; all other waits are wall time (T13). */
const monotonic = ['attemptTimeout', 'attemptWarning', 'verifyDeadline', 'preflightDeadline'];
export const clockOf = (id: string): 'monotonic' | 'wall' =>
  monotonic.some((name) => id.startsWith(`xstate.after.${name}.`)) ? 'monotonic' : 'wall';

const ofAttempt = /^xstate\.after\.attempt/;
const ofRun = /^(RUN_TIMEOUT$|STAGE_TIMEOUT(\.|$))|^xstate\.after\.run/;
/** What a timer limits: one attempt, or all that a stage or the run may take. */
export const limitOf = (id: string): 'attempt' | 'whole' | null =>
  ofAttempt.test(id) ? 'attempt' : ofRun.test(id) ? 'whole' : null;

/** The stage whose wait or limit it is; null when it is of the run. */
export const stageOfTimer = (id: string): string | null => {
  if (id.startsWith(ofTotal)) return id.slice(ofTotal.length);
  const [phase, stage = null] = id.split('.').toReversed();
  return ['attempting', 'verifying', 'backingOff'].includes(phase ?? '') ? stage : null;
};

const backoff = 'xstate.after.backoff.';
/** The stage that waits for its next attempt; null when the timer is none of a backoff. */
export const backoffOf = (id: string): string | null =>
  id.startsWith(backoff) ? (id.split('.').at(-2) ?? null) : null;
