import type { DeadlineFacts, SlotDecision, SlotStore } from '../store/slot-store.ts';
import type { Database } from './database.ts';
import { addEvent } from './writes.ts';

/** The runs of a slot: its own, and those that tried it again. */
const factsOf = (
  db: Database,
  { id, pipeline }: { id: string; pipeline: string },
  slot: number,
): DeadlineFacts => {
  const decided = db.get(
    "SELECT decision FROM slots WHERE schedule_id = ?1 AND backfill = '' AND slot <= ?2 AND slot_to >= ?2 ORDER BY slot DESC LIMIT 1",
    id,
    slot,
  );
  const runs = db.all(
    `SELECT run_id, number, state, ended_at FROM runs WHERE pipeline = ? AND created_at >= ?
       AND json_extract(spec, '$.metadata.schedule') = ? AND json_extract(spec, '$.metadata.slot') = ? ORDER BY run_id DESC`,
    pipeline,
    slot,
    id,
    new Date(slot).toISOString(),
  );
  const done = runs
    .filter(({ state }) => state === 'DONE')
    .map(({ ended_at }) => ended_at as number);
  const [newest] = runs;
  return {
    decision: (decided?.decision as SlotDecision | undefined) ?? null,
    run: newest
      ? {
          runId: newest.run_id as string,
          number: newest.number as number,
          state: newest.state as string,
          endedAt: newest.ended_at as number | null,
        }
      : null,
    doneAt: done.length > 0 ? Math.min(...done) : null,
  };
};

/** Deadlines of slots, each judged once. */
export const createDeadlineStore = (
  db: Database,
  write: <T>(work: () => T) => Promise<T>,
): Pick<SlotStore, 'passDeadline' | 'deadlineMark'> => {
  const markOf = (id: string): number | null =>
    (db.get('SELECT deadline_to FROM schedules WHERE schedule_id = ?', id)?.deadline_to as
      | number
      | null
      | undefined) ?? null;
  return {
    deadlineMark: async (scheduleId) => markOf(scheduleId),
    passDeadline: ({ id, pipeline }, slot, plan, at) =>
      write(() => {
        const mark = markOf(id);
        // Another process was faster.
        if (mark !== null && mark >= slot) return;
        const { event } = plan(factsOf(db, { id, pipeline }, slot));
        db.run('UPDATE schedules SET deadline_to = ? WHERE schedule_id = ?', slot, id);
        if (event) addEvent(db, { ...event, pipeline }, at);
      }),
  };
};
