import { z } from 'zod';
import { unitOptions } from '../options.ts';
import { columnNames } from './translator-layout.ts';

const isZone = (zone: string) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
};

export const optionsSchema = z.strictObject({
  ...unitOptions,
  raw: z.string().min(1),
  out: z.string().min(1),
  /**
   * `daily`: a `date` column, one file per instrument or several. `intraday`: a `timestamp_utc`
   * column, files below `1m/`.
   */
  layout: z.enum(['daily', 'intraday']).default('daily'),
  /** The files' own column names, where they differ: `{ close: Last }`. */
  columns: z.partialRecord(z.enum(columnNames), z.string()).default({}),
  /** The exchange's zone, in which intraday bars are written. */
  timezone: z
    .string()
    .refine(isZone, 'expected a time zone such as America/Chicago')
    .default('America/Chicago'),
  /**
   * Exchange time at which a trading day begins, on the evening before when it is noon or later;
   * CME's begin at 17:00.
   */
  day_starts: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time such as "17:00", in quotes')
    .default('17:00'),
  /**
   * An instrument with a greater share of rejected rows, and at least ten of them, fails; 0 allows
   * none at all.
   */
  max_reject_ratio: z.number().min(0).max(1).default(0.01),
  /** What the column `source` says per instrument; the file's name otherwise. */
  sources: z.record(z.string(), z.string()).default({}),
  /** Instruments whose prices may be below zero. */
  allow_negative: z.array(z.string()).default([]),
  /**
   * Intraday: raw bytes that are read together, in MB. 16 are about 300,000 rows: large enough to
   * be fast, small enough for a worker.
   */
  chunk_mb: z.number().min(0.1).max(1000).default(16),
  /** What the column `synthetic` says: true for bars that no exchange has made. */
  synthetic: z.boolean().default(false),
});
export type Options = z.infer<typeof optionsSchema>;

/** Raised whenever the same raw files would give other rows or other files. */
export const translatorVersion = 3;

/** Those options that decide what is in the files: another value of one makes every file anew. */
export const contentOf = ({
  layout,
  columns,
  timezone,
  day_starts,
  max_reject_ratio,
  sources,
  allow_negative,
  synthetic,
}: Options) => ({
  layout,
  columns,
  timezone,
  day_starts,
  max_reject_ratio,
  sources,
  allow_negative,
  synthetic,
});
