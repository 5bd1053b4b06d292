import { randomBytes } from 'node:crypto';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
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
    prepared(`BEGIN ${mode}`).run();
    try {
      const result = work();
      prepared('COMMIT').run();
      return result;
    } catch (error) {
      // Some errors (disk full) have rolled back already.
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  };
  const database: Database = {
    all: (sql, ...values) => prepared(sql).all(...values) as Row[],
    get: (sql, ...values) => prepared(sql).get(...values) as Row | undefined,
    run: (sql, ...values) => {
      const { changes, lastInsertRowid } = prepared(sql).run(...values);
      return { changes: Number(changes), lastId: Number(lastInsertRowid) };
    },
    transaction,
    checkpoint: () => {
      try {
        db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      } catch (error) {
        // Somebody else is at it, or the disk has no room for it: nothing is lost, the log stays.
        if (!isBusy(error) && !isFull(error)) throw error;
      }
    },
    close: () => db.close(),
  };
  migrate(db, database);
  database.checkpoint();
  db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  return database;
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

const primaryCode = (error: unknown): number | null => {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : null;
};
/** SQLITE_FULL. */
const isFull = (error: unknown): boolean => primaryCode(error) === 13;
/**
 * Another connection holds the file right now: try again later. Numbers: SQLITE_BUSY 5,
 * SQLITE_LOCKED 6.
 */
export const isBusy = (error: unknown): boolean => [5, 6].includes(primaryCode(error) ?? 0);
