import { z } from 'zod';

const instant = z.iso.datetime({ precision: 3 });

/** What a fact is about; `slot-…` is what became of a slot. */
const whyCodes = [
  'slot-started',
  'slot-queued',
  'slot-waiting',
  'slot-skipped',
  'slot-missed',
  'slot-blocked',
  'slot-refused',
  'slot-cancelled',
  'undecided',
  'not-yet',
  'disabled',
  'not-in-force',
  'forgotten',
  'not-due',
  'broken-schedule',
  'lost-schedule',
  'no-schedule',
  'paused',
  'held-up',
  'service-away',
  'run-live',
  'run-before',
  'start-refused',
  'clocks',
  'file-faults',
] as const;
export type WhyCode = (typeof whyCodes)[number];

const factSchema = z.object({
  code: z.enum(whyCodes),
  text: z.string(),
  schedule: z.string().nullable(),
  slot: instant.nullable(),
  run_id: z.string().nullable(),
  /** The event that says so. */
  seq: z.int().nullable(),
});
export type WhyFact = z.infer<typeof factSchema>;

/** Why a pipeline did what it did at a time, or nothing. */
export const whySchema = z
  .object({
    pipeline: z.string(),
    /** What was asked, as it was written; null = now. */
    asked: z.string().nullable(),
    at: instant,
    timezone: z.string(),
    /** How the time was read. */
    read_as: z.string(),
    /** The reason, in one sentence. */
    answer: z.string(),
    /** All that is known, the most telling first. */
    facts: z.array(factSchema),
    /** What one can do about it. */
    todo: z.array(z.string()),
    as_of_seq: z.int(),
  })
  .meta({ id: 'Why' });
export type Why = z.infer<typeof whySchema>;
