import { z } from 'zod';
import { closed } from './closed.ts';
import { durationSchema } from './duration.ts';

/** What somebody may be told of. The last two are of the service, all others of a pipeline. */
const notifyCauses = [
  'failed',
  'recovered',
  'late',
  'missed',
  'blocked',
  'partial',
  'approval',
  'stuck',
  'service-degraded',
  'service-recovered',
] as const;
export type NotifyCause = (typeof notifyCauses)[number];
export const serviceCauses: readonly NotifyCause[] = ['service-degraded', 'service-recovered'];

export const channelNameSchema = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,39}$/,
    'expected the name of a channel: lower-case letters, digits and hyphens, at most 40, the first a letter',
  );

const windowPattern = /^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/;
const windowError = 'expected two different clock times such as "22:00-06:00"';
const quietSchema = z
  .string()
  .refine((text) => windowPattern.test(text) && text.slice(0, 5) !== text.slice(6), {
    error: windowError,
  });

/** Who is told of what; in a pipeline file and in the settings of the service alike. */
const notifyRuleSchema = closed({
  on: z.array(z.enum(notifyCauses)).min(1),
  to: z.array(channelNameSchema).min(1).max(20),
  /** Of `failed`: so many failed runs in a row. */
  after: z.int().min(1).max(1000).default(1),
  /** Held in this time of the day, then told as one message. */
  quiet: quietSchema.optional(),
  /** A trouble that lasts is told again so often, and not more often. */
  repeat: durationSchema.refine((ms) => ms >= 60_000, { error: 'must be at least 1m' }).optional(),
});
export type NotifyRule = z.output<typeof notifyRuleSchema>;
export const notifySchema = z.array(notifyRuleSchema).max(50);
