import { asParquetWith, literal, pathToRead } from '../duckdb.ts';
import { fieldAt, isBar, isOther, type Rules, reasonOf, typedLines } from './lines-sql.ts';
import type { Layout } from './translator-layout.ts';
import type { Options } from './translator-options.ts';
import { shiftsIn } from './zone-shifts.ts';

/**
 * `files` says for each file of the instrument what it is called; `copies` from where it is
 * read when it is not plain; `bars` holds the rows of days that are not written yet.
 */
export const createTables = `
  CREATE OR REPLACE TABLE files (file INTEGER, path VARCHAR, name VARCHAR, source VARCHAR);
  CREATE OR REPLACE TABLE copies (file INTEGER, path VARCHAR);
  CREATE OR REPLACE TABLE bars (file INTEGER, line BIGINT, utc TIMESTAMP, timestamp TIMESTAMP, day DATE, open DOUBLE, high DOUBLE, low DOUBLE,
    close DOUBLE, volume BIGINT, ok BOOLEAN);
  CREATE OR REPLACE TABLE rejects (name VARCHAR, line BIGINT, reason VARCHAR, text VARCHAR)`;

const tooLate = 'timestamp is more than 5 minutes in the future';
const graceMs = 5 * 60_000;
const latest = (nowMs: number) => `make_timestamp(${Math.round(nowMs + graceMs) * 1000})`;

/** Bars of a series of minutes begin with one. */
const isWholeMinute = 'epoch_us(utc) % 60000000 = 0';
/** Where `YYYY-MM-DDTHH:MM:SS` has its marks. */
const marks = [
  [5, "'-'"],
  [8, "'-'"],
  [11, "'T', ' '"],
  [14, "':'"],
  [17, "':'"],
];

/** No zone has ever been farther from UTC. */
const farthestMinutes = 14 * 60;
/**
 * ISO 8601, extended or basic, with seconds or without, and the offsets that programs write: `Z`,
 * `+00`, `+0000`, `+00:00`.
 */
const partsOf = (stamp: string) =>
  `regexp_extract(${stamp}, '^(\\d{4})-?(\\d\\d)-?(\\d\\d)[Tt ](\\d\\d):?(\\d\\d)(?::?(\\d\\d)(?:[.](\\d{1,9}))?)? ?([Zz]|[+-]\\d\\d(?::?[0-5]\\d)?)?$',
        ['year', 'month', 'day', 'hour', 'minute', 'second', 'fraction', 'zone'])`;
const writtenTime = `try_cast(part.year || '-' || part.month || '-' || part.day || ' ' || part.hour || ':' || part.minute || ':' ||
      coalesce(nullif(part.second, ''), '00') || '.' || left(part.fraction || '000000', 6) AS TIMESTAMP)`;
const minutesAway = `CASE WHEN part.zone IN ('Z', 'z') THEN 0 WHEN part.zone <> '' THEN
      (CASE left(part.zone, 1) WHEN '-' THEN -1 ELSE 1 END) * (substring(part.zone, 2, 2)::INTEGER * 60
        + CASE WHEN length(part.zone) > 3 THEN right(part.zone, 2)::INTEGER ELSE 0 END) END`;

/**
 * Local time by the platform of the database: right for every time, and half of the work of reading
 * a bar.
 */
const localTime = (zone: string) => `timezone(${literal(zone)}, utc::TIMESTAMPTZ)`;

/** The same as a table of the changes in a span; times outside of it go the slow way. */
function localTimeWithin(zone: string, [fromMs, toMs]: [number, number]): string {
  const at = (ms: number) => `make_timestamp(${ms * 1000})`;
  const shifts = shiftsIn(zone, fromMs, toMs);
  const cases = shifts.map(({ minutes }, index) => {
    const next = shifts[index + 1];
    return next
      ? `WHEN utc < ${at(next.fromMs)} THEN utc + INTERVAL (${minutes}) MINUTE`
      : `ELSE utc + INTERVAL (${minutes}) MINUTE`;
  });
  return `CASE WHEN utc < ${at(fromMs)} OR utc >= ${at(toMs)} THEN ${localTime(zone)} ${cases.join(' ')} END`;
}

/**
 * The trading day of an exchange time. A start after noon opens the next day: 17:00 + 7 h is
 * midnight. A weekend's hours are Monday's.
 */
function tradingDay({ day_starts }: Options): string {
  const [hours, minutes] = day_starts.split(':').map(Number) as [number, number];
  const start = hours * 60 + minutes;
  const date = `(timestamp + INTERVAL (${start >= 720 ? 1440 - start : -start}) MINUTE)::DATE`;
  return `${date} + CASE isodow(${date}) WHEN 6 THEN 2 WHEN 7 THEN 1 ELSE 0 END`;
}

