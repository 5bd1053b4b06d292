import { attemptEvents } from '../../wire/fold-attempt.ts';
import type { JournalFilter, StoreSnapshot, StreamScope } from '../store/journal-store.ts';
import type { RunRow } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';
import type { Database, Row } from './database.ts';
import { loadRun, runColumns, selectRun } from './load-run.ts';
import { toEffect, toEvent, toLedger, toRun, toTimer } from './rows.ts';
import { runsPage } from './runs-page.ts';
import { streakOf } from './streaks.ts';

const head = (db: Database): number =>
  (db.get("SELECT seq FROM sqlite_sequence WHERE name = 'journal'")?.seq as number | undefined) ??
  0;

const journalRows = (db: Database, filter: JournalFilter): Row[] => {
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const add = (condition: string, value: string | number | undefined) => {
    if (value === undefined) return;
    conditions.push(condition);
    values.push(value);
  };
  add('run_id = ?', filter.runId);
  add('pipeline = ?', filter.pipeline);
  add('stage = ?', filter.stage);
  add('event = ?', filter.event);
  add('seq > ?', filter.after);
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
  const order = filter.after === undefined ? 'DESC' : 'ASC';
  // Within a run both count the same way, and only run_seq has an index.
  const column = filter.runId === undefined ? 'seq' : 'run_seq';
  const rows = db.all(
    `SELECT * FROM journal ${where} ORDER BY ${column} ${order} LIMIT ?`,
    ...values,
    filter.limit,
  );
  return order === 'DESC' ? rows.reverse() : rows;
};

/** Every live run and the latest of each pipeline, or the one that was asked for. */
const shownRuns = (db: Database, { runId, pipeline }: StreamScope): RunRow[] => {
  if (runId) return [selectRun(db, 'runs.run_id = ?', runId)].filter((run) => run !== null);
  const names = pipeline
    ? [pipeline]
    : db.all('SELECT name FROM pipelines ORDER BY name').map(({ name }) => name as string);
  // Two questions, an index each: asked as one, SQLite looks at every run there ever was.
  return names.flatMap((name) => {
    const live = db
      .all(
        `${runColumns} WHERE runs.pipeline = ? AND runs.ended_at IS NULL ORDER BY runs.run_id`,
        name,
      )
      .map(toRun);
    const latest = selectRun(db, 'runs.pipeline = ? ORDER BY runs.number DESC LIMIT 1', name);
    return latest === null || live.some(({ runId }) => runId === latest.runId)
      ? live
      : [...live, latest];
  });
};

const resetsOf = (db: Database, pipeline: string | undefined): Record<string, string | null> =>
  Object.fromEntries(
    db
      .all(
        'SELECT name, reset_run_id FROM pipelines WHERE is_reset = 1 AND (?1 IS NULL OR name = ?1)',
        pipeline ?? null,
      )
      .map(({ name, reset_run_id }) => [name as string, reset_run_id as string | null]),
  );

const attemptWords = attemptEvents.map((word) => `'${word}'`).join(', ');
const attemptRows = (db: Database, runId: string): Row[] =>
  db.all(
    `SELECT * FROM journal WHERE run_id = ? AND event IN (${attemptWords}) AND attempt IS NOT NULL ORDER BY run_seq DESC LIMIT 1000`,
    runId,
  );

type Latest = Awaited<ReturnType<Store['latest']>>;
type Reads = Pick<
  Store,
  | 'chart'
  | 'run'
  | 'runs'
  | 'latest'
  | 'effects'
  | 'timers'
  | 'ledger'
  | 'journal'
  | 'meta'
  | 'snapshotRead'
>;

/**
 * The reads of the store. Those that answer with `headSeq` see state and journal of one instant.
 */
