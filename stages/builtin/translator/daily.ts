import { rm } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { StageFailure } from '../../contract.ts';
import { asParquetWith, literal, stopped } from '../duckdb.ts';
import type { Built, Task } from '../incremental.ts';
import { publish } from '../publish.ts';
import { areTooMany, publishRejects, rejectsPath, tooManyRejects } from '../rejects.ts';
import { writePlainLines } from './plain-lines.ts';
import type { RawFile } from './sources.ts';
import {
  countRows,
  createRows,
  readRows,
  selectBars,
  selectRejects,
} from './translator-daily-sql.ts';
import { type Options, translatorVersion } from './translator-options.ts';

export type Work = {
  raw: string;
  out: string;
  options: Options;
  raws: Map<string, RawFile>;
  signal: AbortSignal;
};

/** All daily files of an instrument become one Parquet file. */
export async function translateDaily(
  { source, database, progress }: Task,
  { raw, out, options, raws, signal }: Work,
): Promise<Built> {
  const { name } = source;
  const rules = { instrument: name, allowNegative: options.allow_negative.includes(name) };
  await database.run(createRows);
  for (const [index, path] of source.files.entries()) {
    try {
      const { layout, isPlain } = raws.get(path)!;
      const plain = isPlain ? path : join(database.scratch, `${index}.csv`);
      if (!isPlain) await writePlainLines(path, plain, signal);
      await database.run(readRows(plain, index, layout, rules));
      if (!isPlain) await rm(plain);
    } catch (error) {
      if (error instanceof StageFailure) throw error;
      if (signal.aborted) throw stopped();
      throw new StageFailure(
        'unreadable-input',
        `Cannot read ${path}: ${(error as Error).message}`,
      );
    }
    progress.files(1);
  }
  const [count] = await database.rows<{
    read: number;
    rejected: number;
    future: number | null;
    rows: number;
  }>(countRows);
  const { read, rejected, future, rows } = count!;
  progress.rows(rows);

  // Rejects come first: when the stage fails for them, the user finds them all, beside yesterday's
  // untouched Parquet file.
  const select = selectRejects(source.files.map((path) => relative(raw, path)));
  const files = await publishRejects(database, { out, name, rejected, select });
  if (rejected > 0 && (rows === 0 || areTooMany(rejected, read, options.max_reject_ratio))) {
    const where = join(options.out, rejectsPath(name));
    throw await tooManyRejects(database, select, {
      name,
      share: `${rejected} of ${read} rows`,
      where,
    });
  }
  const labels = source.files.map((path) => options.sources[name] ?? basename(path));
  const copy = (temp: string) =>
    database.run(
      `COPY (${selectBars(name, labels, options.synthetic)}) TO ${literal(temp)} ${asParquetWith({ translator: String(translatorVersion) })}`,
    );
  files.push({
    path: `${name}.parquet`,
    rows,
    ...(await publish(join(out, `${name}.parquet`), copy)),
  });
  return {
    files,
    counts: { read, rows, rejected, duplicates: read - rejected - rows },
    ...(future !== null && { recheck_at: future }),
  };
}
