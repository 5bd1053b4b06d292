import type { RemovalFacts, RetentionRow, RetentionStore } from '../store/retention-store.ts';

import type { Database, Row } from './database.ts';
import { pruneMessages } from './outbox-rows.ts';
import { pruneSlots } from './slots.ts';

/** Free pages that stay: the next runs need them, and giving them back would only move rows. */
const keptPages = 64;
/** Of `PRAGMA auto_vacuum` (sqlite.org/pragma.html). */
const incremental = 2;

/** What `RemovalFacts` are, as columns. */
const facts = `
  runs.ended_at IS NOT NULL AS has_ended,
  EXISTS (SELECT 1 FROM lock_holders WHERE lock_holders.run_id = runs.run_id)
    OR EXISTS (SELECT 1 FROM effects WHERE effects.run_id = runs.run_id)
    OR EXISTS (SELECT 1 FROM timers WHERE timers.run_id = runs.run_id)
    OR EXISTS (SELECT 1 FROM lock_waiters WHERE lock_waiters.run_id = runs.run_id) AS in_use,
  EXISTS (SELECT 1 FROM runs AS heirs WHERE heirs.ended_at IS NULL AND json_extract(heirs.spec, '$.metadata.workspace_of') = runs.run_id) AS has_heir,
  runs.number = (SELECT max(number) FROM runs AS others WHERE others.pipeline = runs.pipeline) AS is_latest,
  runs.run_id IS (SELECT max(run_id) FROM runs AS others WHERE others.pipeline = runs.pipeline AND others.state = 'DONE' AND others.ended_at IS NOT NULL) AS is_latest_done,
  COALESCE((SELECT max(seq) FROM journal WHERE journal.run_id = runs.run_id), 0) AS last_seq,
  COALESCE(CAST((SELECT value FROM meta WHERE key = 'archive_seq') AS INTEGER), 0) AS archived_seq`;
const toFacts = (row: Row): RemovalFacts => ({
  hasEnded: row.has_ended === 1,
  inUse: row.in_use === 1,
  hasHeir: row.has_heir === 1,
  isLatest: row.is_latest === 1,
  isLatestDone: row.is_latest_done === 1,
  lastSeq: row.last_seq as number,
  archivedSeq: row.archived_seq as number,
});

/**
 * Whoever stands before an event that is gone must be told, wherever in the journal the hole is.
 */
const raiseFloor = (db: Database, seq: number): void =>
  void db.run(
    `INSERT INTO meta (key, value) VALUES ('journal_floor', ?1)
     ON CONFLICT (key) DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(?1 AS INTEGER))`,
    String(seq),
  );

/** Events of no run, as far as the archive holds them. */
const pruneEvents = (db: Database, before: number, limit: number): number => {
  const old = db.all(
    `SELECT seq FROM journal WHERE run_id IS NULL AND at < ?
     AND seq <= CAST((SELECT value FROM meta WHERE key = 'archive_seq') AS INTEGER) ORDER BY seq LIMIT ?`,
    before,
    limit,
  );
  for (const { seq } of old) db.run('DELETE FROM journal WHERE seq = ?', seq as number);
  raiseFloor(db, (old.at(-1)?.seq as number | undefined) ?? 0);
  return old.length;
};

/** The part of the store that forgets. @param write runs its work in one transaction */
export const createRetentionStore = (
  db: Database,
  write: <T>(work: () => T) => Promise<T>,
): RetentionStore => ({
  retentionTotals: async () => ({
    bytes:
      (db.get('SELECT sum(bytes) AS bytes FROM runs WHERE ended_at IS NOT NULL')?.bytes as
        | number
        | null) ?? 0,
    counts: Object.fromEntries(
      db
        .all(
          'SELECT pipeline, count(*) AS n FROM runs WHERE ended_at IS NOT NULL GROUP BY pipeline',
        )
        .map(({ pipeline, n }) => [pipeline as string, n as number]),
    ),
  }),
  endedRuns: async ({ after = '', isUnmeasured, limit }) =>
    db
      .all(
        `SELECT run_id, pipeline, ended_at, bytes, ${facts} FROM runs
         WHERE ended_at IS NOT NULL AND run_id > ?1 AND (?2 = 0 OR bytes IS NULL) ORDER BY run_id LIMIT ?3`,
        after,
        isUnmeasured ? 1 : 0,
        limit,
      )
      .map((row): RetentionRow & RemovalFacts => ({
        runId: row.run_id as string,
        pipeline: row.pipeline as string,
        endedAt: row.ended_at as number,
        bytes: (row.bytes as number | null) ?? 0,
        ...toFacts(row),
      })),
  removeRuns: (runIds, mayGo) =>
    write(() =>
      runIds.filter((runId) => {
        // Asked again inside the transaction: a command may have come in between.
        const row = db.get(`SELECT ${facts} FROM runs WHERE run_id = ?`, runId);
        if (!row || !mayGo(toFacts(row))) return false;
        raiseFloor(db, row.last_seq as number);
        for (const table of ['transitions', 'journal', 'idempotency', 'inputs_seen'])
          db.run(`DELETE FROM ${table} WHERE run_id = ?`, runId);
        db.run('DELETE FROM runs WHERE run_id = ?', runId);
        db.run('INSERT OR IGNORE INTO removed_runs (run_id) VALUES (?)', runId);
        return true;
      }),
    ),
  prune: (what) =>
    write(() => {
      if ('slotsBeyond' in what) return pruneSlots(db, what.slotsBeyond);
      if ('messagesBefore' in what) return pruneMessages(db, what.messagesBefore);
      if ('eventsBefore' in what) return pruneEvents(db, what.eventsBefore, what.limit);
      const forget = 'DELETE FROM removed_runs WHERE run_id = ?';
      return what.removedRuns.reduce((sum, runId) => sum + db.run(forget, runId).changes, 0);
    }),
  giveBack: (maxBytes) =>
    write(() => {
      const pragma = (name: string): number => Number(db.get(`PRAGMA ${name}`)?.[name] ?? 0);
      const spare = pragma('freelist_count') - keptPages;
      // A large store of before this gives nothing back until it is written anew.
      if (spare <= 0 || pragma('auto_vacuum') !== incremental) return false;
      const pages = Math.max(1, Math.floor(maxBytes / pragma('page_size')));
      // Read to its end: each row of it is one page.
      db.all(`PRAGMA incremental_vacuum(${Math.min(pages, spare)})`);
      return spare > pages;
    }),
  removedRuns: async (after, limit) =>
    db
      .all('SELECT run_id FROM removed_runs WHERE run_id > ? ORDER BY run_id LIMIT ?', after, limit)
      .map(({ run_id }) => run_id as string),
  unknownRuns: async (runIds) =>
    db
      .all(
        `SELECT value FROM json_each(?) AS given
         WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.run_id = given.value)
         AND NOT EXISTS (SELECT 1 FROM removed_runs WHERE removed_runs.run_id = given.value)`,
        JSON.stringify(runIds),
      )
      .map(({ value }) => value as string),
});
