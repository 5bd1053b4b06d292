import { z } from 'zod';
import { lintFindingSchema } from '../definition/finding.ts';
import { scheduleShape } from '../definition/schedule.ts';

const instant = z.iso.datetime({ precision: 3 });
const who = z.object({ by: z.string(), at: instant });

/** What became of a slot. `count` > 1 = one row for many missed slots, up to `slot_to`. */
const slotViewSchema = z.object({
  schedule: z.string(),
  slot: instant,
  slot_to: instant,
  count: z.int(),
  decision: z.enum([
    'started',
    'queued',
    'skipped',
    'missed',
    'blocked',
    'refused',
    'waiting',
    'cancelled',
  ]),
  /** Why no run began; null when one did. */
  reason: z.string().nullable(),
  /** The rule that decided. */
  policy: z.string(),
  /** What the slot does when nothing is in its way. */
  would: z.string(),
  run_id: z.string().nullable(),
  run_number: z.int().nullable(),
  /** The state of that run now; null when retention has taken it. */
  run_state: z.string().nullable(),
  backfill: z.string().nullable(),
  decided_at: instant,
});
export type SlotView = z.infer<typeof slotViewSchema>;

const shape = scheduleShape;
const summaryShape = {
  id: z.string(),
  pipeline: z.string(),
  source: z.enum(['file', 'api']),
  enabled: z.boolean(),
  cron: z.string().nullable(),
  every_ms: z.int().nullable(),
  at: z.array(z.string()).nullable(),
  timezone: z.string(),
  /**
   * Slots that will fire, unless something is in their way; none while it is disabled or all are
   * paused.
   */
  next_slots: z.array(instant),
  /** Why it cannot run at all, e.g. a calendar that cannot be read. */
  problem: z.string().nullable(),
};
/** What the stream's snapshot says of a schedule. */
export const scheduleSummarySchema = z.object({ ...summaryShape, last: slotViewSchema.nullable() });

/** A schedule as it is in force, who changed what, and what became of its latest slots. */
export const scheduleViewSchema = z
  .object({
    ...summaryShape,
    /** Who enabled or disabled it last; null when nobody has touched it since it was made. */
    enabled_set: who.nullable(),
    params: z.record(z.string(), z.unknown()),
    overlap: shape.overlap.unwrap(),
    missed: shape.missed.unwrap(),
    missed_window_ms: z.int(),
    missed_max: z.int(),
    dst_gap: shape.dst_gap.unwrap(),
    dst_fold: shape.dst_fold.unwrap(),
    jitter_ms: z.int(),
    start: z.string().nullable(),
    end: z.string().nullable(),
    blackout: z.array(z.record(z.string(), z.unknown())),
    skip_days: z.record(z.string(), z.unknown()),
    only_when_new: z.array(z.string()),
    /** Milliseconds after the slot, or a clock time such as 06:30. */
    deadline: z.union([z.int(), z.string()]).nullable(),
    /** What may go wrong with it, also while it is disabled. */
    lint: z.array(lintFindingSchema.omit({ pointer: true, line: true })),
    /** What the API has changed; it wins until the file changes the same field. */
    overrides: z.array(
      z.object({ field: z.string(), value: z.unknown(), in_file: z.unknown(), ...who.shape }),
    ),
    version: z.int(),
    created: who,
    updated_at: instant,
    /** The newest first. */
    last: z.array(slotViewSchema),
  })
  .meta({ id: 'Schedule' });
export type ScheduleView = z.infer<typeof scheduleViewSchema>;

/** A pipeline's main schedule, in the words of clients that know only one. */
export const classicScheduleSchema = z.object({
  cron: z.string().nullable(),
  timezone: z.string(),
  enabled: z.boolean(),
  overlap: z.string(),
  missed: z.string(),
  dst_gap: z.string(),
  dst_fold: z.string(),
  next_slots: z.array(z.string()),
});
export type ClassicSchedule = z.infer<typeof classicScheduleSchema>;
export type ScheduleSummary = z.infer<typeof scheduleSummarySchema>;

/**
 * A slot that is to come. `predicted` is what it will do if runs take as long as they usually do.
 */
const comingShape = {
  slot: instant,
  local: z.string(),
  /** The slot plus its jitter. */
  fires_at: instant,
  /** `waiting` = another schedule begins in the same second, and this one runs next. */
  predicted: z.enum(['start', 'queue', 'cancel_running', 'waiting', 'skip', 'left_out']),
  why: z.string().nullable(),
  notes: z.array(z.string()),
};
export const previewSchema = z.object({
  timezone: z.string(),
  /**
   * Median of the latest twenty successful runs; null when there are none, or no pipeline was
   * named.
   */
  usual_duration_ms: z.int().nullable(),
  slots: z.array(z.object(comingShape)),
  warnings: z.array(z.string()),
});
export const upcomingSchema = z.object({
  items: z.array(z.object({ schedule: z.string(), pipeline: z.string(), ...comingShape })),
  as_of_seq: z.int(),
});
export type Coming = z.infer<typeof previewSchema>['slots'][number];
export type Preview = z.infer<typeof previewSchema>;
export type Upcoming = z.infer<typeof upcomingSchema>;

export const backfillSchema = z.object({
  /** Null for a dry run. */
  id: z.string().nullable(),
  schedule: z.string(),
  from: instant,
  to: instant,
  state: z.enum(['planned', 'running', 'done', 'cancelled']),
  by: z.string(),
  reason: z.string().nullable(),
  created_at: instant,
  counts: z.record(z.string(), z.int()),
  /** Each slot of the window, and what is done with it; in the answer to the request only. */
  slots: z
    .array(
      z.object({ slot: instant, local: z.string(), runs: z.boolean(), why: z.string().nullable() }),
    )
    .optional(),
});
export type Backfill = z.infer<typeof backfillSchema>;

const seen = { as_of_seq: z.int() };
export const schedulesSchema = z.object({
  items: z.array(scheduleViewSchema),
  paused: z.object({ by: z.string(), at: z.string(), reason: z.string().nullable() }).nullable(),
  ...seen,
});
export type ScheduleList = z.infer<typeof schedulesSchema>;
export const slotsSchema = z.object({ items: z.array(slotViewSchema), ...seen });
export type SlotList = z.infer<typeof slotsSchema>;
/** Whether all schedules are held, and who said so. */
export const pauseSchema = z.object({
  paused: z.boolean(),
  by: z.string(),
  reason: z.string().nullable(),
});
export type SchedulesPause = z.infer<typeof pauseSchema>;
export const backfillsSchema = z.object({ items: z.array(backfillSchema), ...seen });
export type BackfillList = z.infer<typeof backfillsSchema>;
