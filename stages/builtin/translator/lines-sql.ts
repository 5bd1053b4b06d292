import { literal, pathToRead } from '../duckdb.ts';
import { maxLineBytes } from './plain-lines.ts';
import type { Layout } from './translator-layout.ts';

const prices = ['open', 'high', 'low', 'close'] as const;
// Stricter than a cast, which takes 1_000, nan and inf for numbers.
const number = `'[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?'`;
const blanks = `' "' || chr(9) || chr(13)`;

/** The SQL of a field by its place in the line. */
export const fieldAt = (place: number | undefined) => `f[${place}]`;

/**
 * Files read line by line: `filename`, `line`, `text`, its fields `f`, `open`, `high`, `low`,
 * `close`, `volume`. Lines are split here rather than by the CSV reader, because a reader that
 * meets a bad line loses its number or the whole file. Files that are not plain, see `inspect`, are
 * read from a copy that is, so a bad byte costs its row at most.
 * @param more further columns of the select list, ending with a comma.
 */
export function typedLines(paths: string[], { at }: Layout, more: string): string {
  const price = (name: (typeof prices)[number]) =>
    `CASE WHEN regexp_full_match(${fieldAt(at[name])}, ${number}) THEN try_cast(${fieldAt(at[name])} AS DOUBLE) END AS ${name}`;
  const volume = fieldAt(at.volume);
  return `numbered AS (
      SELECT row_number() OVER () AS n, filename, text FROM read_csv([${paths.map(pathToRead).join(', ')}], header = false, auto_detect = false,
        columns = {'text': 'VARCHAR'}, delim = chr(1), quote = '', escape = '', strict_mode = false, filename = true)
    ), lines AS (
      SELECT filename, n - min(n) OVER (PARTITION BY filename) + 1 AS line, text FROM numbered
    ), split AS (
      SELECT filename, line, text, list_transform(string_split(text, ','), lambda part: trim(part, ${blanks})) AS f
      FROM lines WHERE line > 1 AND trim(text, ' ' || chr(9) || chr(13)) <> ''
    ), typed AS (
      SELECT filename, line, text, f, ${more} ${prices.map(price).join(', ')},
        CASE WHEN regexp_full_match(${volume}, '[+-]?\\d+(\\.0*)?') THEN try_cast(split_part(${volume}, '.', 1) AS BIGINT) END AS volume
      FROM split
    )`;
}

/** Whose rows these should be, and what they may hold. */
export type Rules = { instrument: string; allowNegative: boolean };

/** Whether a file's own column names another instrument than the folder does; empty says nothing. */
export const isOther = (field: string, instrument: string) =>
  `coalesce(upper(trim(${field})) NOT IN ('', ${literal(instrument.toUpperCase())}), false)`;

/**
 * Why a typed line is no bar; NULL when it is one. `time` are the cases of the column that says
 * when.
 */
export const reasonOf = (
  { header, at }: Layout,
  time: string,
  { instrument, allowNegative }: Rules,
) => `CASE
    WHEN length(text) > ${maxLineBytes} THEN 'line is longer than ${maxLineBytes / 1024} kB'
    WHEN len(f) <> ${header.length} THEN 'expected ${header.length} fields, found ' || len(f)
    ${at.instrument ? `WHEN ${isOther(fieldAt(at.instrument), instrument)} THEN 'a row of the instrument ' || left(${fieldAt(at.instrument)}, 40)` : ''}
    ${time}
    ${prices.map((name) => `WHEN ${name} IS NULL OR NOT isfinite(${name}) THEN '${name} is not a number'`).join('\n    ')}
    ${allowNegative ? '' : "WHEN least(open, high, low, close) < 0 THEN 'negative price'"}
    WHEN low > least(open, close) THEN 'low is above open or close'
    WHEN high < greatest(open, close) THEN 'high is below open or close'
    WHEN volume IS NULL THEN 'volume is not a whole number'
    WHEN volume < 0 THEN 'negative volume'
  END`;

/**
 * The same judgement of numbers that a reader has typed: true, false, or NULL where something is
 * missing.
 */
export const isBar = (allowNegative: boolean) =>
  `isfinite(open) AND isfinite(high) AND isfinite(low) AND isfinite(close) AND low <= least(open, close) AND high >= greatest(open, close)
    AND volume >= 0${allowNegative ? '' : ' AND low >= 0'}`;
