import { z } from 'zod';
import { closed } from './closed.ts';
import { durationSchema } from './duration.ts';
import { freeText } from './free-text.ts';
import { zoneSchema } from './time-zone.ts';

const reserved = ['preview', 'upcoming', 'pause', 'resume', 'backfills'];
/** Unique in the whole service: it stands in addresses and is what people say. */
export const scheduleIdSchema = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,39}$/,
    'expected an id of lower-case letters, digits and hyphens that begins with a letter, at most 40 long',
  )
  .refine((id) => !reserved.includes(id), { error: `is a reserved word (${reserved.join(', ')})` });

const momentPattern = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(\.\d{1,3})?(Z|[+-]\d{2}:\d{2})?)?$/;
/**
 * Does a time say its zone (`Z`, `+02:00`)? Without one it is the local time of the schedule's
 * zone.
 */
export const hasZone = (moment: string): boolean => /T.*(Z|[+-]\d{2}:\d{2})$/.test(moment);
/**
 * A time without a zone, read as if UTC's clocks showed it. @returns milliseconds, NaN when it is
 * none
 */
export const parseMoment = (moment: string): number =>
  Date.parse(moment.length === 10 || hasZone(moment) ? moment : `${moment}Z`);
/** Nobody plans further, and what clocks did or will do there nobody knows. */
const isNear = (text: string): boolean => text >= '1970' && text < '2200';
const isMoment = (text: string): boolean =>
  momentPattern.test(text) &&
  isNear(text) &&
  z.iso.date().safeParse(text.slice(0, 10)).success &&
  !Number.isNaN(parseMoment(text));
const momentWords =
  'expected a time such as 2026-12-24T18:00 (local), 2026-12-24T18:00:00Z or 2026-12-24';
const momentSchema = z.string().refine(isMoment, { error: momentWords });
const clockPattern = /^([01]\d|2[0-3]):[0-5]\d$/;
export const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

const blackoutSchema = closed({
  from: z.string(),
  to: z.string(),
  days: z.array(z.enum(weekdays)).min(1).optional(),
  reason: freeText(200).optional(),
}).superRefine(({ from, to, days }, ctx) => {
  const daily = clockPattern.test(from) && clockPattern.test(to);
  const once = isMoment(from) && isMoment(to);
  if (!daily && !once)
    ctx.addIssue({
      code: 'custom',
      message:
        'expected from and to as two clock times such as "22:00", or as two times with their dates',
    });
  if (once && days)
    ctx.addIssue({
      code: 'custom',
      path: ['days'],
      message: 'days belong to a window of clock times',
    });
});

const isInside = (path: string): boolean =>
  !path.startsWith('/') && !path.split('/').includes('..');
const insideError = { error: 'expected a path inside the project' };
const skipDaysSchema = closed({
  weekends: z.boolean().optional(),
  dates: z
    .array(
      z
        .string()
        .regex(
          /^(\d{4}-)?\d{2}-\d{2}$/,
          'expected a date such as 2026-12-25, or 12-25 for every year',
        ),
    )
    .max(1000)
    .optional(),
  file: z.string().min(1).refine(isInside, insideError).optional(),
});

/**
 * Every field of a schedule but its id, as file and API write it; none has a default here, so that
 * a change names only what it changes.
 */
export const scheduleShape = {
  cron: z.string().max(200).optional(),
  every: durationSchema.refine((ms) => ms >= 1000, { error: 'must be at least 1s' }).optional(),
  at: z
    .union([momentSchema.transform((one) => [one]), z.array(momentSchema).min(1).max(1000)], {
      error: `${momentWords}, or a list of them`,
    })
    .optional(),
  timezone: zoneSchema.optional(),
  enabled: z.boolean().optional(),
  params: z.record(z.string(), z.unknown()).optional(),
  overlap: z.enum(['skip', 'queue_one', 'cancel_running']).optional(),
  missed: z.enum(['none', 'last', 'all']).optional(),
  missed_window: durationSchema.optional(),
  missed_max: z.int().min(1).max(100).optional(),
  dst_gap: z.enum(['run_at_shift', 'skip']).optional(),
  dst_fold: z.enum(['once', 'twice']).optional(),
  jitter: durationSchema
    .refine((ms) => ms <= 3_600_000, { error: 'must be at most 1h' })
    .optional(),
  start: momentSchema.optional(),
  end: momentSchema.optional(),
  blackout: z.array(blackoutSchema).max(100).optional(),
  skip_days: skipDaysSchema.optional(),
  only_when_new: z.array(z.string().min(1).refine(isInside, insideError)).min(1).max(20).optional(),
  /** A run that is not DONE by then is told as late. */
  deadline: z
    .union(
      [
        z.string().regex(clockPattern),
        durationSchema.refine((ms) => ms >= 1000, { error: 'must be at least 1s' }),
      ],
      { error: 'expected a duration after the slot such as 2h, or a clock time such as "06:30"' },
    )
    .optional(),
};
export type ScheduleField = keyof typeof scheduleShape;
export const scheduleFields = Object.keys(scheduleShape) as ScheduleField[];
/** A schedule says when in exactly one of these ways. */
export const timeFields = ['cron', 'every', 'at'] as const satisfies ScheduleField[];

