import { literal } from '../duckdb.ts';
import { fieldAt, type Rules, reasonOf, typedLines } from './lines-sql.ts';
import type { Layout } from './translator-layout.ts';

/**
 * The table that all files of one instrument are read into: good rows and bad ones, each with its
 * file and line.
 */
export const createRows = `CREATE OR REPLACE TABLE rows (file INTEGER, line BIGINT, day DATE, open DOUBLE, high DOUBLE, low DOUBLE,
  close DOUBLE, volume BIGINT, reason VARCHAR, text VARCHAR)`;

/**
 * One day of slack: no zone's today is later than tomorrow in UTC, where the clock of the stage
 * runs.
 */
const inTheFuture = 'date is in the future';

export function readRows(path: string, file: number, layout: Layout, rules: Rules): string {
  const date = fieldAt(layout.at.date);
  const time = `WHEN day IS NULL AND regexp_matches(${date}, '^\\d{4}-\\d\\d-\\d\\d[T ]\\d') THEN 'a time of day in a daily file: these are intraday bars'
    WHEN day IS NULL THEN 'date is not YYYY-MM-DD'
    WHEN day > current_date + 1 THEN '${inTheFuture}'`;
  return `INSERT INTO rows
    WITH ${typedLines([path], layout, `try_strptime(${date}, '%Y-%m-%d')::DATE AS day,`)},
    judged AS (SELECT *, ${reasonOf(layout, time, rules)} AS reason FROM typed)
    SELECT ${file}, line, day, open, high, low, close, volume, reason, CASE WHEN reason IS NOT NULL THEN left(text, 500) END FROM judged`;
}

/**
 * The output schema of all bars: days are the exchange's, at 00:00, so they are TIMESTAMP without a
 * zone. The last row of a day wins.
 */
export function selectBars(instrument: string, sources: string[], synthetic: boolean): string {
  const cases = sources.map((source, file) => `WHEN ${file} THEN ${literal(source)}`).join(' ');
  return `SELECT day::TIMESTAMP AS timestamp, open, high, low, close, volume, ${literal(instrument)} AS instrument,
      CASE file ${cases} END AS source, '1d' AS interval, ${synthetic} AS synthetic
    FROM rows WHERE reason IS NULL QUALIFY row_number() OVER (PARTITION BY day ORDER BY file DESC, line DESC) = 1 ORDER BY timestamp`;
}

export function selectRejects(files: string[]): string {
  const cases = files.map((file, index) => `WHEN ${index} THEN ${literal(file)}`).join(' ');
  return `SELECT CASE rows.file ${cases} END AS file, line, reason, text FROM rows WHERE reason IS NOT NULL ORDER BY rows.file, line`;
}

export const countRows = `SELECT count(*) AS read, count(*) FILTER (reason IS NOT NULL) AS rejected,
  epoch_ms(min(day) FILTER (reason = '${inTheFuture}') - INTERVAL 1 DAY) AS future, count(DISTINCT day) FILTER (reason IS NULL) AS rows FROM rows`;
