import type { DailyColumn, DailyLayout } from './daily-csv.ts';
import { literal, pathToRead } from './duckdb.ts';

/** The table that all files of one instrument are read into: good rows and bad ones, each with its file and line. */
export const createRows = `CREATE OR REPLACE TABLE rows (file INTEGER, line BIGINT, day DATE, open DOUBLE, high DOUBLE, low DOUBLE,
  close DOUBLE, volume BIGINT, reason VARCHAR, text VARCHAR)`;

/**
 * Reads one daily file line by line. Lines are split here rather than by the CSV reader, because a reader that meets a bad
 * line loses its number or the whole file; latin-1 makes every byte readable, so bad encoding costs its row and no more.
 */
export function readRows(path: string, file: number, layout: DailyLayout, allowNegative: boolean): string {
  const field = (column: DailyColumn) => `f[${layout.columns[column]}]`;
  const price = (column: DailyColumn) =>
    `CASE WHEN regexp_full_match(${field(column)}, ${number}) THEN try_cast(${field(column)} AS DOUBLE) END`;
  return `INSERT INTO rows
    WITH lines AS (
      SELECT row_number() OVER () AS line, text FROM read_csv(${pathToRead(path)}, header = false, auto_detect = false,
        columns = {'text': 'VARCHAR'}, delim = chr(1), quote = '', escape = '', encoding = 'latin-1', strict_mode = false)
    ), split AS (
      SELECT line, text, list_transform(string_split(text, ','), lambda part: trim(part, ${blanks})) AS f
      FROM lines WHERE line > 1 AND trim(text, ${blanks}) <> ''
    ), typed AS (
      SELECT line, text, f, try_strptime(${field('date')}, '%Y-%m-%d')::DATE AS day, ${price('open')} AS open, ${price('high')} AS high,
        ${price('low')} AS low, ${price('close')} AS close,
        CASE WHEN regexp_full_match(${field('volume')}, '[+-]?\\d+(\\.0*)?') THEN try_cast(split_part(${field('volume')}, '.', 1) AS BIGINT) END AS volume
      FROM split
    ), judged AS (
      SELECT *, CASE
        WHEN len(f) <> ${layout.fields} THEN 'expected ${layout.fields} fields, found ' || len(f)
        WHEN day IS NULL AND regexp_matches(${field('date')}, '^\\d{4}-\\d\\d-\\d\\d[T ]\\d') THEN 'a time of day in a daily file: intraday bars are not supported yet'
        WHEN day IS NULL THEN 'date is not YYYY-MM-DD'
        WHEN day > current_date + 1 THEN '${inTheFuture}'
        ${(['open', 'high', 'low', 'close'] as const).map((column) => `WHEN ${column} IS NULL OR NOT isfinite(${column}) THEN '${column} is not a number'`).join('\n        ')}
        ${allowNegative ? '' : "WHEN least(open, high, low, close) < 0 THEN 'negative price'"}
        WHEN low > least(open, close) THEN 'low is above open or close'
        WHEN high < greatest(open, close) THEN 'high is below open or close'
        WHEN volume IS NULL THEN 'volume is not a whole number'
        WHEN volume < 0 THEN 'negative volume'
      END AS reason FROM typed
    )
    SELECT ${file}, line, day, open, high, low, close, volume, reason, CASE WHEN reason IS NOT NULL THEN left(text, 500) END FROM judged`;
}

/** One day of slack: no zone's today is later than tomorrow in UTC, where the clock of the stage runs. */
const inTheFuture = 'date is in the future';

/** The output schema of data-stages: days are the exchange's, at 00:00, so they are TIMESTAMP without a zone. The last row of a day wins. */
export function selectBars(instrument: string, sources: string[]): string {
  const cases = sources.map((source, file) => `WHEN ${file} THEN ${literal(source)}`).join(' ');
  return `SELECT day::TIMESTAMP AS timestamp, open, high, low, close, volume, ${literal(instrument)} AS instrument,
      CASE file ${cases} END AS source, '1d' AS interval, false AS synthetic
    FROM rows WHERE reason IS NULL QUALIFY row_number() OVER (PARTITION BY day ORDER BY file DESC, line DESC) = 1 ORDER BY timestamp`;
}

export function selectRejects(files: string[]): string {
  const cases = files.map((file, index) => `WHEN ${index} THEN ${literal(file)}`).join(' ');
  return `SELECT CASE rows.file ${cases} END AS file, line, reason, text FROM rows WHERE reason IS NOT NULL ORDER BY rows.file, line`;
}

export const countRows = `SELECT count(*) AS read, count(*) FILTER (reason IS NOT NULL) AS rejected,
  count(*) FILTER (reason = '${inTheFuture}') AS future, count(DISTINCT day) FILTER (reason IS NULL) AS rows FROM rows`;

// Stricter than a cast, which takes 1_000, nan and inf for numbers.
const number = `'[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?'`;
const blanks = `' "' || chr(9) || chr(13)`;
