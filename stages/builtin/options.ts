import { readdir, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { z } from 'zod';
import { type StageContext, StageFailure } from '../contract.ts';
import type { Source } from './incremental.ts';
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

/** Every file below a folder with this ending, sorted by path. */
export async function listFiles(folder: string, ending: RegExp): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && ending.test(entry.name) && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

/**
 * What the analyzer, the merger and the report start from, of the instruments asked for:
 * `{INST}.parquet`, or every Parquet file below `{INST}/`. Sorted paths are in the order of their
 * days and months.
 */
export async function parquetSources(context: StageContext, input: string): Promise<Source[]> {
  const asked = askedInstruments(context);
  const sources = new Map<string, string[]>();
  for (const entry of await listFolder(input)) {
    const path = join(input, entry);
    const isFolder = (await stat(path)).isDirectory();
    if (isFolder ? ownFolders.includes(entry) : !entry.endsWith('.parquet')) continue;
    const name = isFolder ? entry : entry.slice(0, -'.parquet'.length);
    const files = isFolder ? await listFiles(path, /\.parquet$/) : [path];
    if (isInstrumentName(name) && asked.asks(name) && files.length > 0)
      sources.set(name, [...(sources.get(name) ?? []), ...files]);
  }
  for (const name of asked.names.filter((name) => !sources.has(name)))
    context.log(`warning: no input for ${name} in ${input}`);
  return [...sources]
    .map(([name, files]) => ({ name, files }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
