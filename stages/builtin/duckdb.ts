import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { DuckDBInstance } from '@duckdb/node-api';
import { type StageContext, StageFailure } from '../contract.ts';

export type Database = {
  run(sql: string): Promise<void>;
  /** Many statements that do not need each other, two at a time: small ones leave a core idle. */
  runAll(statements: string[]): Promise<void>;
  /**
   * Rows as plain objects; 64-bit integers come as numbers, so only counts and small values belong
   * in the select list.
   */
  rows<Row>(sql: string): Promise<Row[]>;
  /** A folder for files that are needed while it is open; it need not be there yet. */
  scratch: string;
  close(): Promise<void>;
};

/** What one database may use. */
export type Share = { threads: number; memoryMb: number };

/**
 * Four threads saturate a disk here. 160 MB go through ten million bars; with what DuckDB does not
 * count the process stays under 512 MB.
 */
export const wholeShare: Share = { threads: Math.min(4, availableParallelism()), memoryMb: 160 };

/** What a stage that was told to stop fails with; nobody retries it. */
export const stopped = () =>
  new StageFailure('stopped', 'The stage was told to stop.', { retryable: false });

/** Where the databases of one unit of work spill to, without the number of the attempt. */
export const spillPrefix = (context: Pick<StageContext, 'stage'>, unit: string) =>
  `duckdb-${context.stage}-${unit}-`;

/**
 * Opens an in-memory DuckDB that spills into the run's workspace and gives up within 0.1 s of an
 * abort.
 * @throws StageFailure `stopped` from every call after the abort, `out-of-memory` when its share
 * does not suffice.
 */
export async function openDatabase(
  context: Pick<StageContext, 'workspace' | 'stage' | 'attempt' | 'signal'>,
  unit = 'all',
  share = wholeShare,
): Promise<Database> {
  const { signal } = context;
  if (signal.aborted) throw stopped();
  const spill = join(context.workspace, `${spillPrefix(context, unit)}${context.attempt}`);
  // DuckDB makes the folder when it first spills, but not the one above.
  await mkdir(context.workspace, { recursive: true });
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(share.threads),
    memory_limit: `${share.memoryMb}MB`,
    temp_directory: spill,
    // No stage may reach for the network because a file looked like a format that is not built in.
    autoinstall_known_extensions: 'false',
    // It keeps what was read until the limit is reached, for nothing: every file is read a few
    // times at most.
    enable_external_file_cache: 'false',
  });
  const connection = await instance.connect();
  const second = await instance.connect();
  // The lines of a CSV are numbered, and a file is byte-for-byte the same, only while insertion
  // order is kept.
  for (const one of [connection, second])
    await one.run("SET preserve_insertion_order = true; SET TimeZone = 'UTC'");

  // A query resets the flag when it begins, so one interrupt can be lost between two: repeat until
  // closed.
  let repeat: NodeJS.Timeout | null = null;
  const interrupt = () => {
    for (const one of [connection, second]) one.interrupt();
    repeat ??= setInterval(interrupt, 50);
  };
  signal.addEventListener('abort', interrupt, { once: true });

  const guarded = async <T>(query: () => Promise<T>): Promise<T> => {
    if (signal.aborted) throw stopped();
    try {
      return await query();
    } catch (error) {
      if (signal.aborted) throw stopped();
      throw outOfMemory(error, share) ?? plainError(error);
    }
  };

  return {
    run: (sql) =>
      guarded(async () => {
        await connection.run(sql);
      }),
    async runAll(statements) {
      const waiting = [...statements];
      const work = async (one: typeof connection) => {
        for (let sql = waiting.shift(); sql !== undefined; sql = waiting.shift())
          await guarded(() => one.run(sql as string));
      };
      // Both end before anybody is told: a connection must not be closed at work.
      const ends = await Promise.allSettled(
        (share.threads > 1 ? [connection, second] : [connection]).map(work),
      );
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
    rows: <Row>(sql: string) =>
      guarded(async () => {
        const reader = await connection.runAndReadAll(sql);
        return reader.getRowObjectsJS().map((row) => plain(row) as Row);
      }),
    scratch: join(spill, 'scratch'),
    async close() {
      signal.removeEventListener('abort', interrupt);
      if (repeat) clearInterval(repeat);
      connection.closeSync();
      second.closeSync();
      instance.closeSync();
      await rm(spill, { recursive: true, force: true });
    },
  };
}

/** A share that does not suffice costs one unit of work, and says how to mend it. */
function outOfMemory(error: unknown, { memoryMb }: Share): StageFailure | null {
  if (!/^Out of Memory Error/.test((error as Error).message)) return null;
  return new StageFailure(
    'out-of-memory',
    `${memoryMb} MB of memory do not suffice; raise "memory_mb" or lower "workers" of the stage.`,
  );
}

/**
 * The first sentence of an error of the engine: what follows it is our SQL and pages of its
 * settings, which say nothing to a user.
 */
function plainError(error: unknown): Error {
  const [first = ''] = (error as Error).message.split(/\n|LINE \d+:/);
  return new Error(first.trim().slice(0, 300));
}

/** A SQL string literal. */
export const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

/**
 * A path to read, as a literal: DuckDB takes `*`, `?` and `[` in it for a pattern unless they stand
 * in brackets.
 */
export const pathToRead = (path: string) => literal(path.replace(/[*?[]/g, '[$&]'));

/**
 * The table function that reads these Parquet files; a folder named `a=b` above them must not
 * become a column.
 */
export const parquet = (paths: string[], option = '') =>
  `read_parquet([${paths.map(pathToRead).join(', ')}], hive_partitioning = false${option})`;

const parquetOptions = 'FORMAT parquet, COMPRESSION snappy, USE_TMP_FILE false';
/** How every Parquet file is written: no temp file of DuckDB's own, `publish` has one. */
export const asParquet = `(${parquetOptions})`;
/** With what the columns do not say, as key and value in the file itself. */
export const asParquetWith = (metadata: Record<string, string>) =>
  `(${parquetOptions}, KV_METADATA {${Object.entries(metadata)
    .map(([key, value]) => `${literal(`stagewright.${key}`)}: ${literal(value)}`)
    .join(', ')}})`;

const plain = (row: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? Number(value) : value,
    ]),
  );
