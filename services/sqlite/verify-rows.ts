import { DatabaseSync } from 'node:sqlite';
import { started } from '../host/start-trouble.ts';
import { migrations } from './migrations.ts';

/** What a look through the whole store found, in sentences. */
export type VerifiedRows = {
  schema: number;
  /** It cannot be read, or not by this version: of no use. */
  damages: string[];
  /** Rows that contradict each other: a mistake, and no reason to throw the rest away. */
  faults: string[];
  /** Of a run that is over `hasFiles` and `hasArchive` say what it must have left. */
  runs: { runId: string; isLive: boolean; hasFiles: boolean; hasArchive: boolean }[];
  /** The last event. */
  headSeq: number;
  /** Attempts whose evidence must still be there: their answers are not recorded. */
  working: { runId: string; stage: string; attempt: number }[];
};

/** Each names the runs (or rows) of which it does not hold; `tables` it looks at. */
const rules: { says: string; tables: string[]; sql: string }[] = [
  {
    says: 'the ledger of a run has a gap',
    tables: ['transitions'],
    sql: `SELECT runs.run_id AS name FROM runs WHERE ledger_n IS NOT
      (SELECT count(*) FROM transitions WHERE transitions.run_id = runs.run_id)
      OR ledger_n IS NOT (SELECT COALESCE(max(n), 0) FROM transitions WHERE transitions.run_id = runs.run_id)`,
  },
  {
    says: 'the version of a run is not that of its last accepted step',
    tables: ['transitions'],
    sql: `SELECT runs.run_id AS name FROM runs WHERE version IS NOT
      (SELECT max(version) FROM transitions WHERE transitions.run_id = runs.run_id AND verdict = 'accepted')`,
  },
  {
    says: 'the events of a run have a gap',
    tables: ['journal'],
    sql: `SELECT runs.run_id AS name FROM runs WHERE run_seq IS NOT
      (SELECT count(*) FROM journal WHERE journal.run_id = runs.run_id)
      OR run_seq IS NOT (SELECT COALESCE(max(run_seq), 0) FROM journal WHERE journal.run_id = runs.run_id)`,
  },
  {
    says: 'an event belongs to a run that is not there',
    tables: ['journal'],
    sql: `SELECT DISTINCT run_id AS name FROM journal
      WHERE run_id IS NOT NULL AND run_id NOT IN (SELECT run_id FROM runs)`,
  },
  {
    says: 'a snapshot is no JSON',
    tables: [],
    sql: `SELECT run_id AS name FROM runs
      WHERE NOT json_valid(snapshot) OR NOT json_valid(projection) OR NOT json_valid(spec)`,
  },
  {
    says: 'a run is over and its state is not final, or the other way round',
    tables: [],
    sql: `SELECT run_id AS name FROM runs
      WHERE (ended_at IS NOT NULL) IS NOT (state IN ('DONE', 'FAILED', 'STOPPED'))`,
  },
  {
    says: 'what is shown of a run is not its state',
    tables: [],
    sql: `SELECT run_id AS name FROM runs
      WHERE CASE WHEN json_valid(projection) THEN json_extract(projection, '$.state') IS NOT state ELSE 0 END`,
  },
  {
    says: 'an effect is of a step that the run has not made',
    tables: ['effects'],
    sql: `SELECT effects.run_id AS name FROM effects JOIN runs ON runs.run_id = effects.run_id
      WHERE stamp > runs.version`,
  },
  {
    says: 'a run is over and something of it still works',
    tables: ['effects', 'timers'],
    sql: `SELECT runs.run_id AS name FROM runs WHERE ended_at IS NOT NULL AND (
      EXISTS (SELECT 1 FROM effects WHERE effects.run_id = runs.run_id AND state <> 'dropping')
      OR EXISTS (SELECT 1 FROM timers WHERE timers.run_id = runs.run_id))`,
  },
  {
    says: 'a lock is held by a run that is over and drained',
    tables: ['lock_holders', 'effects'],
    sql: `SELECT lock_holders.run_id AS name FROM lock_holders JOIN runs ON runs.run_id = lock_holders.run_id
      WHERE ended_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM effects WHERE effects.run_id = runs.run_id)`,
  },
  {
    says: 'a run works without a lock',
    tables: ['lock_holders'],
    sql: `SELECT run_id AS name FROM runs WHERE ended_at IS NULL AND state NOT IN ('IDLE', 'QUEUED')
      AND NOT EXISTS (SELECT 1 FROM lock_holders WHERE lock_holders.run_id = runs.run_id)`,
  },
  {
    says: 'a run that waits for a lock holds one, or is over',
    tables: ['lock_waiters', 'lock_holders'],
    sql: `SELECT lock_waiters.run_id AS name FROM lock_waiters JOIN runs ON runs.run_id = lock_waiters.run_id
      WHERE ended_at IS NOT NULL
      OR EXISTS (SELECT 1 FROM lock_holders WHERE lock_holders.run_id = runs.run_id)`,
  },
  {
    says: 'a live run waits for nothing that could wake it',
    tables: ['effects', 'timers', 'lock_waiters'],
    sql: `SELECT run_id AS name FROM runs
      WHERE ended_at IS NULL AND state NOT IN ('PAUSED', 'AWAITING_APPROVAL')
      AND NOT EXISTS (SELECT 1 FROM effects WHERE effects.run_id = runs.run_id)
      AND NOT EXISTS (SELECT 1 FROM timers WHERE timers.run_id = runs.run_id)
      AND NOT EXISTS (SELECT 1 FROM lock_waiters WHERE lock_waiters.run_id = runs.run_id)`,
  },
  {
    says: 'a pipeline counts fewer runs than it has',
    tables: ['pipelines'],
    sql: `SELECT runs.pipeline AS name FROM runs LEFT JOIN pipelines ON pipelines.name = runs.pipeline
      GROUP BY runs.pipeline HAVING max(number) > COALESCE(max(last_number), 0)`,
  },
  {
    says: 'the archive is said to hold events that never were',
    tables: ['meta', 'journal'],
    sql: `SELECT value AS name FROM meta WHERE key = 'archive_seq'
      AND CAST(value AS INTEGER) > COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'journal'), 0)`,
  },
];

