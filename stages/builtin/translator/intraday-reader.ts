import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { StageFailure } from '../../contract.ts';
import { literal, stopped } from '../duckdb.ts';
import type { Task } from '../incremental.ts';
import type { Work } from './daily.ts';
import * as sql from './intraday-sql.ts';

/** What is remembered of a raw file. `future`: from when on (ms) a row of it that came too early may be a bar. */
export type FileRecord = { read: number; rejected: number; days: string[]; future: number | null };
type Reader = {
  /** Files together, in their order, up to so many bytes; at least one chunk, which may be empty. */
  chunksOf(names: string[], bytes: number): Promise<string[][]>;
  /** Puts the rows of these files into `bars` and `rejects`. `only` keeps the bars of these days. */
  read(names: string[], only: string[] | null): Promise<Map<string, FileRecord>>;
  /** Brings in the rows of these days that are in files read before. */
  complete(days: string[], records: Map<string, FileRecord>): Promise<void>;
};

/** Reads raw files: clean ones many at a time by DuckDB's own CSV reader, the others line by line. */
export async function createReader(
  { source, database, inputs }: Task,
  { raw, options, layouts, signal }: Work,
  names: string[],
): Promise<Reader> {
  const allowNegative = options.allow_negative.includes(source.name);
  const indexOf = new Map(names.map((name, index) => [name, index]));
  /** Which files have their rows of a day in `bars` now. */
  const inTable = new Map<string, Set<string>>();
  const nowMs = Date.now();
  const path = (name: string) => join(raw, name);
  const layoutOf = (name: string) => layouts.get(path(name))!;

  await database.run(sql.createTables);
  const rows = names.map((name, index) =>
    [index, literal(path(name)), literal(name), literal(options.sources[source.name] ?? basename(name))].join(', '),
  );
  if (rows.length > 0) await database.run(`INSERT INTO files VALUES ${rows.map((row) => `(${row})`).join(', ')}`);

  /** @returns those that must be read line by line; when one of many cannot be read, halves find it */
  const readFast = async (group: string[], only: string[] | null): Promise<string[]> => {
    try {
      await database.run(sql.readFast(group.map(path), layoutOf(group[0]!), { options, allowNegative, nowMs, only }));
    } catch (error) {
      if (error instanceof StageFailure) throw error;
      if (group.length === 1) return group;
      const middle = Math.ceil(group.length / 2);
      return [...(await readFast(group.slice(0, middle), only)), ...(await readFast(group.slice(middle), only))];
    }
    const indices = group.map((name) => indexOf.get(name)!);
    const doubtful = (await database.rows<{ file: number }>(sql.doubtful(indices))).map(({ file }) => file);
    if (doubtful.length > 0) await database.run(sql.forget(doubtful, null));
    return doubtful.map((file) => names[file]!);
  };

  const readSlowly = async (name: string, only: string[] | null): Promise<sql.FileCount> => {
    const file = indexOf.get(name)!;
    try {
      await database.run(sql.readSlowly(path(name), layoutOf(name), { options, allowNegative, nowMs, only }));
    } catch (error) {
      if (error instanceof StageFailure) throw error;
      throw new StageFailure('unreadable-input', `Cannot read ${path(name)}: ${(error as Error).message}`);
    }
    await database.run(sql.keepJudged(file, name, only));
    return (await database.rows<sql.FileCount>(sql.countJudged(file)))[0]!;
  };

  const read: Reader['read'] = async (some, only) => {
    const records = new Map<string, FileRecord>();
    if (some.length === 0) return records;
    const looks = new Map<string, Rows>();
    for (const name of some) looks.set(name, await lookAt(path(name), signal));
    const clean = some.filter((name) => looks.get(name)! === 'plain');
    const slow = some.filter((name) => looks.get(name)! === 'odd');
    for (const group of Map.groupBy(clean, (name) => layoutOf(name).header.join()).values()) slow.push(...(await readFast(group, only)));
    const counts: sql.FileCount[] = [];
    const fast = clean.filter((name) => !slow.includes(name)).map((name) => indexOf.get(name)!);
    if (fast.length > 0) counts.push(...(await database.rows<sql.FileCount>(sql.countFast(fast))));
    for (const name of slow) counts.push(await readSlowly(name, only));
    for (const name of some) {
      const count = counts.find(({ file }) => file === indexOf.get(name));
      // A file without rows has an output all the same: that of its own date, which is then valid and empty.
      const own = /(\d{4}-\d\d-\d\d)\.csv$/i.exec(name)?.[1];
      const days = count ? (count.days ?? '').split(',').filter(Boolean).toSorted() : own && looks.get(name)! === 'none' ? [own] : [];
      for (const day of only ?? days) inTable.set(day, (inTable.get(day) ?? new Set()).add(name));
      const { read: lines = 0, rejected = 0, future = null } = count ?? {};
      records.set(name, { read: lines, rejected, days, future });
    }
    return records;
  };

  return {
    read,
    async chunksOf(some, bytes) {
      const chunks: string[][] = [[]];
      let room = bytes;
      for (const name of some) {
        const { size } = await stat(path(name));
        if (room < size && chunks.at(-1)!.length > 0) {
          chunks.push([]);
          room = bytes;
        }
        chunks.at(-1)!.push(name);
        room -= size;
      }
      return chunks;
    },
    async complete(days, records) {
      const missing = new Set<string>();
      for (const [name, record] of records)
        if (name in inputs && record.days.some((day) => days.includes(day) && !inTable.get(day)?.has(name))) missing.add(name);
      if (missing.size > 0) {
        const helpers = [...missing];
        await database.run(
          sql.forget(
            helpers.map((name) => indexOf.get(name)!),
            days,
          ),
        );
        await database.run(`DELETE FROM rejects WHERE name IN (${helpers.map(literal).join(', ')})`);
        await read(helpers, days);
      }
      for (const day of days) inTable.delete(day);
    },
  };
}

type Rows = 'none' | 'plain' | 'odd';
const underscore = 0x5f;
const quote = 0x22;

/** Whether a file has rows at all, and none of the characters that a CSV reader reads more into than is meant: 1_000 is no number here. */
async function lookAt(path: string, signal: AbortSignal): Promise<Rows> {
  let isHeader = true;
  let hasRows = false;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    if (signal.aborted) throw stopped();
    const bytes = chunk as Buffer;
    const end = isHeader ? bytes.findIndex((byte) => byte === 0x0a || byte === 0x0d) : -1;
    if (isHeader && end === -1) continue;
    isHeader = false;
    const body = bytes.subarray(end + 1);
    hasRows ||= body.some((byte) => byte > 0x20);
    if (body.includes(underscore) || body.includes(quote)) return 'odd';
  }
  return hasRows ? 'plain' : 'none';
}
