import { basename, join, relative } from 'node:path';
import { z } from 'zod';
import type { Built, Task } from '../incremental.ts';
import { hashOf, holds, type OutFile } from '../manifest.ts';
import { areTooMany, publishRejects, rejectsPath, tooManyRejects } from '../rejects.ts';
import type { Work } from './daily.ts';
import { createDayFiles } from './day-files.ts';
import { createReader, dateOf, type FileRecord } from './intraday-reader.ts';
import * as sql from './intraday-sql.ts';
import { contentOf, translatorVersion } from './translator-options.ts';

const recordSchema = z.object({
  read: z.number(),
  rejected: z.number(),
  days: z.array(z.string()),
  future: z.number().nullable(),
});
const notesSchema = z.object({ options: z.string(), files: z.record(z.string(), recordSchema) });

/**
 * Files of bars by UTC date become files by trading day: `out/{INST}/{YYYY}/{MM}/{INST}_1m_{trading
 * day}.parquet`.
 *
 * Any file may hold bars of any day, so it is recorded which days each file holds. A file that is
 * new or changed is read, and every day it touches, now or last time, is written again from all
 * files that hold some of it: the same bars, whichever file came first. Files are read in the order
 * of their dates, and a day is written as soon as no later file should touch it; one that does all
 * the same makes that day be written once more.
 */
export async function translateIntraday(task: Task, work: Work): Promise<Built> {
  const { source, database, progress } = task;
  const { raw, out, options } = work;
  const { name } = source;
  const names = source.files.map((path) => relative(raw, path));
  const optionsHash = hashOf([translatorVersion, contentOf(options)]);
  const dayFiles = createDayFiles(task, work);
  const reader = await createReader(task, work, names);
  const { records, written, pending, rejects } = await lastTime(task, work, {
    optionsHash,
    dayOf: dayFiles.dayOf,
  });
  const fresh = names.filter((file) => !records.has(file));
  if (rejects && records.size > 0)
    await database.run(sql.loadRejects(join(out, rejects.path), [...records.keys()]));

  const builtOf = (files: OutFile[]): Built => {
    const all = [...records.values()];
    const future = all.flatMap((record) => record.future ?? []);
    const days = [...written]
      .filter(([day]) => !pending.has(day))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, file]) => file);
    const counts = {
      read: sum(all, 'read'),
      rejected: sum(all, 'rejected'),
      rows: days.reduce((all, { rows }) => all + rows, 0),
    };
    return {
      files: [...files, ...days],
      counts: { ...counts, duplicates: counts.read - counts.rejected - counts.rows },
      notes: { options: optionsHash, files: Object.fromEntries(records) },
      ...(future.length > 0 && { recheck_at: Math.min(...future) }),
    };
  };
  const rejectsOf = (rejected: number) =>
    publishRejects(database, { out, name, rejected, select: sql.selectRejects });
  /**
   * Rejects come first: when the stage fails for them, the user finds them all, beside the
   * untouched files of the days.
   */
  const refuse = async (
    { rejected, read }: Pick<FileRecord, 'rejected' | 'read'>,
    what = '',
  ): Promise<void> => {
    if (!areTooMany(rejected, read, options.max_reject_ratio)) return;
    await rejectsOf(rejected);
    const share = `${rejected} of ${read} rows${what}`;
    throw await tooManyRejects(database, sql.selectRejects, {
      name,
      share,
      where: join(options.out, rejectsPath(name)),
    });
  };

  const chunks = reader.chunksOf(fresh, options.chunk_mb * 1_000_000);
  for (const [index, chunk] of chunks.entries()) {
    progress.note(`${name} ${basename(chunk[0] ?? '')}`);
    for (const [file, record] of await reader.read(chunk, null)) {
      await refuse(record, ` of ${basename(file)}`);
      records.set(file, record);
      for (const day of record.days) pending.add(day);
    }
    const waiting = chunks.slice(index + 1).flat();
    const horizon = horizonOf(waiting);
    const closed = [...pending].filter((day) => day < horizon).toSorted();
    if (closed.length > 0) {
      const counts = await reader.complete(closed, horizon, records);
      const spokenOf = new Set([...records.values()].flatMap((record) => record.days));
      for (const [day, file] of await dayFiles.write(closed, horizon, counts, spokenOf)) {
        pending.delete(day);
        if (file) written.set(day, file);
        else written.delete(day);
      }
      // Days that are still pending are not vouched for, so after a crash every file that holds
      // some of them is read again.
      if (waiting.length > 0) await task.checkpoint(builtOf([]));
    }
    progress.files(chunk.length);
  }
  const all = [...records.values()];
  await refuse({ rejected: sum(all, 'rejected'), read: sum(all, 'read') });
  await dayFiles.removeOthers(new Set(written.keys()));
  return builtOf(await rejectsOf(sum(all, 'rejected')));
}

const sum = (records: FileRecord[], what: 'read' | 'rejected') =>
  records.reduce((all, record) => all + record[what], 0);

/**
 * What still holds of the last time, if it was made with the same options: which raw files need not
 * be read again, which days are written, and which must be written again because their file, or one
 * of their raw files, is another one or gone.
 */
async function lastTime(
  task: Task,
  { out, signal }: Work,
  { optionsHash, dayOf }: { optionsHash: string; dayOf(file: OutFile): string | undefined },
) {
  const records = new Map<string, FileRecord>();
  const written = new Map<string, OutFile>();
  const pending = new Set<string>();
  const { known, inputs } = task;
  const notes = notesSchema.safeParse(known?.notes);
  let rejects: OutFile | null = null;
  if (!known || !notes.success || notes.data.options !== optionsHash)
    return { records, written, pending, rejects };

  for (const file of known.files) {
    const day = dayOf(file);
    const isWhole = await holds(out, file, signal);
    if (!day) rejects = isWhole ? file : null;
    else if (isWhole) written.set(day, file);
    else pending.add(day);
  }
  // Rejects are kept for all files or for none: without them every file that had some is read
  // again.
  const lostRejects = rejects === null;
  for (const [file, record] of Object.entries(notes.data.files)) {
    const isKnown =
      inputs[file] !== undefined &&
      inputs[file] === known.inputs[file] &&
      !(lostRejects && record.rejected > 0);
    const holdsStill =
      Date.now() < (record.future ?? Number.POSITIVE_INFINITY) &&
      record.days.every((day) => written.has(day));
    if (isKnown && holdsStill) records.set(file, record);
    else for (const day of record.days) pending.add(day);
  }
  return { records, written, pending, rejects };
}

const never = '9999-12-31';
/**
 * A file of a UTC date holds bars of that trading day or, over a weekend or a holiday, of a few
 * days around.
 */
const reachDays = 5;

/** Trading days before this one are complete when these files are still to be read. */
function horizonOf(waiting: string[]): string {
  if (waiting.length === 0) return never;
  const dates = waiting.map((file) => Date.parse(dateOf(file) ?? ''));
  if (dates.some(Number.isNaN)) return '0001-01-01';
  return new Date(Math.min(...dates) - reachDays * 86_400_000).toISOString().slice(0, 10);
}
