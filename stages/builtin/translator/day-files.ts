import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Task } from '../incremental.ts';
import type { OutFile } from '../manifest.ts';
import { listFiles } from '../options.ts';
import { daysTemp, makeFolder, publishAll } from '../publish.ts';
import type { Work } from './daily.ts';
import * as sql from './intraday-sql.ts';

/** The files of an instrument's trading days. */
export function createDayFiles(
  { source, database, progress }: Pick<Task, 'source' | 'database' | 'progress'>,
  { out, options }: Work,
) {
  const { name } = source;
  const pathOf = (day: string) =>
    join(name, day.slice(0, 4), day.slice(5, 7), `${name}_1m_${day}.parquet`);

  /** Each day is written beside its place first; all are then synced and moved together. */
  const writeAll = async (days: string[], rowsOf: Map<string, number>): Promise<OutFile[]> => {
    if (days.length === 0) return [];
    const folder = daysTemp(join(out, name));
    await rm(folder, { recursive: true, force: true });
    await makeFolder(folder);
    const moves = days.map((day) => ({
      temp: join(folder, `${day}.parquet`),
      target: join(out, pathOf(day)),
    }));
    await database.runAll(days.map((day, index) => sql.copyDay(day, moves[index]!.temp)));
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
      for (const path of await listFiles(join(out, name), /_1m_\d{4}-\d\d-\d\d\.parquet$/))
        if (!days.has(path.slice(-18, -8))) await rm(path, { force: true });
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
      await database.run(sql.sortDays(sql.selectBars(horizon, name, options.synthetic, isUnique)));

      const files = new Map<string, OutFile | null>();
      const kept = days.filter((day) => rowsOf.has(day) || spokenOf.has(day));
      for (const [index, file] of (await writeAll(kept, rowsOf)).entries())
        files.set(kept[index]!, file);
      for (const day of days.filter((day) => !kept.includes(day))) {
        await rm(join(out, pathOf(day)), { force: true });
        files.set(day, null);
      }
      await database.run(sql.keepRest(horizon));
      return files;
    },
  };
}
