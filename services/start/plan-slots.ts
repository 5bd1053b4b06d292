import type { NewEvent } from '../../wire/events.ts';
import type { SlotFacts, SlotKey, SlotRow, SlotWrites } from '../store/slot-store.ts';

/** Is the slot still to be decided? */
export const isOpen = (
  { decision, decidedTo }: SlotFacts,
  { backfill, slot }: Pick<SlotKey, 'backfill' | 'slot'>,
): boolean => {
  if (decision !== null) return decision === 'waiting';
  // A slot of a backfill is there from its beginning; one that is not was never part of it.
  return backfill === '' && decidedTo !== null && decidedTo < slot;
};

/**
 * Decides slots that start no run; those decided already stay as they are. Pure: given the facts of
 * these rows, in their order.
 */
export const planSlots =
  (
    rows: readonly SlotRow[],
    event: NewEvent | null,
    { pipeline, at }: { pipeline: string; at: number },
  ) =>
  (facts: readonly SlotFacts[]): SlotWrites => {
    const open = rows.filter((row, index) => {
      const known = facts[index];
      return known !== undefined && isOpen(known, row);
    });
    const marks = rows.filter(({ backfill }) => backfill === '');
    return { rows: open, marks, event: open.length > 0 ? event : null, pipeline, at };
  };
