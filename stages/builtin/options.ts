import { readdir } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { z } from 'zod';
import { type StageContext, StageFailure } from '../contract.ts';
import { type Fault, type Found, findFiles, kindOf } from './find-files.ts';
import type { Source } from './incremental.ts';
import { type LeftOut, summaryOf } from './left-out.ts';
import { isMissing } from './publish.ts';

/**
 * What an instrument's folder may be called; it becomes a file name, so nothing that a path could
 * give a meaning to.
 */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/;
/** Folders that a stage keeps beside those of the instruments. */
const ownFolders = ['manifests', 'rejects'];
export const isInstrumentName = (name: string): boolean =>
  namePattern.test(name) && !ownFolders.includes(name);

/** What every stage that works instrument by instrument takes in its `with:`. */
export const unitOptions = {
  /**
   * Only these; otherwise what `params.instruments` says, and an empty list means all. An `each`
   * stage gives one: `["${item}"]`.
   */
  instruments: z.array(z.string()).optional(),
  /** Instruments worked on at a time; as many as there are cores. */
  workers: z.number().int().min(1).max(64).optional(),
  /** For the queries of all workers together; what is more spills to the run's workspace. */
  memory_mb: z.number().int().min(16).max(1_000_000).optional(),
  /**
   * When an instrument fails: the stage fails too, or succeeds in part and says so. The others are
   * done either way.
   */
  on_failure: z.enum(['fail', 'partial']).default('fail'),
};

/**
 * The stage's `with:`, checked.
 * @throws StageFailure `bad-options`, not retryable, naming each key.
 */
export function readOptions<Schema extends z.ZodType>(
  schema: Schema,
  context: StageContext,
): z.output<Schema> {
  const parsed = schema.safeParse(context.with);
  if (parsed.success) return parsed.data;
  throw new StageFailure(
    'bad-options',
    `Bad "with" of ${context.stage}: ${z.prettifyError(parsed.error)}`,
    { retryable: false },
  );
}

/**
 * The absolute folders that a stage reads and writes.
 * @throws StageFailure `bad-options` when the output lies in the input, where it would be read as
 * input next time.
 */
export function resolveFolders(
  context: StageContext,
  from: string,
  to: string,
): { input: string; out: string } {
  const input = resolve(context.projectDir, from);
  const out = resolve(context.projectDir, to);
  if (out === input || out.startsWith(input + sep))
    throw new StageFailure(
      'bad-options',
      `The output folder ${to} must lie outside the input folder ${from}.`,
      { retryable: false },
    );
  return { input, out };
}

/** The instruments that the stage or the run asks for; an empty list asks for all. */
export function askedInstruments(context: StageContext): {
  asks(name: string): boolean;
  names: string[];
} {
  const parsed = z
    .array(z.string())
    .safeParse(context.with['instruments'] ?? context.params['instruments'] ?? []);
  if (!parsed.success)
    throw new StageFailure('bad-options', 'params.instruments must be a list of names.', {
      retryable: false,
    });
  const names = parsed.data;
  return { names, asks: (name) => names.length === 0 || names.includes(name) };
}

/** The names in a folder, sorted. @throws StageFailure `missing-input`, not retryable. */
export async function listFolder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith('.')).toSorted();
  } catch (error) {
    if (isMissing(error))
      throw new StageFailure('missing-input', `There is no input folder ${folder}.`, {
        retryable: false,
      });
    throw new StageFailure(
      'unreadable-input',
      `Cannot read ${folder}: ${(error as Error).message}`,
    );
  }
}

/** An instrument that was asked for and has nothing to be made from. */
export const missingInput = (message: string) =>
  new StageFailure('missing-input', message, { retryable: false });

/** An instrument with names that cannot be read: what was made of it before stays. */
export function unreadableInput(name: string, faults: Fault[], input: string): StageFailure {
  const said = faults.map(({ path, why }) => `${relative(input, path)}: ${why}`);
  return new StageFailure(
    'unreadable-input',
    `Cannot read all input of ${name}: ${summaryOf(said)}`,
  );
}

type Parquets = { sources: Source[]; leftOut: LeftOut };

/**
 * What the analyzer, the merger and the report start from, of the instruments asked for:
 * `{INST}.parquet`, or every Parquet file below `{INST}/`. Sorted paths are in the order of their
 * days and months. An instrument that was asked for and is not there, or cannot be read, is a
 * source with a fault.
 */
export async function parquetSources(context: StageContext, input: string): Promise<Parquets> {
  const asked = askedInstruments(context);
  const files = new Map<string, string[]>();
  const faults = new Map<string, Fault[]>();
  const leftOut: LeftOut = new Map();
  for (const entry of await listFolder(input)) {
    const name = entry.replace(/\.parquet$/, '');
    if (ownFolders.includes(entry) || !asked.asks(name)) continue;
    const found = await parquetsAt(join(input, entry));
    for (const path of found.others) leftOut.set(relative(input, path), 'not a Parquet file');
    if (!isInstrumentName(name)) leftOut.set(entry, 'not a name for an instrument');
    else if (found.files.length + found.faults.length > 0) {
      files.set(name, [...(files.get(name) ?? []), ...found.files]);
      faults.set(name, [...(faults.get(name) ?? []), ...found.faults]);
    }
  }
  const sources = [...files].map(([name, paths]): Source => {
    const wrong = faults.get(name)!;
    return wrong.length === 0
      ? { name, files: paths }
      : { name, files: paths, fault: unreadableInput(name, wrong, input) };
  });
  for (const name of asked.names.filter((name) => !files.has(name)))
    sources.push({
      name,
      files: [],
      fault: missingInput(`There is no input of ${name} in ${input}.`),
    });
  if (leftOut.size > 0)
    context.warn(`left out of ${input}: ${summaryOf([...leftOut].map((one) => one.join(': ')))}`);
  return { sources: sources.toSorted((a, b) => (a.name < b.name ? -1 : 1)), leftOut };
}

/** Parquet files at a path, which is one or a folder of some. */
async function parquetsAt(path: string): Promise<Found> {
  const kind = await kindOf(path);
  if (kind === 'folder' && !path.endsWith('.parquet')) return findFiles(path, /\.parquet$/);
  const none: Found = { files: [], faults: [], others: [] };
  if (kind === 'file')
    return path.endsWith('.parquet') ? { ...none, files: [path] } : { ...none, others: [path] };
  return { ...none, faults: [{ path, why: kind === 'folder' ? 'it is a folder' : kind.why }] };
}
