import { randomBytes } from 'node:crypto';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Said } from '../store/outbox-store.ts';
import { StoreTrouble } from '../store/trouble.ts';
import { migrations } from './migrations.ts';

type Value = string | number | null;
export type Row = Record<string, Value>;

/** SQLite with prepared statements kept by their text and one-turn transactions. */
export type Database = {
  all(sql: string, ...values: Value[]): Row[];
  get(sql: string, ...values: Value[]): Row | undefined;
  /** @returns the number of changed rows and the last rowid */
  run(sql: string, ...values: Value[]): { changes: number; lastId: number };
  /** `work` is synchronous: nothing else can come between BEGIN and COMMIT (T2). */
  transaction<T>(mode: 'IMMEDIATE' | 'DEFERRED', work: () => T): T;
  /** The events that were written since somebody emptied it. */
  readonly said: Said[];
  /** Moves everything committed from the log into the file, as far as no reader is in the way. */
  checkpoint(): void;
  close(): void;
};

/**
 * Longest wait for another connection, in the one synchronous turn; longer waits are async retries
 * (T15).
 */
const busyTimeoutMs = 50;
/** While it is opened nobody waits for us yet. */
const openTimeoutMs = 5000;

/**
 * Opens and migrates the database. WAL, and FULL by default: a commit that was answered survives a
 * power cut.
 * @throws when the file was written by a newer version
 */
export const openDatabase = (path: string, synchronous: 'FULL' | 'NORMAL'): Database => {
  const db = new DatabaseSync(path, { timeout: openTimeoutMs });
  giveBackMode(db);
  // 4000 pages (16 MB) of log between checkpoints: at the usual 1000 they cost as much as the
  // commits.
  db.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 4000;`,
  );
  const statements = new Map<string, StatementSync>();
  const prepared = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known) return known;
    const statement = db.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  const transaction = <T>(mode: 'IMMEDIATE' | 'DEFERRED', work: () => T): T => {
    driven(() => prepared(`BEGIN ${mode}`).run());
    try {
      const result = work();
      driven(() => prepared('COMMIT').run());
      return result;
    } catch (error) {
      // Some errors (disk full) have rolled back already.
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  };
  const database: Database = {
    all: (sql, ...values) => driven(() => prepared(sql).all(...values)) as Row[],
    get: (sql, ...values) => driven(() => prepared(sql).get(...values)) as Row | undefined,
    run: (sql, ...values) => {
      const { changes, lastInsertRowid } = driven(() => prepared(sql).run(...values));
      return { changes: Number(changes), lastId: Number(lastInsertRowid) };
    },
    transaction,
    said: [],
    checkpoint: () => {
      try {
        driven(() => db.exec('PRAGMA wal_checkpoint(TRUNCATE)'));
      } catch (error) {
        // Somebody else is at it, or the disk has no room for it: nothing is lost, the log stays.
        if (!isTrouble(error, 'busy') && !isTrouble(error, 'full')) throw error;
      }
    },
    close: () => db.close(),
  };
  migrate(db, database);
  database.checkpoint();
  db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  return database;
};

/** Writing a store anew takes this much of the start at most: about half a second. */
const rewrittenBytes = 64 * 1024 ** 2;

/**
 * Removed rows give their room back to the disk (`giveBack`). A store of before that is written anew
 * for it when it is small; a larger one is by a backup that is put back.
 */
const giveBackMode = (db: DatabaseSync): void => {
  const pragma = (name: string): number => Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
  const bytes = pragma('page_count') * pragma('page_size');
  if (bytes === 0) db.exec('PRAGMA auto_vacuum = INCREMENTAL');
  else if (pragma('auto_vacuum') === 0 && bytes <= rewrittenBytes)
    try {
      db.exec('PRAGMA auto_vacuum = INCREMENTAL; VACUUM');
    } catch {
      // No room for a second one, or somebody reads it: the next start tries again.
    }
};

const migrate = (db: DatabaseSync, database: Database): void => {
  // Asked inside the transaction: another process may be migrating the same file.
  const version = (): number => Number(database.get('PRAGMA user_version')?.user_version ?? 0);
  for (const [index, step] of migrations.entries())
    database.transaction('IMMEDIATE', () => {
      if (version() === index) db.exec(`${step}; PRAGMA user_version = ${index + 1};`);
    });
  if (version() > migrations.length)
    throw new Error(
      `the store was written by a newer version (schema ${version()}, this one knows ${migrations.length})`,
    );
  database.run(
    "INSERT OR IGNORE INTO meta (key, value) VALUES ('epoch', ?)",
    randomBytes(4).toString('hex'),
  );
};

/**
 * Primary result codes of SQLite that speak of the world, not of a mistake of ours
 * (sqlite.org/rescode.html).
 */
const troubles: Record<number, [StoreTrouble['kind'], string]> = {
  3: ['unavailable', 'may not be opened'],
  5: ['busy', 'is held by somebody else'],
  6: ['busy', 'is held by somebody else'],
  7: ['unavailable', 'has no memory left'],
  8: ['unavailable', 'is read-only'],
  10: ['unavailable', 'cannot be read or written (I/O error)'],
  11: ['unavailable', 'is damaged'],
  13: ['full', 'is full: no space is left on the disk'],
  14: ['unavailable', 'cannot be opened'],
  26: ['unavailable', 'is no database any more'],
};

/** What the driver throws, as the port names it. @throws StoreTrouble */
export const driven = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    const code = (error as { errcode?: unknown } | null)?.errcode;
    const known = typeof code === 'number' ? troubles[code & 0xff] : undefined;
    throw known ? new StoreTrouble(...known, error) : error;
  }
};
export const isTrouble = (error: unknown, kind: StoreTrouble['kind']): boolean =>
  error instanceof StoreTrouble && error.kind === kind;
