import { z } from 'zod';
import { closed } from '../definition/closed.ts';
import { freeText } from '../definition/free-text.ts';
import {
  type ScheduleField,
  scheduleFields,
  scheduleIdSchema,
  scheduleShape,
} from '../definition/schedule.ts';
import { nameParam, wholeNumber } from './schemas.ts';

const instant = z.iso
  .datetime({ offset: true, error: 'expected an instant such as 2026-11-24T06:00:00Z' })
  .refine((text) => text >= '1970' && text < '2200', 'expected an instant from 1970 to 2199');
const reason = freeText(1000).optional();
const count = (byDefault: number, max: number) => wholeNumber(1, max).default(byDefault);
/** Every field may be null: back to its default. */
const changeShape = Object.fromEntries(
  scheduleFields.map((field) => [field, scheduleShape[field].nullable()]),
) as {
  [field in ScheduleField]: z.ZodNullable<(typeof scheduleShape)[field]>;
};

export const scheduleIdParam = scheduleIdSchema;
export const backfillIdParam = z
  .string()
  .regex(/^b_[0-9A-HJKMNP-TV-Z]{26}$/, 'expected the id of a backfill such as b_01J9…');

export const schedulesQuery = closed({ pipeline: nameParam.optional() });
export const createBody = closed({
  id: scheduleIdSchema.optional(),
  pipeline: nameParam.optional(),
  ...scheduleShape,
});
export const changeBody = closed({
  ...changeShape,
  revert: z.array(z.enum(scheduleFields)).optional(),
});
export const classicBody = closed(changeShape);
export const pauseBody = closed({ reason });
export const emptyBody = closed({});
export const slotsQuery = closed({ before: instant.optional(), limit: count(50, 500) });
export const upcomingQuery = closed({
  limit: count(20, 200),
  per_schedule: z.coerce.number().int().min(1).max(200).optional(),
});
export const backfillBody = closed({
  from: instant,
  to: instant,
  dry_run: z.boolean().default(false),
  again: z.boolean().default(false),
  reason,
});

/** More than a year of a daily schedule. */
const maxPreviewed = 1000;
const which = {
  id: scheduleIdSchema.optional(),
  pipeline: nameParam.optional(),
  from: instant.optional(),
};
const { cron, timezone, every, overlap, dst_gap, dst_fold } = scheduleShape;
/** In an address a number is a text, and "5m" is one anyway. */
const everyText = z.preprocess(
  (value) => (typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value),
  every,
);
export const previewQuery = closed({
  ...which,
  cron,
  timezone,
  every: everyText,
  overlap,
  dst_gap,
  dst_fold,
  count: count(10, maxPreviewed),
});
export const previewBody = closed({
  ...which,
  ...changeShape,
  count: z.int().min(1).max(maxPreviewed).default(10),
});

export const removedSchema = z.object({ removed: z.string() });
