import { z } from 'zod';
import { attemptSchema } from './attempts.ts';
import { eventSchema } from './events.ts';
import { classicScheduleSchema } from './schedule-view.ts';
import { commandTypeSchema, statusSchema } from './status.ts';

const json = z.record(z.string(), z.unknown());
const seen = { as_of_seq: z.int() };

/** A file that a stage left for people. `stage`: the one at work then, if only one was. */
const artefactSchema = z.object({
  name: z.string(),
  bytes: z.int(),
  content_type: z.string(),
  stage: z.string().nullable(),
  at: z.string(),
});
export type Artefact = z.infer<typeof artefactSchema>;

/** One run in full. */
export const runSchema = statusSchema.extend({
  attempts: z.array(attemptSchema),
  artefacts: z.array(artefactSchema),
});
export const runsSchema = z.object({
  items: z.array(statusSchema),
  next_cursor: z.string().nullable(),
  ...seen,
});
export type Runs = z.infer<typeof runsSchema>;

/** Status, recent events, metrics, lock and schedule of a pipeline together. */
export const snapshotSchema = z.object({
  status: statusSchema,
  recent_events: z.array(eventSchema),
  metrics: json,
  lock: statusSchema.shape.lock,
  schedule: classicScheduleSchema,
  ...seen,
});
export type Snapshot = z.infer<typeof snapshotSchema>;

export const eventsSchema = z.object({ items: z.array(eventSchema), ...seen });
export type Events = z.infer<typeof eventsSchema>;

export const causeSchema = z.object({
  kind: z.enum(['command', 'effect', 'timer', 'watchdog', 'recovery', 'queue']),
  actor: z.string().optional(),
});
export type Cause = z.infer<typeof causeSchema>;
const ledgerEvent = z.looseObject({ type: z.string() });
const transitionSchema = z.object({
  n: z.int(),
  version: z.int(),
  at: z.string(),
  from: z.string(),
  to: z.string(),
  event: ledgerEvent,
  cause: causeSchema,
  guards: z.array(z.object({ guard: z.string(), holds: z.boolean() })),
  verdict: z.enum(['accepted', 'refused', 'stale']),
  why: z.string().nullable(),
});
/** The ledger of a run. */
export const transitionsSchema = z.object({ items: z.array(transitionSchema), ...seen });
export type Transitions = z.infer<typeof transitionsSchema>;

/** State and context as one transition left them. */
export const snapshotAtSchema = transitionSchema
  .pick({ version: true, n: true, at: true, from: true, to: true, event: true, cause: true })
  .extend({
    run_id: z.string(),
    value: z.unknown(),
    context: json,
    status: z.string(),
    ...seen,
  });
export type SnapshotAt = z.infer<typeof snapshotAtSchema>;

/** What each command would meet now. */
export const outlookSchema = z.object({
  run_id: z.string(),
  version: z.int(),
  items: z.array(
    z.object({ type: commandTypeSchema, allowed: z.boolean(), why_not: z.string().nullable() }),
  ),
  ...seen,
});
export type CommandOutlook = z.infer<typeof outlookSchema>;

/** `queued`: others of the pipeline that go on waiting. */
export const stoppedSchema = statusSchema.extend({ queued: z.int() });
export type Stopped = z.infer<typeof stoppedSchema>;

export const logMatchesSchema = z.object({
  matches: z.array(z.object({ line: z.int(), offset: z.int(), text: z.string() })),
  next_offset: z.int().nullable(),
  searched_to: z.int(),
  size: z.int(),
});
