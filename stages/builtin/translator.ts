import { rm, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { z } from 'zod';
import { type StageContext, StageFailure, type StageResult } from '../contract.ts';
import { type DailyLayout, readLayout } from './daily-csv.ts';
import { countRows, createRows, readRows, selectBars, selectRejects } from './daily-sql.ts';
import { type Database, literal } from './duckdb.ts';
import { type Built, refresh, type Source, total } from './incremental.ts';
import { vouchedFiles } from './manifest.ts';
import { askedInstruments, instrumentName, listFolder, readOptions, resolveFolders } from './options.ts';
import { publish } from './publish.ts';

const optionsSchema = z.strictObject({
  raw: z.string().min(1),
  out: z.string().min(1),
  /** The files' own column names, where they differ: `{ close: Last }`. */
  columns: z.partialRecord(z.enum(['date', 'open', 'high', 'low', 'close', 'volume']), z.string()).default({}),
  /** An instrument with a greater share of rejected rows, and at least ten of them, fails; 0 allows none at all. */
  max_reject_ratio: z.number().min(0).max(1).default(0.01),
  /** What the column `source` says per instrument; the file's name otherwise. */
  sources: z.record(z.string(), z.string()).default({}),
  /** Instruments whose prices may be below zero. */
  allow_negative: z.array(z.string()).default([]),
});
type Options = z.infer<typeof optionsSchema>;

/** Below ten bad rows a ratio says little: one typing error in a file of fifty rows is already 2 %. */
const fewRejects = 10;

/**
 * Raw daily CSV files, `raw/{INST}/*.csv`, to `out/{INST}.parquet`; rejected rows go to `out/rejects/{INST}.csv`.
 * @throws StageFailure `bad-options`, `missing-input`, `unreadable-input`, `too-many-rejects`, `input-changed`, `unwritable-target`, `stopped`.
 */
export async function run(context: StageContext): Promise<StageResult> {
  const options = readOptions(optionsSchema, context);
  const { input: raw, out } = resolveFolders(context, options.raw, options.out);
  const layouts = new Map<string, DailyLayout>();
  const sources = await findSources(context, raw, options, layouts);
  const { raw: _raw, out: _out, ...content } = options;
  const { units, rebuilt, failure } = await refresh(context, {
    version: 1,
    input: raw,
    out,
    options: content,
    sources,
    build: (source, database) => translate(source, database, { raw, out, options, layouts }),
  });

  const all = Object.values(units);
  const files = vouchedFiles(context.projectDir, out, all);
  const counts = { rows: total(all, 'rows'), rejected: total(all, 'rejected'), duplicates: total(all, 'duplicates'), files: files.length };
  context.metric({ ...counts, changed: rebuilt.length });
  if (failure) throw failure;
  const outputs = { instruments: Object.keys(units), changed: rebuilt, out: options.out, ...counts };
  if (rebuilt.length > 0) return { outputs, files };
  return { skip: sources.length === 0 ? 'no new input: no daily CSV file' : 'no new input: all files are translated', outputs, files };
}

/** The folders with daily files. One that is not understood is a warning: an instrument that is new must not stop the others. */
async function findSources(context: StageContext, raw: string, options: Options, layouts: Map<string, DailyLayout>): Promise<Source[]> {
  const asked = askedInstruments(context);
  const folders: string[] = [];
  for (const name of await listFolder(raw)) if ((await stat(join(raw, name))).isDirectory() && asked.asks(name)) folders.push(name);
  for (const name of asked.names.filter((name) => !folders.includes(name))) context.log(`warning: no folder ${name} in ${options.raw}`);
  if (asked.names.length > 0 && folders.length === 0)
    throw new StageFailure('missing-input', `None of ${asked.names.join(', ')} has a folder in ${options.raw}.`, { retryable: false });

  const sources: Source[] = [];
  for (const name of folders) {
    if (!instrumentName.test(name)) {
      context.log(`warning: ${name} left out: not a name for an instrument`);
      continue;
    }
    const entries = await listFolder(join(raw, name));
    const files: string[] = [];
    const faults: string[] = [];
    for (const entry of entries.filter((entry) => /\.csv$/i.test(entry))) {
      const path = join(raw, name, entry);
      const layout = await readLayout(path, options.columns);
      if (typeof layout === 'string') faults.push(`${entry}: ${layout}`);
      else {
        layouts.set(path, layout);
        files.push(path);
      }
    }
    if (files.length + faults.length === 0)
      faults.push(entries.includes('1m') ? '1m: intraday bars, which are not supported yet' : 'no CSV file in its folder');
    if (faults.length > 0) context.log(`warning: ${name} ${files.length === 0 ? 'left out' : 'read in part'}: ${faults.join('; ')}`);
    if (files.length > 0) sources.push({ name, files });
  }
  return sources;
}

type Work = { raw: string; out: string; options: Options; layouts: Map<string, DailyLayout> };

async function translate(source: Source, database: Database, { raw, out, options, layouts }: Work): Promise<Built> {
  const { name } = source;
  await database.run(createRows);
  for (const [index, path] of source.files.entries()) {
    try {
      await database.run(readRows(path, index, layouts.get(path)!, options.allow_negative.includes(name)));
    } catch (error) {
      if (error instanceof StageFailure) throw error;
      throw new StageFailure('unreadable-input', `Cannot read ${path}: ${(error as Error).message}`);
    }
  }
  const [count] = await database.rows<{ read: number; rejected: number; future: number; rows: number }>(countRows);
  const { read, rejected, future, rows } = count!;
  const names = source.files.map((path) => relative(raw, path));

  // Rejects come first: when the stage fails for them, the user finds them all, beside yesterday's untouched Parquet file.
  const files: Built['files'] = [];
  const rejects = join('rejects', `${name}.csv`);
  if (rejected > 0) {
    const copy = (temp: string) => database.run(`COPY (${selectRejects(names)}) TO ${literal(temp)} (FORMAT csv, HEADER true)`);
    files.push({ path: rejects, rows: rejected, ...(await publish(join(out, rejects), copy)) });
  } else await rm(join(out, rejects), { force: true });
  const least = options.max_reject_ratio === 0 ? 1 : fewRejects;
  if (rejected > 0 && (rows === 0 || (rejected >= least && rejected > options.max_reject_ratio * read)))
    throw await tooManyRejects(name, database, names, `${rejected} of ${read} rows`, join(options.out, rejects));

  const labels = source.files.map((path) => options.sources[name] ?? basename(path));
  const copy = (temp: string) =>
    database.run(`COPY (${selectBars(name, labels)}) TO ${literal(temp)} (FORMAT parquet, COMPRESSION snappy, USE_TMP_FILE false)`);
  files.push({ path: `${name}.parquet`, rows, ...(await publish(join(out, `${name}.parquet`), copy)) });
  return { files, counts: { read, rows, rejected, duplicates: read - rejected - rows }, ...(future > 0 ? { recheck: true } : {}) };
}

async function tooManyRejects(name: string, database: Database, names: string[], share: string, where: string): Promise<StageFailure> {
  const first = await database.rows<{ file: string; line: number; reason: string }>(`${selectRejects(names)} LIMIT 10`);
  const lines = first.map(({ file, line, reason }) => `${file}:${line} ${reason}`);
  return new StageFailure('too-many-rejects', `${name}: ${share} rejected, all in ${where}; the first: ${lines.join('; ')}`, {
    retryable: false,
  });
}
