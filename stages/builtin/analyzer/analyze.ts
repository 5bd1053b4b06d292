import { join } from 'node:path';
import { StageFailure } from '../../contract.ts';
import { asParquet, type Database, literal, parquet } from '../duckdb.ts';
import type { Built, Task } from '../incremental.ts';
import { specOf } from '../instruments.ts';
import { digestOf, fileAt, publish } from '../publish.ts';
import { loadBars, selectBreakouts } from './analyzer-daily-sql.ts';
import type { Options } from './analyzer-options.ts';
import * as opening from './opening-range-sql.ts';

type Work = { out: string; options: Options; isDaily: boolean };
type Counts = { rows: number; trades: number; open: number };

/** Bars of one instrument to its file of break-outs, whichever bars they are. */
export async function analyzeSource(
  { source, database, progress }: Task,
  { out, options, isDaily }: Work,
): Promise<Built> {
  const { name, files } = source;
  await checkBars(database, files, isDaily ? '1d' : '1m');
  let pending: opening.Pending = { count: 0, until: null };
  if (isDaily) {
    await database.run(loadBars(files[0]!));
    await database.run(`CREATE OR REPLACE TABLE breakouts AS ${selectBreakouts(options)}`);
  } else
    pending = await analyzeIntraday(
      database,
      files,
      opening.rulesOf(name, specOf(name, options.specs)!, options.timezone),
      progress.note,
    );

  const [counts] = await database.rows<Counts>(
    `SELECT count(*) AS rows, count(*) FILTER (result <> 'NoTrade') AS trades, count(*) FILTER (result = 'OPEN') AS open FROM breakouts`,
  );
  progress.files(files.length);
  progress.rows(counts!.rows);
  const path = join(out, `${name}.parquet`);
  const before = (await fileAt(path)) === 'file' ? (await digestOf(path)).sha256 : null;
  const digest = await publish(path, (temp) =>
    database.run(
      `COPY (FROM breakouts ORDER BY date, session, slot) TO ${literal(temp)} ${asParquet}`,
    ),
  );
  return {
    files: [{ path: `${name}.parquet`, rows: counts!.rows, ...digest }],
    counts: { ...counts!, pending: pending.count, written: before === digest.sha256 ? 0 : 1 },
    ...(pending.until !== null && { recheck_at: pending.until }),
  };
}

async function checkBars(database: Database, files: string[], interval: string): Promise<void> {
  try {
    const [other] = await database.rows<{ interval: string }>(
      `SELECT interval FROM ${parquet(files)} WHERE interval IS DISTINCT FROM ${literal(interval)} LIMIT 1`,
    );
    if (!other) return;
    const message = `${files[0]} has bars of ${other.interval}, where bars of ${interval} were expected.`;
    throw new StageFailure('unsupported-interval', message, { retryable: false });
  } catch (error) {
    if (error instanceof StageFailure) throw error;
    throw new StageFailure(
      'unreadable-input',
      `Cannot read ${files.length === 1 ? files[0] : 'the bars'}: ${(error as Error).message}`,
    );
  }
}

/**
 * @returns the rows that are not written yet, because their day is not over and nothing has broken
 * out
 */
async function analyzeIntraday(
  database: Database,
  files: string[],
  rules: opening.Rules,
  note: (text: string) => void,
): Promise<opening.Pending> {
  for (const [step, statement] of opening.statements(files, rules)) {
    note(`${rules.instrument} ${step}`);
    await database.run(statement);
  }
  const [pending] = await database.rows<opening.Pending>(opening.countPending(rules));
  return pending!;
}
