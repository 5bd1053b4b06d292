import { literal, parquet } from '../duckdb.ts';

export type Column = { name: string; type: string };
export type MonthCount = {
  session: string;
  month: string;
  rows: number;
  inserted: number;
  updated: number;
  unchanged: number;
};

const key = ['date', 'slot', 'session', 'instrument'];
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

export const describeFiles = (paths: string[]) =>
  `SELECT column_name AS name, column_type AS type FROM (DESCRIBE SELECT * FROM ${parquet(paths, ', union_by_name = true')})`;

/**
 * The new rows with a verdict each. A session becomes a folder, so its name is held to what is safe
 * there.
 */
export const loadCandidates = (
  path: string,
  instrument: string,
) => `CREATE OR REPLACE TABLE candidates AS
  SELECT *, CASE
      WHEN date IS NULL OR slot IS NULL OR session IS NULL OR instrument IS NULL THEN 'a part of the key is missing'
      WHEN instrument <> ${literal(instrument)} THEN 'a row of another instrument'
      WHEN NOT regexp_full_match(session, '[A-Za-z0-9][A-Za-z0-9_-]{0,39}') THEN 'not a name for a session'
    END AS "#reason"
  FROM ${parquet([path], ', file_row_number = true')}`;

export const selectRejects = (
  path: string,
) => `SELECT ${literal(path)} AS file, file_row_number + 1 AS line, "#reason" AS reason,
    concat_ws(' ', date, slot, session, instrument) AS text FROM candidates WHERE "#reason" IS NOT NULL ORDER BY line`;

/** Of several rows with one key the last one of the file counts. */
export const keepIncoming = (columns: Column[]) => `CREATE OR REPLACE TABLE incoming AS
  SELECT ${list(columns)}, strftime(date, '%Y-%m') AS "#month" FROM candidates WHERE "#reason" IS NULL
  QUALIFY row_number() OVER (PARTITION BY date, slot, session ORDER BY file_row_number DESC) = 1`;

export const countCandidates = `SELECT count(*) FILTER ("#reason" IS NOT NULL) AS rejected, count(*) AS read, (SELECT count(*) FROM incoming) AS rows FROM candidates`;

export const listMonths = `SELECT DISTINCT session, "#month" AS month FROM incoming ORDER BY session, month`;

export const loadExisting = (
  columns: Column[],
  paths: string[],
) => `CREATE OR REPLACE TABLE existing AS
  SELECT ${list(columns)} FROM ${paths.length === 0 ? 'incoming WHERE false' : parquet(paths, ', union_by_name = true')}`;

/**
 * Old and new together, new beats old; sorted, so that each month is one narrow stretch of the
 * table.
 */
export function mergeRows(columns: Column[]): string {
  const rest = columns.filter((column) => !key.includes(column.name));
  const differs =
    rest.map(({ name }) => `n.${quoted(name)} IS DISTINCT FROM o.${quoted(name)}`).join(' OR ') ||
    'false';
  const same = key.map((name) => `n.${name} = o.${name}`).join(' AND ');
  return `CREATE OR REPLACE TABLE merged AS
    SELECT ${list(columns, 'n.')}, n."#month", CASE WHEN o.date IS NULL THEN 'inserted' WHEN ${differs} THEN 'updated' ELSE 'unchanged' END AS "#status"
    FROM incoming n LEFT JOIN existing o ON ${same}
    UNION ALL
    SELECT ${list(columns, 'o.')}, strftime(o.date, '%Y-%m'), 'kept' FROM existing o ANTI JOIN incoming n ON ${same}
    ORDER BY session, "#month", date, slot`;
}

export const countMonths = `SELECT session, "#month" AS month, count(*) AS rows, count(*) FILTER ("#status" = 'inserted') AS inserted,
  count(*) FILTER ("#status" = 'updated') AS updated, count(*) FILTER ("#status" = 'unchanged') AS unchanged
  FROM merged GROUP BY ALL ORDER BY session, month`;

export const selectMonth = (columns: Column[], session: string, month: string) =>
  `SELECT ${list(columns)} FROM merged WHERE session = ${literal(session)} AND "#month" = ${literal(month)} ORDER BY date, slot`;

const list = (columns: Column[], from = '') =>
  columns.map(({ name }) => from + quoted(name)).join(', ');
