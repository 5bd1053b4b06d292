import type { NewEvent } from '../../wire/events.ts';
import type {
  BackfillProgress,
  BackfillRow,
  RemovedSchedule,
  ScheduleRow,
  SlotDecision,
  SlotOutcome,
  SlotRow,
  SlotStore,
} from '../store/slot-store.ts';
import type { Database, Row } from './database.ts';
import { insertSlot, raiseMark, slotColumns, slotFacts } from './slot-claims.ts';
import { addEvent } from './writes.ts';

const toSchedule = (row: Row): ScheduleRow => ({
  id: row.schedule_id as string,
  pipeline: row.pipeline as string,
  file: JSON.parse(row.file as string) as ScheduleRow['file'],
  origin: row.origin as ScheduleRow['origin'],
  overrides: JSON.parse(row.overrides as string) as ScheduleRow['overrides'],
  version: row.version as number,
  decidedTo: row.decided_to as number,
  createdAt: row.created_at as number,
  createdBy: row.created_by as string,
  updatedAt: row.updated_at as number,
});
const toSlot = (row: Row): SlotRow => ({
  scheduleId: row.schedule_id as string,
  backfill: row.backfill as string,
  slot: row.slot as number,
  slotTo: row.slot_to as number,
  count: row.slots as number,
  decision: row.decision as SlotDecision,
  runId: row.run_id as string | null,
  reason: row.reason as string | null,
  policy: row.policy as string,
  would: row.would as string,
  at: row.at as number,
});
const toOutcome = (row: Row): SlotOutcome => ({
  ...toSlot(row),
  runState: row.run_state as string | null,
  runNumber: row.run_number as number | null,
});
const toBackfill = (row: Row): BackfillRow => ({
  id: row.backfill as string,
  scheduleId: row.schedule_id as string,
  from: row.from_at as number,
  to: row.to_at as number,
  by: row.made_by as string,
  reason: row.reason as string | null,
  at: row.at as number,
  cancelledBy: row.cancelled_by as string | null,
});

