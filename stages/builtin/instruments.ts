import { z } from 'zod';

/**
 * What the rules need to know of an instrument: its smallest price step and the distance of its
 * target, in points.
 */
const specSchema = z.object({ tick: z.number().positive(), target: z.number().positive() });
export type InstrumentSpec = z.infer<typeof specSchema>;

/** Ticks are those of CME Group's contract specifications, targets those of the strategy. */
const known: Readonly<Record<string, InstrumentSpec>> = {
  ES: { tick: 0.25, target: 10 },
  NQ: { tick: 0.25, target: 50 },
  YM: { tick: 1, target: 100 },
  CL: { tick: 0.01, target: 0.5 },
  NG: { tick: 0.001, target: 0.05 },
  GC: { tick: 0.1, target: 5 },
  RTY: { tick: 0.1, target: 10 },
};

export const specsOption = z.record(z.string(), specSchema).default({});
/** @param more further instruments, or other figures for known ones. */
export const specOf = (
  name: string,
  more: Record<string, InstrumentSpec> = {},
): InstrumentSpec | null => more[name] ?? known[name] ?? null;
