import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type StageContext, StageFailure } from '../../contract.ts';
import type { Source } from '../incremental.ts';
import { specOf } from '../instruments.ts';
import { askedInstruments, isInstrumentName, listFiles, listFolder } from '../options.ts';
import { type Inspected, inspect } from './inspect.ts';
import { type Layout, readLayout } from './layout.ts';
import type { Options } from './options.ts';

/** What is known of a raw file before its rows are read. */
export type RawFile = Inspected & { layout: Layout };

/**
 * The folders with files of this layout. One that is not understood is one warning: an instrument
 * that is new must not stop the others.
 */
export async function findSources(
  context: StageContext,
  raw: string,
  options: Options,
): Promise<{ sources: Source[]; raws: Map<string, RawFile> }> {
  const asked = askedInstruments(context);
  const folders: string[] = [];
  for (const name of await listFolder(raw))
    if ((await stat(join(raw, name))).isDirectory() && asked.asks(name)) folders.push(name);
  for (const name of asked.names.filter((name) => !folders.includes(name)))
    context.log(`warning: no folder ${name} in ${options.raw}`);
  if (asked.names.length > 0 && folders.length === 0)
    throw new StageFailure(
      'missing-input',
      `None of ${asked.names.join(', ')} has a folder in ${options.raw}.`,
      { retryable: false },
    );

  const raws = new Map<string, RawFile>();
  const sources: Source[] = [];
  for (const name of folders) {
    const unknown = strangerTo(options, name) && !asked.names.includes(name);
    const { files, faults } = !isInstrumentName(name)
      ? { files: [], faults: ['not a name for an instrument'] }
      : unknown
        ? { files: [], faults: ['not a known instrument; name it in "instruments" to take it'] }
        : await readFolder(context, join(raw, name), options, raws);
    if (faults.length > 0)
      context.log(
        `warning: ${name} ${files.length === 0 ? 'left out' : 'read in part'}: ${summary(faults)}`,
      );
    if (files.length > 0) sources.push({ name, files, seen: raws });
  }
  return { sources, raws };
}

/** Minute bars go to rules that need to know the instrument; a day's bars need nothing. */
const strangerTo = ({ layout }: Options, name: string) =>
  layout === 'intraday' && specOf(name) === null;

async function readFolder(
  context: StageContext,
  folder: string,
  { layout: kind, columns }: Options,
  raws: Map<string, RawFile>,
) {
  const entries = await listFolder(folder);
  const paths =
    kind === 'daily'
      ? entries.filter((entry) => /\.csv$/i.test(entry)).map((entry) => join(folder, entry))
      : await listFiles(join(folder, '1m'), /\.csv$/i);
  const files: string[] = [];
  const faults: string[] = [];
  for (const [index, path] of paths.entries()) {
    if (index % 16 === 0) {
      context.progress({
        done: index,
        total: paths.length,
        unit: 'files',
        note: `looking at ${folder.slice(folder.lastIndexOf('/') + 1)}`,
      });
      // Looking is synchronous; the abort and the progress need a turn too.
      await setImmediate();
    }
    const inspected = await inspect(path, context.signal);
    const layout = readLayout(inspected.header, kind, columns);
    if (typeof layout === 'string') faults.push(`${path.slice(folder.length + 1)}: ${layout}`);
    else {
      raws.set(path, { ...inspected, layout });
      files.push(path);
    }
  }
  if (paths.length === 0)
    faults.push(
      kind === 'daily' && entries.includes('1m')
        ? '1m: intraday bars, and this stage reads daily ones'
        : `no ${where[kind]}`,
    );
  return { files, faults };
}

const where = { daily: 'CSV file in its folder', intraday: 'CSV file in its folder 1m' };

const summary = (faults: string[]) =>
  `${faults.slice(0, 3).join('; ')}${faults.length > 3 ? `; and ${faults.length - 3} more` : ''}`;
