import type { Args } from '../../machines/context.ts';
import { valuesOf } from '../../machines/guard-values.ts';
import {
  type Inspected,
  type Judgement,
  jsonOf,
  recordIn,
  snapshotOf,
  textIn,
} from './inspected-frame.ts';
import { leavesOf } from './state-value.ts';

/** The stage whose state a path is, of those that the run has. */
const stageOf = (path: string, order: unknown): string | null =>
  path.split('.').find((name) => Array.isArray(order) && order.includes(name)) ?? null;

/** What a guard judged, in the words of the chart; null for one of another version of it. */
const sayOf = (guard: string, args: unknown, stage: string): string | null => {
  try {
    // Whatever a frame holds: a guard that misses something in it throws.
    return textIn(valuesOf(guard, args as Args, { stage }));
  } catch {
    return null;
  }
};

/**
 * The guards that an event asked, with the values they judged: those of the snapshot before it. Of
 * what is asked later in the step, the context of that moment is not told, so it has none.
 */
export const judgedWithValues = (
  told: Inspected,
  before: Inspected | undefined,
): readonly Judgement[] => {
  if (told.judged.length === 0 || !before?.value) return told.judged;
  const context = recordIn(snapshotOf(before)['context']);
  const args = { context, event: recordIn(recordIn(jsonOf(told))['event']) };
  const leaves = leavesOf(before.value);
  const stage = leaves.flatMap((leaf) => stageOf(leaf, context['order']) ?? [])[0] ?? '';
  return told.judged.map((one) => ({
    ...one,
    values: one.values ?? (leaves.length === 1 ? sayOf(one.guard, args, stage) : null),
  }));
};
