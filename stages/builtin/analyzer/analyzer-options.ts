import { z } from 'zod';
import { specsOption } from '../instruments.ts';
import { unitOptions } from '../options.ts';

export const optionsSchema = z.strictObject({
  ...unitOptions,
  in: z.string().min(1),
  out: z.string().min(1),
  /**
   * Daily bars: bars of the rolling columns, which carry it in their names. 20 is about a month of
   * trading days.
   */
  window: z.number().int().min(2).max(1000).default(20),
  /** Daily bars: points by which a level must be passed to count as broken. */
  tick: z.number().nonnegative().default(0.01),
  /**
   * Intraday bars: tick and target of further instruments, or others than the known ones: `{ ZB: {
   * tick: 0.03125, target: 1 } }`.
   */
  specs: specsOption,
  /** Intraday bars: the exchange's zone, by whose clock a day is over. */
  timezone: z.string().default('America/Chicago'),
});
export type Options = z.infer<typeof optionsSchema>;

export const contentOf = ({ window, tick, specs, timezone }: Options) => ({
  window,
  tick,
  specs,
  timezone,
});
