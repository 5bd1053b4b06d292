import type { Attempt } from './attempts.ts';
import type { JournalEvent } from './events.ts';

/** The events that `foldAttempt` looks at. */
export const attemptEvents: readonly JournalEvent['event'][] = [
  'started',
  'succeeded',
  'failed',
  'skipped',
  'stopped',
  'lost',
];

/**
 * The attempts of a run after one more of its events; the same fold serves the API and every
 * client.
 */
export const foldAttempt = (
  attempts: Attempt[],
  { stage, event, attempt, timestamp, data }: JournalEvent,
): Attempt[] => {
  if (attempt === undefined || !attemptEvents.includes(event)) return attempts;
  if (event === 'started') {
    const opened: Attempt = {
      stage,
      attempt,
      state: 'running',
      started_at: timestamp,
      ended_at: null,
      duration_ms: null,
      error: null,
    };
    return [...attempts, opened];
  }
  return attempts.map((one) => {
    if (one.stage !== stage || one.attempt !== attempt || one.ended_at !== null) return one;
    const duration_ms = Date.parse(timestamp) - Date.parse(one.started_at);
    const error = (data.error as Attempt['error'] | undefined) ?? null;
    return { ...one, state: event as Attempt['state'], ended_at: timestamp, duration_ms, error };
  });
};
