import type { SlotDecision, SlotFacts, SlotKey, SlotRow } from '../store/slot-store.ts';
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

/** What is known of a slot inside the transaction that decides it. */
export const slotFacts = (db: Database, { scheduleId, backfill, slot }: SlotKey): SlotFacts => {
  const row = db.get(
    'SELECT decision FROM slots WHERE schedule_id = ? AND backfill = ? AND slot = ?',
    scheduleId,
    backfill,
    slot,
  );
  const schedule = db.get('SELECT decided_to FROM schedules WHERE schedule_id = ?', scheduleId);
  return {
    decision: (row?.decision as SlotDecision | undefined) ?? null,
    decidedTo: (schedule?.decided_to as number | undefined) ?? null,
  };
};

export const raiseMark = (
  db: Database,
  { scheduleId, backfill, slotTo }: Pick<SlotRow, 'scheduleId' | 'backfill' | 'slotTo'>,
): void => {
  if (backfill === '')
    db.run(
      'UPDATE schedules SET decided_to = ? WHERE schedule_id = ? AND decided_to < ?',
      slotTo,
      scheduleId,
      slotTo,
    );
};