/** A run whose attempts were all begun by another one has no folder of its own. */
const whatRunsLeft = `
  SELECT run_id, ended_at IS NULL AS is_live,
    EXISTS (SELECT 1 FROM json_each(CASE WHEN json_valid(projection) THEN projection ELSE '{}' END, '$.stages') AS stage
      WHERE json_extract(stage.value, '$.attempt') > 0 AND json_extract(stage.value, '$.state') <> 'reused') AS has_files,
    COALESCE((SELECT max(seq) FROM journal WHERE journal.run_id = runs.run_id), 0)
      <= COALESCE(CAST((SELECT value FROM meta WHERE key = 'archive_seq') AS INTEGER), 0) AS has_archive
  FROM runs ORDER BY run_id`;

const shownNames = 3;
const namesOf = (rows: { name?: unknown }[]): string => {
  const names = rows.map(({ name }) => String(name));
  const more = names.length > shownNames ? `, … (${names.length})` : '';
  return `${names.slice(0, shownNames).join(', ')}${more}`;
};

const damagesOf = (db: DatabaseSync): string[] => {
  const said = db
    .prepare('PRAGMA integrity_check(3)')
    .all()
    .map((row) => String(Object.values(row)[0]).replaceAll(/\s+/g, ' '))
    .filter((one) => one !== 'ok');
  if (said.length > 0) return said;
  const foreign = db
    .prepare('PRAGMA foreign_key_check')
    .all()
    .map(({ table, parent }) => ({ name: `${table} → ${parent}` }));
  return foreign.length > 0 ? [`a row leads to one that is not there: ${namesOf(foreign)}`] : [];
};

const faultsOf = (db: DatabaseSync): string[] => {
  const tables = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .all()
    .map(({ name }) => name);
  return rules
    .filter((rule) => rule.tables.every((table) => tables.includes(table)))
    .flatMap(({ says, sql }) => {
      const rows = db.prepare(sql).all();
      return rows.length > 0 ? [`${says}: ${namesOf(rows)}`] : [];
    });
};

/**
 * Looks through all rows of a store, also while a service works on it: what is said is of one
 * instant. Changes nothing.
 * @throws StartTrouble when it cannot be opened
 */
export const verifyRows = (path: string): VerifiedRows =>
  started(path, () => {
    const db = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
    try {
      db.exec('BEGIN');
      const schema = Number(db.prepare('PRAGMA user_version').get()?.user_version);
      const newer = `it was written by a newer version (schema ${schema}, this one knows ${migrations.length})`;
      const damages = schema > migrations.length ? [newer] : damagesOf(db);
      if (damages.length > 0)
        return { schema, damages, faults: [], runs: [], headSeq: 0, working: [] };
      return {
        schema,
        damages,
        faults: faultsOf(db),
        runs: db
          .prepare(whatRunsLeft)
          .all()
          .map(({ run_id, is_live, has_files, has_archive }) => ({
            runId: String(run_id),
            isLive: is_live === 1,
            hasFiles: has_files === 1,
            hasArchive: has_archive === 1,
          })),
        headSeq: Number(db.prepare('SELECT max(seq) AS seq FROM journal').get()?.seq ?? 0),
        working: db
          .prepare(
            "SELECT run_id, json_extract(input, '$.stage') AS stage, attempt FROM effects WHERE kind = 'stage' AND state = 'started'",
          )
          .all()
          .map(({ run_id, stage, attempt }) => ({
            runId: String(run_id),
            stage: String(stage),
            attempt: Number(attempt),
          })),
      };
    } finally {
      db.close();
    }
  });
