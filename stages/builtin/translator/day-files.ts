import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findFiles } from '../find-files.ts';
import type { Task } from '../incremental.ts';
import type { OutFile } from '../manifest.ts';
import { daysTemp, makeFolder, publishAll, removeFile } from '../publish.ts';
import type { Work } from './daily.ts';
import * as sql from './intraday-sql.ts';
import { translatorVersion } from './translator-options.ts';

/** The files of an instrument's trading days. */
export function createDayFiles(
  { source, database, progress }: Pick<Task, 'source' | 'database' | 'progress'>,
  { out, options }: Work,
) {
  const { name } = source;
  const pathOf = (day: string) =>
    join(name, day.slice(0, 4), day.slice(5, 7), `${name}_1m_${day}.parquet`);

  /** Each day is written beside its place first; all are then synced and moved together. */
  const writeAll = async (
    days: string[],
    rowsOf: Map<string, number>,
    offsets: sql.Offset[],
  ): Promise<OutFile[]> => {
    if (days.length === 0) return [];
    const folder = daysTemp(join(out, name));
    await rm(folder, { recursive: true, force: true });
    await makeFolder(folder);
    const moves = days.map((day) => ({
      temp: join(folder, `${day}.parquet`),
      target: join(out, pathOf(day)),
    }));
    const offsetsOf = Map.groupBy(offsets, ({ day }) => day);
    const copyOf = (day: string, index: number) =>
      sql.copyDay(day, moves[index]!.temp, {
        translator: String(translatorVersion),
        timezone: options.timezone,
        utc_offsets: JSON.stringify(fromRows(offsetsOf.get(day) ?? [])),
      });
    await database.runAll(days.map(copyOf));
    const digests = await publishAll(moves);
    await rm(folder, { recursive: true, force: true });
    return days.map((day, index) => ({
      path: pathOf(day),
      rows: rowsOf.get(day) ?? 0,
      ...digests[index]!,
    }));
  };

  return {
    dayOf: ({ path }: OutFile): string | undefined => /(\d{4}-\d\d-\d\d)\.parquet$/.exec(path)?.[1],
    /**
     * Days of other options, or of a crash between two files, are nobody's any more; the next stage
     * would read them.
     */
    async removeOthers(days: Set<string>): Promise<void> {
      const { files } = await findFiles(join(out, name), /_1m_\d{4}-\d\d-\d\d\.parquet$/);
      for (const path of files) if (!days.has(path.slice(-18, -8))) await removeFile(path);
    },
    /**
     * Writes days from `bars`, where all of their rows are: these, which are all that lie before
     * the horizon. A day that a raw file speaks of without a row is a valid, empty file; one that
     * none speaks of any more is removed.
     * @returns null for a removed day
     */
    async write(
      days: string[],
      horizon: string,
      counts: sql.DayCount[],
      spokenOf: Set<string>,
    ): Promise<Map<string, OutFile | null>> {
      const rowsOf = new Map(counts.map(({ day, rows }) => [day, rows]));
      progress.rows(counts.reduce((all, { rows }) => all + rows, 0));
      const isUnique = counts.every(({ read, rows }) => read === rows);
      const offsets = await database.rows<sql.Offset>(sql.listOffsets(horizon, isUnique));
      await database.run(sql.sortDays(sql.selectBars(horizon, name, options.synthetic, isUnique)));

      const files = new Map<string, OutFile | null>();
      const kept = days.filter((day) => rowsOf.has(day) || spokenOf.has(day));
      for (const [index, file] of (await writeAll(kept, rowsOf, offsets)).entries())
        files.set(kept[index]!, file);
      for (const day of days.filter((day) => !kept.includes(day))) {
        await removeFile(join(out, pathOf(day)));
        files.set(day, null);
      }
      await database.run(sql.keepRest(horizon));
      return files;
    },
  };
}

/**
 * `[[0,-300],[540,-360]]`: from row 540 on, timestamps are UTC less 360 minutes. Tells the two
 * halves of a repeated hour apart for a reader that wants instants.
 */
function fromRows(offsets: sql.Offset[]): [row: number, minutes: number][] {
  let row = 0;
  return offsets.map(({ minutes, rows }) => {
    const from = row;
    row += rows;
    return [from, minutes];
  });
}
