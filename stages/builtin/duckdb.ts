import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { DuckDBInstance } from '@duckdb/node-api';
import { type StageContext, StageFailure } from '../contract.ts';

export type Database = {
  run(sql: string): Promise<void>;
  /** Rows as plain objects; 64-bit integers come as numbers, so only counts and small values belong in the select list. */
  rows<Row>(sql: string): Promise<Row[]>;
  close(): Promise<void>;
};

/** What a stage that was told to stop fails with; nobody retries it. */
export const stopped = () => new StageFailure('stopped', 'The stage was told to stop.', { retryable: false });

/**
 * Opens an in-memory DuckDB that spills into the run's workspace and gives up within 0.1 s of an abort.
 * @throws StageFailure `stopped` from every call after the abort.
 */
export async function openDatabase(context: Pick<StageContext, 'workspace' | 'stage' | 'attempt' | 'signal'>): Promise<Database> {
  const { signal } = context;
  if (signal.aborted) throw stopped();
  const spill = join(context.workspace, `duckdb-${context.stage}-${context.attempt}`);
  const instance = await DuckDBInstance.create(':memory:', {
    // Four threads saturate a disk here; 1 GB holds a 10 M row sort with spilling and leaves room for the service itself.
    threads: String(Math.min(4, availableParallelism())),
    memory_limit: '1GB',
    temp_directory: spill,
    // No stage may reach for the network because a file looked like a format that is not built in.
    autoinstall_known_extensions: 'false',
  });
  const connection = await instance.connect();
  // The lines of a CSV are numbered, and a file is byte-for-byte the same, only while insertion order is kept.
  await connection.run("SET preserve_insertion_order = true; SET TimeZone = 'UTC'");

  // A query resets the flag when it begins, so one interrupt can be lost between two: repeat until closed.
  let repeat: NodeJS.Timeout | null = null;
  const interrupt = () => {
    connection.interrupt();
    repeat ??= setInterval(() => connection.interrupt(), 50);
  };
  signal.addEventListener('abort', interrupt, { once: true });

  const guarded = async <T>(query: () => Promise<T>): Promise<T> => {
    if (signal.aborted) throw stopped();
    try {
      return await query();
    } catch (error) {
      throw signal.aborted ? stopped() : error;
    }
  };

  return {
    run: (sql) =>
      guarded(async () => {
        await connection.run(sql);
      }),
    rows: <Row>(sql: string) =>
      guarded(async () => {
        const reader = await connection.runAndReadAll(sql);
        return reader.getRowObjectsJS().map((row) => plain(row) as Row);
      }),
    async close() {
      signal.removeEventListener('abort', interrupt);
      if (repeat) clearInterval(repeat);
      connection.closeSync();
      instance.closeSync();
      await rm(spill, { recursive: true, force: true });
    },
  };
}

/** A SQL string literal. */
export const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** A path to read, as a literal: DuckDB takes `*`, `?` and `[` in it for a pattern unless they stand in brackets. */
export const pathToRead = (path: string) => literal(path.replace(/[*?[]/g, '[$&]'));

/** The table function that reads these Parquet files; a folder named `a=b` above them must not become a column. */
export const parquet = (paths: string[], option = '') =>
  `read_parquet([${paths.map(pathToRead).join(', ')}], hive_partitioning = false${option})`;

const plain = (row: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]));