/** `span`: where the times of these files should lie, in ms. */
type Reading = {
  options: Options;
  rules: Rules;
  nowMs: number;
  only: string[] | null;
  span: [number, number] | null;
};
const among = (only: string[] | null) => (only === null ? 'true' : `day IN (${dates(only)})`);
const dates = (days: string[]) => days.map((day) => `DATE '${day}'`).join(', ');

/**
 * Files of one header read by the CSV reader, all at once: what clean files need and nothing else.
 * A row that is no bar has `ok` false, a line it does not understand is left out; such a file is
 * then read again line by line. Timestamps are `YYYY-MM-DDTHH:MM:SS[.mmm]Z` here.
 */
export function readFast(
  paths: string[],
  layout: Layout,
  { options, rules, nowMs, only, span }: Reading,
): string {
  const { at, header } = layout;
  const typeOf = (place: number) =>
    place === at.volume
      ? 'BIGINT'
      : [at.open, at.high, at.low, at.close].includes(place)
        ? 'DOUBLE'
        : 'VARCHAR';
  const columns = header.map((_, index) => `'c${index + 1}': '${typeOf(index + 1)}'`).join(', ');
  const local = span ? localTimeWithin(options.timezone, span) : localTime(options.timezone);
  const stamp = `c${at.timestamp_utc}`;
  const plain = `length(${stamp}) IN (20, 24) AND ${marks.map(([place, mark]) => `substring(${stamp}, ${place}, 1) IN (${mark})`).join(' AND ')}
        AND (length(${stamp}) = 20 OR substring(${stamp}, 20, 1) = '.') AND right(${stamp}, 1) = 'Z'`;
  const isOwn = at.instrument ? ` AND NOT ${isOther('named', rules.instrument)}` : '';
  return `INSERT INTO bars
    WITH raw AS (
      SELECT filename, CASE WHEN ${plain} THEN try_cast(left(${stamp}, -1) AS TIMESTAMP) END AS utc,
        ${at.instrument ? `c${at.instrument} AS named, ` : ''}c${at.open} AS open, c${at.high} AS high, c${at.low} AS low, c${at.close} AS close, c${at.volume} AS volume
      FROM read_csv([${paths.map(pathToRead).join(', ')}], header = true, auto_detect = false, columns = {${columns}}, delim = ',',
        quote = '"', escape = '"', filename = true, ignore_errors = true)
    ), placed AS (SELECT *, ${local} AS timestamp FROM raw)
    SELECT file, 0, utc, timestamp, ${tradingDay(options)} AS day, open, high, low, close, volume,
      coalesce(utc <= ${latest(nowMs)} AND ${isWholeMinute} AND ${isBar(rules.allowNegative)}${isOwn}, false) AS ok
    FROM placed JOIN files ON files.path = placed.filename WHERE ${among(only)} OR day IS NULL`;
}

/**
 * Files of one header read line by line into `judged`, each row with its line and, when it is no
 * bar, the reason.
 */
export function readSlowly(
  paths: string[],
  layout: Layout,
  { options, rules, nowMs }: Reading,
): string {
  const stamp = fieldAt(layout.at.timestamp_utc);
  const time = `WHEN regexp_full_match(${stamp}, '\\d{4}-\\d\\d-\\d\\d') OR (part.minute <> '' AND part.zone = '') THEN 'timestamp has no time zone'
    WHEN away IS NULL OR written IS NULL THEN 'timestamp is not ISO 8601 with a time zone'
    WHEN abs(away) > ${farthestMinutes} THEN 'timestamp is more than 14 hours away from UTC'
    WHEN NOT ${isWholeMinute} THEN 'timestamp is not a whole minute'
    WHEN utc > ${latest(nowMs)} THEN '${tooLate}'`;
  return `CREATE OR REPLACE TABLE judged AS
    WITH ${typedLines(paths, layout, `${partsOf(stamp)} AS part,`)},
    said AS (SELECT *, ${writtenTime} AS written, ${minutesAway} AS away FROM typed),
    timed AS (SELECT *, written - to_minutes(away) AS utc FROM said),
    placed AS (SELECT *, ${localTime(options.timezone)} AS timestamp FROM timed)
    SELECT file, name, line, text, utc, timestamp, ${tradingDay(options)} AS day, open, high, low, close, volume, ${reasonOf(layout, time, rules)} AS reason
    FROM placed JOIN (SELECT file, path FROM files UNION ALL FROM copies) places ON places.path = placed.filename JOIN files USING (file)`;
}

/** Rejects are kept when whole files count; who asks for some days of them has read them before. */
export const keepJudged = (only: string[] | null) => `
  INSERT INTO bars SELECT file, line, utc, timestamp, day, open, high, low, close, volume, true FROM judged WHERE reason IS NULL AND ${among(only)};
  ${only === null ? 'INSERT INTO rejects SELECT name, line, reason, left(text, 500) FROM judged WHERE reason IS NOT NULL' : ''}`;

