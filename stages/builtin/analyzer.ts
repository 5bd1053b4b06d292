import { join } from 'node:path';
import { z } from 'zod';
import { type StageContext, StageFailure, type StageResult } from '../contract.ts';
import { type BreakoutOptions, loadBars, selectBreakouts } from './breakout-sql.ts';
import { type Database, literal } from './duckdb.ts';
import { type Built, refresh, type Source, total } from './incremental.ts';
import { vouchedFiles } from './manifest.ts';
import { parquetSources, readOptions, resolveFolders } from './options.ts';
import { publish } from './publish.ts';

const optionsSchema = z.strictObject({
  in: z.string().min(1),
  out: z.string().min(1),
  /** Bars of the rolling columns, which carry it in their names. 20 is about a month of trading days. */
  window: z.number().int().min(2).max(1000).default(20),
  /** Points by which a level must be passed to count as broken. */
  tick: z.number().nonnegative().default(0.01),
});

/**
 * `in/{INST}.parquet` of daily bars to `out/{INST}.parquet`, one row per day with the day's breakout trade and rolling figures.
 * @throws StageFailure `bad-options`, `missing-input`, `unreadable-input`, `unsupported-interval`, `input-changed`, `unwritable-target`, `stopped`.
 */
export async function run(context: StageContext): Promise<StageResult> {
  const { in: from, out: to, ...breakout } = readOptions(optionsSchema, context);
  const { input, out } = resolveFolders(context, from, to);
  const sources = await parquetSources(context, input);
  const { units, rebuilt, failure } = await refresh(context, {
    version: 1,
    input,
    out,
    options: breakout,
    sources,
    build: (source, database) => analyze(source, database, out, breakout),
  });

  const all = Object.values(units);
  const files = vouchedFiles(context.projectDir, out, all);
  const counts = { rows: total(all, 'rows'), trades: total(all, 'trades'), open: total(all, 'open'), files: files.length };
  context.metric({ ...counts, changed: rebuilt.length });
  if (failure) throw failure;
  const outputs = { instruments: Object.keys(units), changed: rebuilt, out: to, ...counts };
  if (rebuilt.length > 0) return { outputs, files };
  return { skip: sources.length === 0 ? 'no new input: no translated file' : 'no new input: all instruments are analysed', outputs, files };
}

async function analyze(source: Source, database: Database, out: string, options: BreakoutOptions): Promise<Built> {
  const { name } = source;
  const path = source.files[0]!;
  try {
    await database.run(loadBars(path));
  } catch (error) {
    if (error instanceof StageFailure) throw error;
    throw new StageFailure('unreadable-input', `Cannot read ${path}: ${(error as Error).message}`);
  }
  const [other] = await database.rows<{ interval: string }>(`SELECT interval FROM bars WHERE interval IS DISTINCT FROM '1d' LIMIT 1`);
  if (other)
    throw new StageFailure('unsupported-interval', `${path} has bars of ${other.interval}; only daily bars (1d) are supported yet.`, {
      retryable: false,
    });

  await database.run(`CREATE OR REPLACE TABLE breakouts AS ${selectBreakouts(options)}`);
  const [counts] = await database.rows<{ rows: number; trades: number; open: number }>(
    `SELECT count(*) AS rows, count(*) FILTER (result <> 'NoTrade') AS trades, count(*) FILTER (result = 'OPEN') AS open FROM breakouts`,
  );
  const copy = (temp: string) =>
    database.run(`COPY (FROM breakouts ORDER BY date) TO ${literal(temp)} (FORMAT parquet, COMPRESSION snappy, USE_TMP_FILE false)`);
  const digest = await publish(join(out, `${name}.parquet`), copy);
  return { files: [{ path: `${name}.parquet`, rows: counts!.rows, ...digest }], counts: counts! };
}
