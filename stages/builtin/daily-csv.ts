import { open } from 'node:fs/promises';

const required = ['date', 'open', 'high', 'low', 'close', 'volume'] as const;
export type DailyColumn = (typeof required)[number];

/** Where the columns of a daily file are (from 1) and how many fields each line must have. */
export type DailyLayout = { columns: Record<DailyColumn, number>; fields: number };

/**
 * Reads a file's header, in any case, with or without quotes, blanks and a byte order mark.
 * @param names the file's own column names, where they differ: `{ close: 'Last' }`.
 * @returns a sentence instead when it is not a layout of daily bars.
 */
export async function readLayout(path: string, names: Partial<Record<DailyColumn, string>>): Promise<DailyLayout | string> {
  const header = await firstLine(path);
  if (header === '') return 'no header line';
  const found = header.split(',').map(normalize);
  const columns = {} as Record<DailyColumn, number>;
  const missing: string[] = [];
  for (const column of required) {
    const index = found.indexOf(normalize(names[column] ?? column));
    if (index === -1) missing.push(column);
    columns[column] = index + 1;
  }
  if (missing.length === 0) return { columns, fields: found.length };
  const intraday = found.find((name) => ['timestamputc', 'timestamp', 'datetime', 'time'].includes(name));
  if (intraday && missing.includes('date')) return 'intraday bars, which are not supported yet';
  return `unknown layout, without ${missing.join(', ')}`;
}

const normalize = (name: string) => name.trim().replace(/^"|"$/g, '').toLowerCase().replace(/[\s_]/g, '');

async function firstLine(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(65_536), 0, 65_536, 0);
    const text = buffer.toString('utf8', 0, bytesRead).replace(/^\uFEFF/, '');
    return text.split(/\r|\n/, 1)[0]!.trim();
  } finally {
    await handle.close();
  }
}