/** Schedules and slots. @param write runs its work in one transaction */
export const createSlotStore = (
  db: Database,
  write: <T>(work: () => T) => Promise<T>,
): Omit<SlotStore, 'passDeadline' | 'deadlineMark'> => {
  const say = (event: NewEvent, pipeline: string, at: number): void =>
    void addEvent(db, { ...event, runId: null, pipeline }, at);
  const remove = (
    { id, pipeline }: RemovedSchedule,
    version: number | null,
    events: NewEvent[],
    at: number,
  ): boolean => {
    const gone = 'DELETE FROM schedules WHERE schedule_id = ? AND version = ?';
    if (db.run(gone, id, version).changes === 0) return false;
    db.run(
      "UPDATE slots SET decision = 'cancelled', reason = 'the schedule was removed', at = ? WHERE schedule_id = ? AND decision = 'waiting'",
      at,
      id,
    );
    for (const event of events) say(event, pipeline, at);
    return true;
  };
  const rewindTo = ({ scheduleId, to }: { scheduleId: string; to: number }): void => {
    const mine = "schedule_id = ?1 AND backfill = '' AND decision = 'missed'";
    db.run(`DELETE FROM slots WHERE ${mine} AND slot > ?2`, scheduleId, to);
    db.run(`UPDATE slots SET slot_to = ?2 WHERE ${mine} AND slot_to > ?2`, scheduleId, to);
    db.run('UPDATE schedules SET decided_to = ? WHERE schedule_id = ?', to, scheduleId);
  };
  return {
    schedules: async () =>
      db.all('SELECT * FROM schedules ORDER BY created_at, schedule_id').map(toSchedule),
    saveSchedule: (row, after, events, at) =>
      write(() => {
        if ('isRemoved' in row) return remove(row, after, events, at);
        const definition = [
          row.pipeline,
          row.origin,
          JSON.stringify(row.file),
          JSON.stringify(row.overrides),
          row.version,
          row.updatedAt,
        ] as const;
        const { changes } =
          after === null
            ? db.run(
                `INSERT OR IGNORE INTO schedules (pipeline, origin, file, overrides, version, updated_at, schedule_id, decided_to, created_at, created_by)
                 VALUES (?,?,?,?,?,?,?,?,?,?)`,
                ...definition,
                row.id,
                row.decidedTo,
                row.createdAt,
                row.createdBy,
              )
            : db.run(
                `UPDATE schedules SET pipeline = ?, origin = ?, file = ?, overrides = ?, version = ?, updated_at = ?, decided_to = max(decided_to, ?)
                 WHERE schedule_id = ? AND version = ?`,
                ...definition,
                row.decidedTo,
                row.id,
                after,
              );
        if (changes === 0) return false;
        for (const event of events) say(event, row.pipeline, at);
        return true;
      }),
    decideSlots: (asked, plan) =>
      write(() => {
        const { rows, marks, rewind, event, pipeline, at } = plan(
          asked.map((slot) => slotFacts(db, slot)),
        );
        for (const row of rows) insertSlot(db, row);
        for (const row of marks) raiseMark(db, row);
        if (rewind) rewindTo(rewind);
        if (event) say(event, pipeline, at);
        return rows.length;
      }),
    slots: async (filter) =>
      (filter === 'oldestWaiting'
        ? db.all(
            `SELECT ${slotColumns}, NULL AS run_state, NULL AS run_number, min(slot) FROM slots
             WHERE decision = 'waiting' GROUP BY schedule_id, backfill ORDER BY slot`,
          )
        : db.all(
            `SELECT slots.*, runs.state AS run_state, runs.number AS run_number FROM slots LEFT JOIN runs ON runs.run_id = slots.run_id
             WHERE schedule_id = ?1 AND (?2 IS NULL OR backfill = ?2) AND (?3 IS NULL OR slot < ?3) ORDER BY slot DESC, slots.at DESC LIMIT ?4`,
            filter.scheduleId,
            filter.backfill ?? null,
            filter.before ?? null,
            filter.limit,
          )
      ).map(toOutcome),
    saveBackfill: (row, plan, pipeline, at) =>
      write(() => {
        const waiting = db
          .all(
            `SELECT ${slotColumns} FROM slots WHERE backfill = ? AND decision = 'waiting' ORDER BY slot`,
            row.id,
          )
          .map(toSlot);
        const { slots, event } = plan(waiting);
        db.run(
          `INSERT INTO backfills (backfill, schedule_id, from_at, to_at, made_by, reason, at, cancelled_by) VALUES (?,?,?,?,?,?,?,?)
           ON CONFLICT (backfill) DO UPDATE SET cancelled_by = COALESCE(cancelled_by, excluded.cancelled_by)`,
          row.id,
          row.scheduleId,
          row.from,
          row.to,
          row.by,
          row.reason,
          row.at,
          row.cancelledBy,
        );
        for (const slot of slots) insertSlot(db, slot);
        say(event, pipeline, at);
      }),
    backfills: async (scheduleId) =>
      db
        .all(
          'SELECT * FROM backfills WHERE ?1 IS NULL OR schedule_id = ?1 ORDER BY at DESC, backfill LIMIT 100',
          scheduleId,
        )
        .map(
          (row): BackfillProgress => ({
            ...toBackfill(row),
            counts: Object.fromEntries(
              db
                .all(
                  'SELECT decision, count(*) AS n FROM slots WHERE schedule_id = ? AND backfill = ? GROUP BY decision',
                  row.schedule_id as string,
                  row.backfill as string,
                )
                .map(({ decision, n }) => [decision as SlotDecision, n as number]),
            ),
          }),
        ),
  };
};

/** Forgets all but the newest decided slots of each schedule. */
export const pruneSlots = (db: Database, keep: number): number => {
  let removed = 0;
  for (const { schedule_id: id } of db.all('SELECT DISTINCT schedule_id FROM slots')) {
    const oldest = db.get(
      'SELECT slot FROM slots WHERE schedule_id = ? ORDER BY slot DESC LIMIT 1 OFFSET ?',
      id as string,
      keep,
    );
    if (oldest)
      removed += db.run(
        "DELETE FROM slots WHERE schedule_id = ? AND slot <= ? AND decision <> 'waiting'",
        id as string,
        oldest.slot as number,
      ).changes;
  }
  return removed;
};
