import type { PlannedSlot } from '../calendar/planner.ts';
import { nextTurn } from '../host/clock.ts';

/**
 * Slots one by one. A rare pattern costs milliseconds a slot, and nobody must hold up the service
 * by asking for many: between two of them others have their turn.
 */
export const paced = async function* (
  slots: Iterable<PlannedSlot>,
): AsyncGenerator<PlannedSlot, void> {
  for (const slot of slots) {
    yield slot;
    await nextTurn();
  }
};

/** The first of these slots, none later than `until`, at most `limit`. */
export const pacedBetween = async (
  slots: Iterable<PlannedSlot>,
  until: number,
  limit: number,
): Promise<PlannedSlot[]> => {
  const found: PlannedSlot[] = [];
  for await (const slot of paced(slots)) if (slot.slot > until || found.push(slot) >= limit) break;
  return found;
};

/** Left-out slots are read over when the next ones are asked for, but not for ever. */
const maxSkipped = 5000;

/** The first of these slots that are not left out, at most `count`. */
export const pacedNext = async (
  slots: Iterable<PlannedSlot>,
  count: number,
): Promise<PlannedSlot[]> => {
  const found: PlannedSlot[] = [];
  let skipped = 0;
  for await (const slot of paced(slots)) {
    if (slot.skip === null) found.push(slot);
    else skipped += 1;
    if (found.length >= count || skipped >= maxSkipped) break;
  }
  return found;
};
