import { z } from 'zod';
import { attemptSchema } from './attempts.ts';
import { eventSchema } from './events.ts';
import { scheduleSummarySchema } from './schedule-view.ts';
import { statusSchema } from './status.ts';

const instant = z.iso.datetime({ precision: 3 });
const v = z.literal(1);
/** `<epoch>.<seq>`: the position after an event; opaque to clients. */
const cursor = z.string().regex(/^[0-9a-z]+\.\d{1,15}$/);
const seq = z.int();

/** Snapshot of everything: every live run, and the latest one of each pipeline. */
const allDataSchema = z.object({
  service: z.object({
    status: z.string(),
    default_pipeline: z.string().nullable(),
    pipelines: z.array(
      z.object({ name: z.string(), title: z.string(), stages: z.array(z.string()) }),
    ),
  }),
  schedules: z.array(scheduleSummarySchema),
  runs: z.array(statusSchema),
  /** Pipelines that show IDLE by a reset, with the run that it hides. */
  resets: z.record(z.string(), z.string().nullable()),
  recent_events: z.array(eventSchema),
});
const runDataSchema = z.object({
  run: statusSchema,
  stages: statusSchema.shape.stages,
  attempts: z.array(attemptSchema),
  timers: z.array(z.object({ id: z.string(), due_at: instant, delay_ms: z.number() })),
  recent_events: z.array(eventSchema),
});

const eventFrame = eventSchema.extend({ type: z.literal('event'), prev: seq, cursor });
const progressFrame = eventSchema
  .pick({
    v: true,
    run_id: true,
    pipeline: true,
    stage: true,
    event: true,
    timestamp: true,
    data: true,
  })
  .extend({ type: z.literal('event'), ephemeral: z.literal(true) });

/** Every frame of the event sockets (v=1), by its `type`. */
export const frameSchemas = {
  snapshot: z.object({
    type: z.literal('snapshot'),
    v,
    epoch: z.string(),
    as_of_seq: seq,
    cursor,
    resume: z.enum(['fresh', 'reset', 'gap']),
    reason: z.enum(['epoch', 'expired', 'future']).optional(),
    heartbeat_ms: z.int(),
    time: instant,
    server_version: z.string(),
    ui_build: z.string(),
    data: z.union([allDataSchema, runDataSchema]),
  }),
  resumed: z.object({
    type: z.literal('resumed'),
    v,
    epoch: z.string(),
    from_seq: seq,
    head_seq: seq,
    cursor,
    heartbeat_ms: z.int(),
    time: instant,
  }),
  event: eventFrame,
  progress: progressFrame,
  events: z.object({ type: z.literal('events'), v, events: z.array(eventFrame).max(100) }),
  heartbeat: z.object({
    type: z.literal('heartbeat'),
    v,
    seq,
    cursor,
    epoch: z.string(),
    time: instant,
  }),
  gap: z.object({ type: z.literal('gap'), v, from_seq: seq, to_seq: seq }),
  end: z.object({ type: z.literal('end'), v, seq, cursor, data: z.object({ state: z.string() }) }),
  problem: z.object({
    type: z.literal('problem'),
    v,
    problem: z.looseObject({
      type: z.string(),
      title: z.string(),
      status: z.int(),
      detail: z.string(),
      code: z.string(),
    }),
  }),
} as const;

type Frames = typeof frameSchemas;
export type SnapshotFrame = z.infer<Frames['snapshot']>;
export type EventFrame = z.infer<Frames['event']>;
export type ProgressFrame = z.infer<Frames['progress']>;
export type Frame = { [name in keyof Frames]: z.infer<Frames[name]> }[keyof Frames];

/**
 * A frame of the log sockets. `offset` is where `text` begins in the file of its stream, in bytes;
 * `cursor` is for `since`.
 */
export const logFrameSchemas = {
  log: z.object({
    type: z.literal('log'),
    v,
    run_id: z.string(),
    stage: z.string(),
    attempt: z.int(),
    stream: z.enum(['stdout', 'stderr']),
    offset: z.int(),
    next_offset: z.int(),
    text: z.string(),
    cursor: z.string(),
  }),
  heartbeat: z.object({
    type: z.literal('heartbeat'),
    v,
    cursor: z.string().nullable(),
    time: instant,
  }),
  end: z.object({
    type: z.literal('end'),
    v,
    cursor: z.string().nullable(),
    data: z.object({ state: z.string() }),
  }),
  problem: frameSchemas.problem,
} as const;
export type LogFrame = {
  [name in keyof typeof logFrameSchemas]: z.infer<(typeof logFrameSchemas)[name]>;
}[keyof typeof logFrameSchemas];
