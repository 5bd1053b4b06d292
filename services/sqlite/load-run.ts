import type { RunRow, StepFacts } from '../store/run-rows.ts';
import type { Database } from './database.ts';
import { toEffect, toRun, toTimer } from './rows.ts';
import { streakOf } from './streaks.ts';

export const runColumns = `SELECT runs.*, definitions.definition AS definition, lock_holders.key AS lock_key, lock_holders.since AS lock_since
  FROM runs JOIN definitions ON definitions.hash = runs.definition LEFT JOIN lock_holders ON lock_holders.run_id = runs.run_id`;

export const selectRun = (
  db: Database,
  where: string,
  ...values: (string | number)[]
): RunRow | null => {
  const row = db.get(`${runColumns} WHERE ${where}`, ...values);
  return row ? toRun(row) : null;
};

/** The run and all that lives of it. */
export const loadRun = (db: Database, runId: string): StepFacts | null => {
  const run = selectRun(db, 'runs.run_id = ?', runId);
  if (!run) return null;
  return {
    run,
    effects: db.all('SELECT * FROM effects WHERE run_id = ? ORDER BY stamp', runId).map(toEffect),
    timers: db.all('SELECT * FROM timers WHERE run_id = ? ORDER BY stamp', runId).map(toTimer),
    // Asked for where a run ends, once in its life.
    get streak() {
      return streakOf(db, run.pipeline);
    },
  };
};
