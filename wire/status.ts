import { z } from 'zod';
import { commandTypes } from './command-table.ts';
import { failureSchema } from './failure.ts';

const instant = z.iso.datetime({ precision: 3 });
const json = z.record(z.string(), z.unknown());

const canonicalSchema = z.enum(['idle', 'running', 'stopped', 'error', 'done']);
/** How a run can end. */
export const outcomes = ['success', 'noop', 'partial', 'failed', 'stopped', 'rejected'] as const;
const outcomeSchema = z.enum(outcomes);
export const triggerSchema = z.enum(['manual', 'api', 'schedule', 'retry', 'backfill', 'webhook']);
export const commandTypeSchema = z.enum(commandTypes);

export const progressSchema = z.object({
  done: z.number().optional(),
  total: z.number().optional(),
  unit: z.string().optional(),
  note: z.string().optional(),
});
export type Progress = z.infer<typeof progressSchema>;

const stageStatusSchema = z.object({
  name: z.string(),
  /** The group in which it works beside others; absent where it stands alone. */
  group: z.string().optional(),
  /** What runs at the end of a run: `hook` after a failure, `finally` always. Absent: a stage. */
  role: z.enum(['hook', 'finally']).optional(),
  state: z.enum([
    'pending',
    'running',
    'retrying',
    'paused',
    'awaiting_approval',
    'succeeded',
    'skipped',
    'reused',
    'stopped',
    'failed',
  ]),
  attempt: z.number().int(),
  max_attempts: z.number().int(),
  started_at: instant.nullable(),
  ended_at: instant.nullable(),
  duration_ms: z.number().nullable(),
  /**
   * The last sign of life of the attempt that works, at most five seconds old; null when none works
   * or none was heard.
   */
  heartbeat_at: instant.nullable(),
  /** How far a stage of a group is; of one that stands alone the run says it. */
  progress: progressSchema.nullable().optional(),
  outputs: json,
  metrics: json,
  reason: z.string().nullable(),
});
export type StageStatus = z.infer<typeof stageStatusSchema>;

/**
 * What every client sees of a run: the body of GET status, of 202 answers and of stream snapshots.
 */
export const statusSchema = z
  .object({
    run_id: z.string().nullable(),
    pipeline: z.string(),
    number: z.number().int().nullable(),
    /**
     * IDLE, QUEUED, STARTING, RUNNING_<STAGE>, RETRYING, PAUSED, AWAITING_APPROVAL, STOPPING, DONE, FAILED, STOPPED.
     */
    state: z.string(),
    canonical: canonicalSchema,
    stage: z.string().nullable(),
    attempt: z.number().int().nullable(),
    max_attempts: z.number().int().nullable(),
    version: z.number().int(),
    as_of_seq: z.number().int(),
    outcome: outcomeSchema.nullable(),
    why: z.string(),
    allowed: z.array(commandTypeSchema),
    /** A pause is asked for and comes where nothing works. */
    pause_requested: z.boolean(),
    trigger: triggerSchema.nullable(),
    only_stage: z.string().nullable(),
    params: json,
    created_at: instant.nullable(),
    started_at: instant.nullable(),
    updated_at: instant.nullable(),
    ended_at: instant.nullable(),
    duration_ms: z.number().nullable(),
    retry_count: z.number().int(),
    error: failureSchema.nullable(),
    progress: progressSchema.nullable(),
    stages: z.array(stageStatusSchema),
    lock: z.object({ key: z.string(), since: instant }).nullable(),
    last_run_id: z.string().nullable(),
    metadata: json,
  })
  .meta({ id: 'Status' });
export type Status = z.infer<typeof statusSchema>;
export type Trigger = z.infer<typeof triggerSchema>;
