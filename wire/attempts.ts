import { z } from 'zod';
import { failureSchema } from './failure.ts';

const instant = z.iso.datetime({ precision: 3 });

/** How an attempt can end. */
export const attemptResults = ['succeeded', 'failed', 'skipped', 'stopped', 'lost'] as const;
export type AttemptResult = (typeof attemptResults)[number];

/** One attempt of a stage, from its pair of events (S42). */
export const attemptSchema = z.object({
  stage: z.string(),
  attempt: z.int(),
  state: z.enum(['running', ...attemptResults]),
  started_at: instant,
  ended_at: instant.nullable(),
  duration_ms: z.number().nullable(),
  error: failureSchema.nullable(),
});
export type Attempt = z.infer<typeof attemptSchema>;
