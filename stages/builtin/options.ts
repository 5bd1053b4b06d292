import { readdir } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { z } from 'zod';
import { type StageContext, StageFailure } from '../contract.ts';
import { isMissing } from './publish.ts';

/** Also what an instrument's folder may be called; it becomes a file name, so nothing that a path could give a meaning to. */
export const instrumentName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/;

/**
 * The stage's `with:`, checked.
 * @throws StageFailure `bad-options`, not retryable, naming each key.
 */
export function readOptions<Schema extends z.ZodType>(schema: Schema, context: StageContext): z.output<Schema> {
  const parsed = schema.safeParse(context.with);
  if (parsed.success) return parsed.data;
  throw new StageFailure('bad-options', `Bad "with" of ${context.stage}: ${z.prettifyError(parsed.error)}`, { retryable: false });
}

/**
 * The absolute folders that a stage reads and writes.
 * @throws StageFailure `bad-options` when the output lies in the input, where it would be read as input next time.
 */
export function resolveFolders(context: StageContext, from: string, to: string): { input: string; out: string } {
  const input = resolve(context.projectDir, from);
  const out = resolve(context.projectDir, to);
  if (out === input || out.startsWith(input + sep))
    throw new StageFailure('bad-options', `The output folder ${to} must lie outside the input folder ${from}.`, { retryable: false });
  return { input, out };
}

/** The instruments that the run asks for; an empty list asks for all. */
export function askedInstruments(context: StageContext): { asks(name: string): boolean; names: string[] } {
  const parsed = z.array(z.string()).safeParse(context.params['instruments'] ?? []);
  if (!parsed.success) throw new StageFailure('bad-options', 'params.instruments must be a list of names.', { retryable: false });
  const names = parsed.data;
  return { names, asks: (name) => names.length === 0 || names.includes(name) };
}

/** The names in a folder, sorted. @throws StageFailure `missing-input`, not retryable. */
export async function listFolder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith('.')).toSorted();
  } catch (error) {
    if (isMissing(error)) throw new StageFailure('missing-input', `There is no input folder ${folder}.`, { retryable: false });
    throw new StageFailure('unreadable-input', `Cannot read ${folder}: ${(error as Error).message}`);
  }
}

/** `{INST}.parquet` files of a folder, of the instruments asked for: what the analyzer and the merger start from. */
export async function parquetSources(context: StageContext, input: string): Promise<{ name: string; files: string[] }[]> {
  const asked = askedInstruments(context);
  const names = (await listFolder(input)).filter((file) => file.endsWith('.parquet')).map((file) => file.slice(0, -'.parquet'.length));
  for (const name of asked.names.filter((name) => !names.includes(name))) context.log(`warning: no input for ${name} in ${input}`);
  return names
    .filter((name) => instrumentName.test(name) && asked.asks(name))
    .map((name) => ({ name, files: [join(input, `${name}.parquet`)] }));
}
