/** Every column a raw file can have; `columns` in the options maps a file's own names to these. */
export const columnNames = [
  'date',
  'timestamp_utc',
  'open',
  'high',
  'low',
  'close',
  'volume',
  'instrument',
] as const;
type Column = (typeof columnNames)[number];
export type LayoutKind = 'daily' | 'intraday';

/**
 * Where the columns of a file are (from 1), and what the file calls all of its columns, in its
 * order.
 */
export type Layout = { at: Partial<Record<Column, number>>; header: string[] };

const timeColumn = { daily: 'date', intraday: 'timestamp_utc' } as const;
const needed = (kind: LayoutKind): Column[] => [
  timeColumn[kind],
  'open',
  'high',
  'low',
  'close',
  'volume',
];
const aliases: Partial<Record<Column, string[]>> = {
  timestamp_utc: ['timestamp', 'datetime', 'time'],
};

/**
 * Reads a header line, in any case, with or without quotes, blanks and a byte order mark.
 * @param names the file's own column names, where they differ: `{ close: 'Last' }`.
 * @returns a sentence instead when it is not a layout of this kind.
 */
export function readLayout(
  line: string,
  kind: LayoutKind,
  names: Partial<Record<Column, string>>,
): Layout | string {
  if (line === '') return 'no header line';
  if (line === utf16) return utf16;
  const header = line.split(',').map(normalize);
  const at = placesOf(header, kind, names);
  const missing = missingOf(at, kind);
  if (missing.length === 0) return { at, header };
  const other = kind === 'daily' ? 'intraday' : 'daily';
  if (
    missing.includes(timeColumn[kind]) &&
    missingOf(placesOf(header, other, names), other).length === 0
  )
    return `${other} bars, and this stage reads ${kind} ones`;
  return `unknown layout, without ${missing.join(', ')}`;
}

const missingOf = (at: Layout['at'], kind: LayoutKind) =>
  needed(kind).filter((column) => at[column] === 0);

/** The place of each column, from 1; 0 where there is none. `instrument` need not be there. */
function placesOf(
  header: string[],
  kind: LayoutKind,
  names: Partial<Record<Column, string>>,
): Layout['at'] {
  const placeOf = (column: Column) => {
    const candidates = (names[column] ? [names[column]] : [column, ...(aliases[column] ?? [])]).map(
      normalize,
    );
    return header.findIndex((name) => candidates.includes(name)) + 1;
  };
  return Object.fromEntries(
    [...needed(kind), 'instrument' as const].map((column) => [column, placeOf(column)]),
  );
}

const normalize = (name: string) =>
  name.trim().replace(/^"|"$/g, '').toLowerCase().replace(/[\s_]/g, '');

const isUtf16 = (bytes: Buffer): boolean =>
  bytes.length > 1 && [0xfffe, 0xfeff].includes(bytes.readUInt16BE(0));
/** Said in the place of a header, so that it is the reason why there is no layout. */
const utf16 = 'UTF-16 text, where UTF-8 was expected';

/** The first line of a file, given its first bytes. */
export const headerLine = (bytes: Buffer): string =>
  isUtf16(bytes)
    ? utf16
    : bytes
        .toString('utf8')
        .replace(/^\uFEFF/, '')
        .split(/\r|\n/, 1)[0]!
        .trim();