/** `future`: when the first of the rows that are too early is one no more, in ms. */
export type FileCount = {
  file: number;
  read: number;
  rejected: number;
  future: number | null;
  days: string | null;
  ok?: boolean;
};
export const countJudged = `SELECT file, count(*) AS read, count(reason) AS rejected,
  epoch_ms(min(utc) FILTER (reason = '${tooLate}')) - ${graceMs} AS future,
  string_agg(DISTINCT day::VARCHAR, ',') FILTER (reason IS NULL) AS days FROM judged GROUP BY file`;

/**
 * `ok` is false when a row of the file is no bar, as far as the CSV reader has understood it.
 * Grouped twice: a date becomes text once a day, not once a row.
 */
export const countFast = (
  files: number[],
) => `SELECT file, sum(read)::BIGINT AS read, 0 AS rejected, NULL AS future, bool_and(ok) AS ok,
  string_agg(day::VARCHAR, ',') AS days FROM (
    SELECT file, day, count(*) AS read, bool_and(ok) AS ok FROM bars WHERE file IN (${files.join(', ')}) GROUP BY file, day) GROUP BY file`;
/** Files that were read without line numbers and say one time twice: which line is the last? */
export const doubled = (horizon: string) => `SELECT DISTINCT file FROM (
  SELECT file FROM bars WHERE day < DATE '${horizon}' AND line = 0 GROUP BY file, utc HAVING count(*) > 1)`;

export const forget = (files: number[], days: string[] | null) =>
  `DELETE FROM bars WHERE file IN (${files.join(', ')})${days === null ? '' : ` AND day IN (${dates(days)})`}`;
/** All days before the horizon are complete in `bars`, and no other is written. */
export const keepRest = (horizon: string) =>
  `CREATE OR REPLACE TABLE bars AS SELECT * FROM bars WHERE day >= DATE '${horizon}'`;

/** `rows`: without those whose time another row has too. */
export type DayCount = { day: string; read: number; rows: number };
export const countDays = (horizon: string) => `SELECT date::VARCHAR AS day, read, rows FROM (
  SELECT day AS date, count(*) AS read, count(DISTINCT utc) AS rows FROM bars WHERE day < DATE '${horizon}' GROUP BY date)`;

/**
 * Bars in the documented columns, in the order of time; of one time the last line of the last file
 * wins. The repeated hour of a night in autumn has the same `timestamp` twice and stays in its
 * order, because `utc` sorts.
 */
export function selectBars(
  horizon: string,
  instrument: string,
  synthetic: boolean,
  isUnique: boolean,
): string {
  const last = isUnique
    ? ''
    : 'QUALIFY row_number() OVER (PARTITION BY utc ORDER BY bars.file DESC, line DESC) = 1';
  return `SELECT timestamp, open, high, low, close, volume, ${literal(instrument)} AS instrument, source, '1m' AS interval,
      ${synthetic} AS synthetic, day
    FROM bars JOIN files USING (file) WHERE day < DATE '${horizon}' ${last} ORDER BY day, utc`;
}

/** How many bars of a day are so many minutes from UTC, in their order. */
export type Offset = { day: string; minutes: number; rows: number };
export const listOffsets = (
  horizon: string,
  isUnique: boolean,
) => `SELECT date::VARCHAR AS day, minutes, rows FROM (
  SELECT day AS date, (epoch_us(timestamp) - epoch_us(utc)) // 60000000 AS minutes, ${isUnique ? 'count(*)' : 'count(DISTINCT utc)'} AS rows, min(utc) AS first
  FROM bars WHERE day < DATE '${horizon}' GROUP BY date, minutes) ORDER BY date, first`;

export const sortDays = (select: string) => `CREATE OR REPLACE TABLE sorted AS ${select}`;
/**
 * A day of them. One query a day, because a partitioned COPY does not keep the order of the rows.
 */
export const copyDay = (day: string, path: string, metadata: Record<string, string>) =>
  `COPY (SELECT * EXCLUDE (day) FROM sorted WHERE day = DATE '${day}') TO ${literal(path)} ${asParquetWith(metadata)}`;

export const selectRejects =
  'SELECT name AS file, line, reason, text FROM rejects ORDER BY name, line';
/** The rejects of the last time, of files that are there still and are not read again. */
export const loadRejects = (path: string, names: string[]) => `INSERT INTO rejects
  SELECT * FROM read_csv(${pathToRead(path)}, header = true, auto_detect = false, quote = '"', escape = '"', delim = ',',
    columns = {'name': 'VARCHAR', 'line': 'BIGINT', 'reason': 'VARCHAR', 'text': 'VARCHAR'})
  WHERE name IN (${names.map(literal).join(', ')})`;