export const createReads = (db: Database): Reads => {
  const together = <T>(work: () => T): T => db.transaction('DEFERRED', work);
  // The one answer that everybody asks for again and again; SQLite itself says whether anything was
  // written since, by us (total_changes) or by another connection (data_version).
  let latestOf = new Map<string, Latest>();
  let latestAt = '';
  const latestKnown = (): Map<string, Latest> => {
    const now = `${db.get('SELECT total_changes() AS n')?.n} ${db.get('PRAGMA data_version')?.data_version}`;
    if (now !== latestAt) latestOf = new Map();
    latestAt = now;
    return latestOf;
  };
  return {
    chart: async (hash) => {
      const row = db.get('SELECT * FROM charts WHERE hash = ?', hash);
      return row
        ? {
            config: JSON.parse(row.config as string),
            compilerVersion: row.compiler_version as number,
          }
        : null;
    },
    run: async (runId) =>
      together(() => {
        const loaded = loadRun(db, runId);
        return (
          loaded && {
            run: loaded.run,
            effects: loaded.effects,
            timers: loaded.timers,
            headSeq: head(db),
          }
        );
      }),
    runs: async (filter) =>
      together(() => {
        const { items, next } = runsPage(db, runColumns, filter);
        if (filter.patterns === undefined) return { items, next, headSeq: head(db) };
        const marks = 'SELECT marks FROM inputs_seen WHERE run_id = ? AND patterns = ?';
        const known = items.map((run) => {
          const seen = db.get(marks, run.runId, filter.patterns as string);
          return Object.assign(run, { inputsFound: (seen?.marks as string | undefined) ?? null });
        });
        return { items: known, next, headSeq: head(db) };
      }),
    latest: async (pipeline) => {
      const known = latestKnown();
      const before = known.get(pipeline);
      if (before) return before;
      const found = together((): Latest => {
        const mark = db.get(
          'SELECT reset_run_id FROM pipelines WHERE name = ? AND is_reset = 1',
          pipeline,
        );
        return {
          runs: shownRuns(db, { pipeline }),
          reset: mark && (mark.reset_run_id as string | null),
          streak: streakOf(db, pipeline),
          headSeq: head(db),
        };
      });
      known.set(pipeline, found);
      return found;
    },
    effects: async () =>
      db.all('SELECT * FROM effects ORDER BY created_at, run_id, stamp').map(toEffect),
    timers: async () => db.all('SELECT * FROM timers ORDER BY run_id, stamp').map(toTimer),
    ledger: async (runId, of) =>
      'version' in of
        ? db
            .all(
              "SELECT * FROM transitions WHERE run_id = ? AND version = ? AND verdict = 'accepted'",
              runId,
              of.version,
            )
            .map((row) => ({ ...toLedger(row), snapshot: JSON.parse(row.snapshot as string) }))
        : db
            .all(
              'SELECT * FROM transitions WHERE run_id = ? AND n > ? ORDER BY n LIMIT ?',
              runId,
              of.after,
              of.limit,
            )
            .map(toLedger),
    journal: async (filter) =>
      together(() => {
        const events = journalRows(db, filter).map(toEvent);
        const floor = db.get(
          "SELECT CAST(value AS INTEGER) AS seq FROM meta WHERE key = 'journal_floor'",
        );
        return {
          events,
          oldestSeq: ((floor?.seq as number | undefined) ?? 0) + 1,
          headSeq: head(db),
        };
      }),
    meta: async (key) =>
      (db.get('SELECT value FROM meta WHERE key = ?', key)?.value as string | undefined) ?? null,
    snapshotRead: async (scope, recent) =>
      together((): StoreSnapshot => {
        const { runId, pipeline } = scope;
        return {
          headSeq: head(db),
          runs: shownRuns(db, scope),
          resets: runId ? {} : resetsOf(db, pipeline),
          recent: journalRows(db, { ...scope, limit: recent }).map(toEvent),
          attemptEvents: runId ? attemptRows(db, runId).map(toEvent).reverse() : [],
          timers: runId
            ? db.all('SELECT * FROM timers WHERE run_id = ? ORDER BY stamp', runId).map(toTimer)
            : [],
        };
      }),
  };
};
