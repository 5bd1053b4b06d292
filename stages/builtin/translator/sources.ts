import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type StageContext, StageFailure } from '../../contract.ts';
import type { Source } from '../incremental.ts';
import { specOf } from '../instruments.ts';
import { askedInstruments, instrumentName, listFiles, listFolder } from '../options.ts';
import { headerLine, type Layout, readLayout } from './layout.ts';
import type { Options } from './options.ts';

/** Long enough for any header; a line that is longer is none. */
const headerBytes = 16_384;

/** The folders with files of this layout. One that is not understood is one warning: an instrument that is new must not stop the others. */
export async function findSources(
  context: StageContext,
  raw: string,
  options: Options,
): Promise<{ sources: Source[]; layouts: Map<string, Layout> }> {
  const asked = askedInstruments(context);
  const folders: string[] = [];
  for (const name of await listFolder(raw)) if ((await stat(join(raw, name))).isDirectory() && asked.asks(name)) folders.push(name);
  for (const name of asked.names.filter((name) => !folders.includes(name))) context.log(`warning: no folder ${name} in ${options.raw}`);
  if (asked.names.length > 0 && folders.length === 0)
    throw new StageFailure('missing-input', `None of ${asked.names.join(', ')} has a folder in ${options.raw}.`, { retryable: false });

  const layouts = new Map<string, Layout>();
  const sources: Source[] = [];
  for (const name of folders) {
    const unknown = strangerTo(options, name) && !asked.names.includes(name);
    const { files, faults } = !instrumentName.test(name)
      ? { files: [], faults: ['not a name for an instrument'] }
      : unknown
        ? { files: [], faults: ['not a known instrument; name it in "instruments" to take it'] }
        : await readFolder(join(raw, name), options, layouts);
    if (faults.length > 0) context.log(`warning: ${name} ${files.length === 0 ? 'left out' : 'read in part'}: ${summary(faults)}`);
    if (files.length > 0) sources.push({ name, files });
  }
  return { sources, layouts };
}

/** Minute bars go to rules that need to know the instrument; a day's bars need nothing. */
const strangerTo = ({ layout }: Options, name: string) => layout === 'intraday' && specOf(name) === null;

async function readFolder(folder: string, { layout: kind, columns }: Options, layouts: Map<string, Layout>) {
  const entries = await listFolder(folder);
  const paths =
    kind === 'daily'
      ? entries.filter((entry) => /\.csv$/i.test(entry)).map((entry) => join(folder, entry))
      : await listFiles(join(folder, '1m'), /\.csv$/i);
  const files: string[] = [];
  const faults: string[] = [];
  for (const path of paths) {
    const layout = readLayout(await readHeader(path), kind, columns);
    if (typeof layout === 'string') faults.push(`${path.slice(folder.length + 1)}: ${layout}`);
    else {
      layouts.set(path, layout);
      files.push(path);
    }
  }
  if (paths.length === 0)
    faults.push(kind === 'daily' && entries.includes('1m') ? '1m: intraday bars, and this stage reads daily ones' : `no ${where[kind]}`);
  return { files, faults };
}

const where = { daily: 'CSV file in its folder', intraday: 'CSV file in its folder 1m' };

async function readHeader(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
    return headerLine(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

const summary = (faults: string[]) => `${faults.slice(0, 3).join('; ')}${faults.length > 3 ? `; and ${faults.length - 3} more` : ''}`;
