import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { StageFailure } from '../../contract.ts';
import { literal, stopped } from '../duckdb.ts';
import type { Task } from '../incremental.ts';
import type { Work } from './daily.ts';
import * as sql from './intraday-sql.ts';
import { writePlainLines } from './plain-lines.ts';

/**
 * What is remembered of a raw file. `future`: from when on (ms) a row of it that came too early may
 * be a bar.
 */
export type FileRecord = { read: number; rejected: number; days: string[]; future: number | null };
type Reader = {
  /**
   * Files together, in their order, up to so many bytes; at least one chunk, which may be empty.
   */
  chunksOf(names: string[], bytes: number): string[][];
  /**
   * Puts the rows of these files into `bars` and `rejects`. `only` keeps the bars of these days.
   */
  read(names: string[], only: string[] | null): Promise<Map<string, FileRecord>>;
  /**
   * Makes these days, all that lie before the horizon, whole: rows of files read before come in,
   * and what is there twice gets its lines.
   */
  complete(
    days: string[],
    horizon: string,
    records: Map<string, FileRecord>,
  ): Promise<sql.DayCount[]>;
};

const dayMs = 86_400_000;
/** The date in a file's name. */
export const dateOf = (name: string): string | undefined =>
  /(\d{4}-\d\d-\d\d)\.csv$/i.exec(name)?.[1];

/** A month more than the names say on both sides; null when a name says nothing. */
function spanOf(names: string[]): [number, number] | null {
  const dates = names.map((name) => Date.parse(dateOf(name) ?? ''));
  return dates.some(Number.isNaN)
    ? null
    : [Math.min(...dates) - 31 * dayMs, Math.max(...dates) + 31 * dayMs];
}

/**
 * Reads raw files: clean ones many at a time by DuckDB's own CSV reader, the others line by line.
 */
