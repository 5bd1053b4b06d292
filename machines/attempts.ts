import { z } from 'zod';
import type { JournalEvent } from './events.ts';
import { failureSchema } from './failure.ts';

const instant = z.iso.datetime({ precision: 3 });
const ends = ['succeeded', 'failed', 'skipped', 'stopped', 'lost'] as const;

/** One attempt of a stage, from its pair of events (S42). */
export const attemptSchema = z.object({
  stage: z.string(),
  attempt: z.int(),
  state: z.enum(['running', ...ends]),
  started_at: instant,
  ended_at: instant.nullable(),
  duration_ms: z.number().nullable(),
  error: failureSchema.nullable(),
});
export type Attempt = z.infer<typeof attemptSchema>;

/** The events that `foldAttempt` looks at. */
export const attemptEvents: readonly JournalEvent['event'][] = ['started', ...ends];

/** The attempts of a run after one more of its events; the same fold serves the API and every client. */
export const foldAttempt = (attempts: Attempt[], { stage, event, attempt, timestamp, data }: JournalEvent): Attempt[] => {
  if (attempt === undefined || !attemptEvents.includes(event)) return attempts;
  if (event === 'started') {
    const opened: Attempt = { stage, attempt, state: 'running', started_at: timestamp, ended_at: null, duration_ms: null, error: null };
    return [...attempts, opened];
  }
  return attempts.map((one) => {
    if (one.stage !== stage || one.attempt !== attempt || one.ended_at !== null) return one;
    const duration_ms = Date.parse(timestamp) - Date.parse(one.started_at);
    const error = (data.error as Attempt['error'] | undefined) ?? null;
    return { ...one, state: event as Attempt['state'], ended_at: timestamp, duration_ms, error };
  });
};
