import type { SlotFacts, SlotKey, SlotRow, SlotStore } from '../store/slot-store.ts';
import { appendTo, type MemoryPlace } from './memory-place.ts';

const keyOf = ({ scheduleId, backfill, slot }: SlotKey): string =>
  `${scheduleId} ${backfill} ${slot}`;

export const slotFacts = (place: MemoryPlace, slot: SlotKey): SlotFacts => ({
  decision: place.slots.get(keyOf(slot))?.decision ?? null,
  decidedTo: place.schedules.get(slot.scheduleId)?.decidedTo ?? null,
});

/** A slot is decided once. Only one that waits may still become something else. */
const keepSlot = (place: MemoryPlace, row: SlotRow): void => {
  const known = place.slots.get(keyOf(row));
  if (known && known.decision !== 'waiting') return;
  const { decision, runId, reason, at } = row;
  place.slots.set(keyOf(row), known ? { ...known, decision, runId, reason, at } : row);
};
type Mark = Pick<SlotRow, 'scheduleId' | 'backfill' | 'slotTo'>;
const raiseMark = (place: MemoryPlace, { scheduleId, backfill, slotTo }: Mark): void => {
  const row = place.schedules.get(scheduleId);
  if (row && backfill === '' && row.decidedTo < slotTo)
    place.schedules.set(scheduleId, { ...row, decidedTo: slotTo });
};
/** What a run that is begun, or refused, makes of its slot. */
export const claimSlot = (place: MemoryPlace, row: SlotRow): void => {
  keepSlot(place, row);
  raiseMark(place, row);
};

/** Slots, as far as a start has to do with them; nothing here keeps a calendar or a backfill. */
export const memorySlots = (
  place: MemoryPlace,
): Pick<SlotStore, 'schedules' | 'saveSchedule' | 'decideSlots' | 'slots'> => ({
  schedules: async () =>
    [...place.schedules.values()].toSorted(
      (a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1),
    ),
  saveSchedule: async (row, after, events, at) => {
    const known = place.schedules.get(row.id);
    if ((known?.version ?? null) !== after) return false;
    if (!('isRemoved' in row)) {
      const decidedTo = Math.max(row.decidedTo, known?.decidedTo ?? 0);
      place.schedules.set(row.id, { ...row, decidedTo });
    } else {
      place.schedules.delete(row.id);
      const reason = 'the schedule was removed';
      for (const [key, slot] of place.slots)
        if (slot.scheduleId === row.id && slot.decision === 'waiting')
          place.slots.set(key, { ...slot, decision: 'cancelled', reason, at });
    }
    for (const event of events)
      appendTo(place, { ...event, runId: null, pipeline: row.pipeline }, at);
    return true;
  },
  decideSlots: async (asked, plan) => {
    const { rows, marks, rewind, event, pipeline, at } = plan(
      asked.map((slot) => slotFacts(place, slot)),
    );
    if (rewind) throw new Error('no clock is set back here');
    for (const row of rows) keepSlot(place, row);
    for (const mark of marks) raiseMark(place, mark);
    if (event) appendTo(place, { ...event, runId: null, pipeline }, at);
    return rows.length;
  },
  slots: async (filter) => {
    const rows = [...place.slots.values()].map((row) => {
      const run = row.runId === null ? undefined : place.runs.get(row.runId)?.run;
      return { ...row, runState: run?.projection.state ?? null, runNumber: run?.number ?? null };
    });
    if (filter === 'oldestWaiting') {
      const waiting = rows.filter((row) => row.decision === 'waiting');
      const lines = Map.groupBy(
        waiting.toSorted((a, b) => a.slot - b.slot),
        (row) => `${row.scheduleId} ${row.backfill}`,
      );
      return [...lines.values()].flatMap((line) => line.slice(0, 1));
    }
    const { scheduleId, backfill, before, limit } = filter;
    return rows
      .filter(
        (row) =>
          row.scheduleId === scheduleId &&
          (backfill === undefined || row.backfill === backfill) &&
          (before === undefined || row.slot < before),
      )
      .toSorted((a, b) => b.slot - a.slot || b.at - a.at)
      .slice(0, limit);
  },
});
