import { basename, join, relative } from 'node:path';
import { type StageContext, StageFailure } from '../../contract.ts';
import { asParquet, type Database, literal } from '../duckdb.ts';
import type { Built, Task } from '../incremental.ts';
import { digestOf, fileAt, publish, syncFolders } from '../publish.ts';
import { areTooMany, publishRejects, rejectsPath, tooManyRejects } from '../rejects.ts';
import * as sql from './merge-sql.ts';

type Work = { out: string; maxRejectRatio: number };

/** The rows of one instrument into the files of their months. */
export async function mergeSource(
  context: StageContext,
  { source, database, progress }: Task,
  { out, maxRejectRatio }: Work,
): Promise<Built> {
  const path = source.files[0]!;
  const columns = await readable('unreadable-input', path, async () => {
    await database.run(sql.loadCandidates(path, source.name));
    return database.rows<sql.Column>(sql.describeFiles([path]));
  });
  await database.run(sql.keepIncoming(columns));
  const [count] = await database.rows<{ read: number; rejected: number; rows: number }>(
    sql.countCandidates,
  );
  const { read, rejected, rows } = count!;
  progress.rows(rows);
  const select = sql.selectRejects(basename(path));
  const files = await publishRejects(database, { out, name: source.name, rejected, select });
  if (areTooMany(rejected, read, maxRejectRatio)) {
    const where = relative(context.projectDir, join(out, rejectsPath(source.name)));
    throw await tooManyRejects(database, select, {
      name: source.name,
      share: `${rejected} of ${read} rows`,
      where,
    });
  }

  const fileOf = ({ session, month }: { session: string; month: string }) =>
    join(source.name, session, `${month}.parquet`);
  const wanted = (await database.rows<{ session: string; month: string }>(sql.listMonths)).map(
    (month) => join(out, fileOf(month)),
  );
  const existing: string[] = [];
  for (const file of wanted) {
    const kind = await fileAt(file);
    if (kind === 'other') throw notReadable('unreadable-target', file, 'it is no file');
    if (kind === 'file') existing.push(file);
  }
  await loadExisting(database, columns, existing);
  await database.run(sql.mergeRows(columns));

  const sums = { inserted: 0, updated: 0, written: 0 };
  const folders = new Set<string>();
  const failures: unknown[] = [];
  for (const month of await database.rows<sql.MonthCount>(sql.countMonths)) {
    const file = fileOf(month);
    if (month.inserted + month.updated === 0) {
      files.push({
        path: file,
        rows: month.rows,
        ...(await digestOf(join(out, file), context.signal)),
      });
      continue;
    }
    progress.note(`${source.name} ${month.month}`);
    const copy = (temp: string) =>
      database.run(
        `COPY (${sql.selectMonth(columns, month.session, month.month)}) TO ${literal(temp)} ${asParquet}`,
      );
    try {
      files.push({
        path: file,
        rows: month.rows,
        ...(await publish(join(out, file), copy, folders)),
      });
      sums.inserted += month.inserted;
      sums.updated += month.updated;
      sums.written += 1;
    } catch (error) {
      // One month that cannot be written must not keep the others back: the retry then finds only
      // this one to do.
      if (!(error instanceof StageFailure) || context.signal.aborted) throw error;
      failures.push(error);
    }
  }
  await syncFolders(folders);
  if (failures.length > 0) throw failures[0];
  return { files, counts: { rows, rejected, duplicates: read - rejected - rows, ...sums } };
}

/**
 * @throws StageFailure `unreadable-target` naming the month file: to write over it would lose what
 * it holds.
 * @throws StageFailure `schema-mismatch` when the months have other columns than the new rows.
 */
async function loadExisting(
  database: Database,
  columns: sql.Column[],
  paths: string[],
): Promise<void> {
  const words = (list: sql.Column[]) => list.map(({ name, type }) => `${name} ${type}`).join(', ');
  try {
    if (paths.length > 0) {
      const found = await database.rows<sql.Column>(sql.describeFiles(paths));
      if (words(found) !== words(columns))
        throw new StageFailure(
          'schema-mismatch',
          `Merged months have the columns ${words(found)}; the new rows have ${words(columns)}.`,
          {
            retryable: false,
          },
        );
    }
    await database.run(sql.loadExisting(columns, paths));
  } catch (error) {
    if (error instanceof StageFailure) throw error;
    for (const path of paths)
      await readable('unreadable-target', path, () =>
        database.run(sql.loadExisting(columns, [path])),
      );
    throw error;
  }
}

async function readable<T>(code: string, path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof StageFailure) throw error;
    throw notReadable(code, path, (error as Error).message);
  }
}

const notReadable = (code: string, path: string, why: string) =>
  new StageFailure(code, `Cannot read ${path}: ${why}`, {
    retryable: code !== 'unreadable-target',
  });
