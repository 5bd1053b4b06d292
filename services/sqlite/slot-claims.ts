import type { SlotClaim, SlotRow } from '../store/slot-store.ts';
import type { Database } from './database.ts';

export const slotColumns =
  'schedule_id, backfill, slot, slot_to, slots, decision, run_id, reason, policy, would, at';
/** A slot is decided once. Only one that waits may still become something else. */
export const insertSlot = (db: Database, row: SlotRow): boolean =>
  db.run(
    `INSERT INTO slots (${slotColumns}) VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (schedule_id, backfill, slot) DO UPDATE SET
       decision = excluded.decision, run_id = excluded.run_id, reason = excluded.reason, at = excluded.at WHERE slots.decision = 'waiting'`,
    row.scheduleId,
    row.backfill,
    row.slot,
    row.slotTo,
    row.count,
    row.decision,
    row.runId,
    row.reason,
    row.policy,
    row.would,
    row.at,
  ).changes === 1;

/** Is the slot still to be decided? Asked inside the transaction that decides it. */
export const isOpen = (
  db: Database,
  { scheduleId, backfill, slot }: Pick<SlotRow, 'scheduleId' | 'backfill' | 'slot'>,
): boolean => {
  const row = db.get(
    'SELECT decision FROM slots WHERE schedule_id = ? AND backfill = ? AND slot = ?',
    scheduleId,
    backfill,
    slot,
  );
  if (row) return row.decision === 'waiting';
  // A slot of a backfill is there from its beginning; one that is not was never part of it.
  if (backfill !== '') return false;
  const schedule = db.get('SELECT decided_to FROM schedules WHERE schedule_id = ?', scheduleId);
  return schedule !== undefined && (schedule.decided_to as number) < slot;
};

export const raiseMark = (db: Database, { scheduleId, backfill, slotTo }: SlotRow): void => {
  if (backfill === '')
    db.run(
      'UPDATE schedules SET decided_to = ? WHERE schedule_id = ? AND decided_to < ?',
      slotTo,
      scheduleId,
      slotTo,
    );
};

/**
 * Records what became of a claimed slot. Must stand inside the transaction that began or refused
 * the run.
 */
export const recordClaim = (
  db: Database,
  claim: SlotClaim,
  became: Pick<SlotRow, 'decision' | 'runId' | 'reason'>,
  at: number,
): void => {
  const { scheduleId, backfill, slot, policy, would } = claim;
  const row = { scheduleId, backfill, slot, slotTo: slot, count: 1, policy, would, ...became, at };
  insertSlot(db, row);
  raiseMark(db, row);
};