export const scheduleSchema = closed({
  id: scheduleIdSchema.optional(),
  ...scheduleShape,
})
  .superRefine((schedule, ctx) => {
    const given = timeFields.filter((field) => schedule[field] !== undefined);
    if (given.length === 1) return;
    ctx.addIssue({
      code: 'custom',
      message: `a schedule has exactly one of cron, every and at${given.length > 1 ? `, not ${given.join(' and ')}` : ''}`,
    });
  })
  .meta({ oneOf: timeFields.map((key) => ({ required: [key] })) });
/** A schedule as it was written, checked; durations are milliseconds. */
export type ScheduleFile = z.infer<typeof scheduleSchema>;
type Given<T> = { [key in keyof T]-?: Exclude<T[key], undefined> };
type Times = { cron: string } | { everyMs: number } | { at: string[] };
/** A schedule with every default filled in. */
export type ScheduleDefinition = Pick<
  Given<ScheduleFile>,
  | 'timezone'
  | 'enabled'
  | 'params'
  | 'overlap'
  | 'missed'
  | 'blackout'
  | 'skip_days'
  | 'only_when_new'
> & {
  times: Times;
  missedWindowMs: number;
  missedMax: number;
  dstGap: 'run_at_shift' | 'skip';
  dstFold: 'once' | 'twice';
  /** Was `once` asked for? Else it is a default, and the second time is no slot at all. */
  saysOnce: boolean;
  jitterMs: number;
  start: string | null;
  end: string | null;
  /** Milliseconds after the slot, or the next time at which clocks show that; null = none. */
  deadline: number | string | null;
};

const day = 86_400_000;
/** `@daily` and its like, as the pattern each stands for. */
const presets = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);
export const patternOf = (cron: string): string =>
  presets.get(cron.trim().toLowerCase()) ?? cron.trim().replaceAll(/\s+/g, ' ');

/**
 * A pattern that runs in every hour means "every so often": an hour that comes twice is two hours
 * to it.
 */
const namesHours = (times: Times): boolean =>
  'cron' in times &&
  !['*', '*/1', '?', '0-23'].includes(patternOf(times.cron).split(' ').at(-4) ?? '');

/** Fills in the defaults. `timezone` is the pipeline's. */
export const scheduleOf = (file: ScheduleFile, timezone: string): ScheduleDefinition => {
  const times: Times =
    file.cron !== undefined
      ? { cron: file.cron }
      : file.every !== undefined
        ? { everyMs: file.every }
        : { at: file.at ?? [] };
  return {
    times,
    timezone: file.timezone ?? timezone,
    enabled: file.enabled ?? true,
    params: file.params ?? {},
    overlap: file.overlap ?? 'skip',
    missed: file.missed ?? 'none',
    missedWindowMs: file.missed_window ?? day,
    missedMax: file.missed_max ?? 10,
    dstGap: file.dst_gap ?? 'run_at_shift',
    dstFold: file.dst_fold ?? (namesHours(times) ? 'once' : 'twice'),
    saysOnce: file.dst_fold === 'once',
    jitterMs: file.jitter ?? 0,
    start: file.start ?? null,
    end: file.end ?? null,
    deadline: file.deadline ?? null,
    blackout: file.blackout ?? [],
    skip_days: file.skip_days ?? {},
    only_when_new: file.only_when_new ?? [],
  };
};