export async function createReader(
  { source, database, inputs }: Task,
  { raw, options, raws, signal }: Work,
  names: string[],
): Promise<Reader> {
  const indexOf = new Map(names.map((name, index) => [name, index]));
  /** Which files have their rows of a day in `bars` now. */
  const inTable = new Map<string, Set<string>>();
  const path = (name: string) => join(raw, name);
  const fileOf = (name: string) => raws.get(path(name))!;
  const indices = (some: string[]) => some.map((name) => indexOf.get(name)!);
  const reading = (only: string[] | null, span: [number, number] | null) => ({
    options,
    nowMs,
    only,
    span,
    rules,
  });
  const rules = {
    instrument: source.name,
    allowNegative: options.allow_negative.includes(source.name),
  };
  const nowMs = Date.now();

  await database.run(sql.createTables);
  const rows = names.map((name, index) =>
    [
      index,
      literal(path(name)),
      literal(name),
      literal(options.sources[source.name] ?? basename(name)),
    ].join(', '),
  );
  if (rows.length > 0)
    await database.run(`INSERT INTO files VALUES ${rows.map((row) => `(${row})`).join(', ')}`);

  /** @returns counts of those that were clean; when one of many cannot be read, halves find it */
  const readFast = async (group: string[], only: string[] | null): Promise<sql.FileCount[]> => {
    try {
      await database.run(
        sql.readFast(group.map(path), fileOf(group[0]!).layout, reading(only, spanOf(group))),
      );
    } catch (error) {
      if (error instanceof StageFailure) throw error;
      if (group.length === 1) return [];
      const middle = Math.ceil(group.length / 2);
      return [
        ...(await readFast(group.slice(0, middle), only)),
        ...(await readFast(group.slice(middle), only)),
      ];
    }
    const counts = await database.rows<sql.FileCount>(sql.countFast(indices(group)));
    // Lines that the reader left out, or was not sure about. When only some days count, such lines
    // are in the rejects already.
    const isClean = ({ file, read, ok }: sql.FileCount) =>
      ok && (only !== null || read === fileOf(names[file]!).lines);
    const doubtful = counts.filter((count) => !isClean(count)).map(({ file }) => file);
    if (doubtful.length > 0) await database.run(sql.forget(doubtful, null));
    return counts.filter(isClean);
  };

  const readSlowly = async (group: string[], only: string[] | null): Promise<sql.FileCount[]> => {
    const copies = group.filter((name) => !fileOf(name).isPlain);
    const copyOf = (name: string) => join(database.scratch, `${indexOf.get(name)}.csv`);
    try {
      for (const name of copies) {
        await writePlainLines(path(name), copyOf(name), signal);
        await database.run(
          `INSERT INTO copies VALUES (${indexOf.get(name)}, ${literal(copyOf(name))})`,
        );
      }
      const places = group.map((name) => (copies.includes(name) ? copyOf(name) : path(name)));
      await database.run(sql.readSlowly(places, fileOf(group[0]!).layout, reading(only, null)));
    } catch (error) {
      if (error instanceof StageFailure) throw error;
      if (signal.aborted) throw stopped();
      if (group.length > 1) return oneByOne(group, only);
      throw new StageFailure(
        'unreadable-input',
        `Cannot read ${group[0]}: ${(error as Error).message}`,
      );
    } finally {
      await database.run('DELETE FROM copies').catch(() => {});
      for (const name of copies) await rm(copyOf(name), { force: true });
    }
    await database.run(sql.keepJudged(only));
    return database.rows<sql.FileCount>(sql.countJudged);
  };
  /** Of many files that cannot be read together, the one at fault is found by its failure. */
  const oneByOne = async (group: string[], only: string[] | null): Promise<sql.FileCount[]> => {
    const counts: sql.FileCount[] = [];
    for (const name of group) counts.push(...(await readSlowly([name], only)));
    return counts;
  };

  const byHeader = (some: string[]) =>
    Map.groupBy(some, (name) => fileOf(name).layout.header.join()).values();
  const read: Reader['read'] = async (some, only) => {
    const counts = new Map<number, sql.FileCount>();
    const isCounted = (name: string) => counts.has(indexOf.get(name)!);
    const filled = some.filter((name) => fileOf(name).lines > 0);
    for (const group of byHeader(filled.filter((name) => !fileOf(name).isOdd)))
      for (const count of await readFast(group, only)) counts.set(count.file, count);
    for (const group of byHeader(filled.filter((name) => !isCounted(name))))
      for (const count of await readSlowly(group, only)) counts.set(count.file, count);

    const records = new Map<string, FileRecord>();
    for (const name of some) {
      const {
        read: lines = 0,
        rejected = 0,
        future = null,
        days: list = null,
      } = counts.get(indexOf.get(name)!) ?? {};
      // A file without rows has an output all the same: that of its own date, which is then valid
      // and empty.
      const own = fileOf(name).lines === 0 ? [dateOf(name) ?? []].flat() : [];
      const days = [...(list ?? '').split(',').filter(Boolean), ...own].toSorted();
      for (const day of only ?? days) inTable.set(day, (inTable.get(day) ?? new Set()).add(name));
      records.set(name, { read: lines, rejected, days, future });
    }
    return records;
  };

  /** Reads again the days of a file that were in the table, now with line numbers. */
  const number = async (name: string): Promise<void> => {
    const days = [...inTable].filter(([, files]) => files.has(name)).map(([day]) => day);
    await database.run(sql.forget(indices([name]), null));
    await readSlowly([name], days);
  };

  return {
    read,
    chunksOf(some, bytes) {
      const chunks: string[][] = [[]];
      let room = bytes;
      for (const name of some) {
        const size = fileOf(name).bytes;
        if (room < size && chunks.at(-1)!.length > 0) {
          chunks.push([]);
          room = bytes;
        }
        chunks.at(-1)!.push(name);
        room -= size;
      }
      return chunks;
    },
    async complete(days, horizon, records) {
      const wanted = new Set(days);
      const isMissing = (name: string) => (day: string) =>
        wanted.has(day) && !inTable.get(day)?.has(name);
      const missing = [...records]
        .filter(([name, record]) => name in inputs && record.days.some(isMissing(name)))
        .map(([name]) => name);
      if (missing.length > 0) {
        await database.run(sql.forget(indices(missing), days));
        await read(missing, days);
      }
      const counts = await database.rows<sql.DayCount>(sql.countDays(horizon));
      if (counts.some((count) => count.rows < count.read))
        for (const { file } of await database.rows<{ file: number }>(sql.doubled(horizon)))
          await number(names[file]!);
      for (const day of days) inTable.delete(day);
      return counts;
    },
  };
}
