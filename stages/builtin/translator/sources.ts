import { lstat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type StageContext, StageFailure } from '../../contract.ts';
import { type Entry, entriesOf, type Fault, findFiles, kindOf, reasonOf } from '../find-files.ts';
import type { Source } from '../incremental.ts';
import { specOf } from '../instruments.ts';
import { type LeftOut, summaryOf } from '../left-out.ts';
import { knownNames, readManifest } from '../manifest.ts';
import {
  askedInstruments,
  isInstrumentName,
  listFolder,
  missingInput,
  unreadableInput,
} from '../options.ts';
import { type Inspected, inspect } from './inspect.ts';
import { type Layout, type LayoutKind, readLayout } from './translator-layout.ts';
import type { Options } from './translator-options.ts';

/** What is known of a raw file before its rows are read. */
export type RawFile = Inspected & { layout: Layout };
type Sources = { sources: Source[]; raws: Map<string, RawFile>; leftOut: LeftOut };
/**
 * What a folder of an instrument holds. `broken` is there and cannot be read, `odd` has no layout
 * that is known, `others` are not looked for.
 */
type Folder = { files: string[]; broken: Fault[]; odd: Fault[]; others: Fault[] };

/**
 * The folders with files of this layout, and by name whatever is left out. A folder that is not
 * understood is one warning: an instrument that is new must not stop the others. One that was asked
 * for, was translated before, or has files that are understood, is a source with a fault when not
 * all of it can be read: what it once produced stays, and nobody takes it for done.
 */
export async function findSources(
  context: StageContext,
  raw: string,
  out: string,
  options: Options,
): Promise<Sources> {
  const asked = askedInstruments(context);
  const known = await knownNames(out);
  const isRequired = (name: string) => asked.names.includes(name) || known.includes(name);
  const raws = new Map<string, RawFile>();
  const leftOut: LeftOut = new Map();
  const sources: Source[] = [];
  const leave = (name: string, faults: Fault[]) => {
    for (const { path, why } of faults) leftOut.set(relative(raw, path), why);
    return summaryOf(faults.map((fault) => wordsOf(fault, join(raw, name))));
  };

  const entries = (await listFolder(raw)).filter(asked.asks);
  const strays: Fault[] = [];
  for (const name of entries) {
    const path = join(raw, name);
    const kind = await kindOf(path);
    if (kind === 'file' && !isRequired(name)) {
      strays.push({ path, why: 'it is a file, not a folder' });
      continue;
    }
    const stranger = asked.names.includes(name) ? null : strangeness(options, name);
    const folder =
      stranger !== null || kind === 'file'
        ? { ...nothing(), odd: [{ path, why: stranger ?? 'it is a file, not a folder' }] }
        : kind === 'folder'
          ? await readFolder(context, path, options, raws)
          : { ...nothing(), broken: [{ path, why: kind.why }] };
    if (stranger === null && known.includes(name))
      folder.broken.push(...(await lostInputs(raw, out, name, folder)));

    const { files, broken, odd, others } = folder;
    const faults = [...broken, ...odd];
    const beside = leave(name, others);
    const isTaken =
      stranger === null &&
      (isRequired(name) ||
        files.length > 0 ||
        (options.layout === 'intraday' && specOf(name) !== null) ||
        (kind === 'folder' && broken.length > 0));
    if (isTaken && faults.length > 0)
      sources.push({ name, files: [], fault: unreadableInput(name, faults, raw) });
    else if (files.length > 0) {
      sources.push({ name, files, seen: raws });
      if (beside) context.warn(`${name}: left out: ${beside}`);
    } else if (faults.length > 0) context.warn(`${name} left out: ${leave(name, faults)}`);
    else if (isRequired(name)) {
      const why = `${name} has no ${where[options.layout]}${beside && `; left out: ${beside}`}`;
      sources.push({ name, files, fault: missingInput(why) });
    } else
      context.warn(
        `${name} left out: ${leave(name, [{ path, why: `no ${where[options.layout]}` }])}`,
      );
  }
  if (strays.length > 0) context.warn(`left out: ${leave('', strays)}`);
  for (const name of asked.names.filter((name) => !entries.includes(name)))
    sources.push({
      name,
      files: [],
      fault: missingInput(`There is no folder ${name} in ${options.raw}.`),
    });
  if (asked.names.length === 0)
    for (const name of known.filter((name) => !entries.includes(name)))
      context.warn(
        `${name}: ${leave(name, [{ path: join(raw, name), why: 'no folder any more; what was made of it stays' }])}`,
      );
  return { sources: sources.toSorted((a, b) => (a.name < b.name ? -1 : 1)), raws, leftOut };
}

const nothing = (): Folder => ({ files: [], broken: [], odd: [], others: [] });
const wordsOf = ({ path, why }: Fault, folder: string) =>
  path === folder ? why : `${relative(folder, path)}: ${why}`;

/**
 * Why a folder is not looked into. Minute bars go to rules that need to know the instrument; a
 * day's bars need nothing.
 */
function strangeness({ layout }: Options, name: string): string | null {
  if (!isInstrumentName(name)) return 'not a name for an instrument';
  return layout === 'intraday' && specOf(name) === null
    ? 'not a known instrument; name it in "instruments" to take it'
    : null;
}

/**
 * Files that were read last time and whose place cannot be looked at now. A file that is gone is no
 * fault: whoever takes one away takes its bars with it.
 */
async function lostInputs(
  raw: string,
  out: string,
  name: string,
  { files, broken }: Folder,
): Promise<Fault[]> {
  const found = new Set(files);
  const faults: Fault[] = [];
  for (const input of Object.keys((await readManifest(out, name))?.inputs ?? {})) {
    const path = join(raw, input);
    if (found.has(path) || broken.some((fault) => `${path}/`.startsWith(`${fault.path}/`)))
      continue;
    await lstat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') faults.push({ path, why: reasonOf(error) });
    });
  }
  return faults;
}

async function readFolder(
  context: StageContext,
  folder: string,
  { layout: kind, columns }: Options,
  raws: Map<string, RawFile>,
): Promise<Folder> {
  const { paths, ...found } = await findRaws(folder, kind);
  const files: string[] = [];
  for (const [index, path] of paths.entries()) {
    if (index % 16 === 0) {
      context.progress({
        done: index,
        total: paths.length,
        unit: 'files',
        note: `looking at ${basename(folder)}`,
      });
      // Looking is synchronous; the abort and the progress need a turn too.
      await setImmediate();
    }
    const inspected = await inspect(path, context.signal).catch((error: unknown) => {
      if (error instanceof StageFailure) throw error;
      found.broken.push({ path, why: reasonOf(error) });
    });
    if (!inspected) continue;
    const layout = readLayout(inspected.header, kind, columns);
    if (typeof layout === 'string') found.odd.push({ path, why: layout });
    else {
      raws.set(path, { ...inspected, layout });
      files.push(path);
    }
  }
  return { files, ...found };
}

/** The CSV files of an instrument where its layout has them, and what else lies in its folder. */
async function findRaws(
  folder: string,
  kind: LayoutKind,
): Promise<Omit<Folder, 'files'> & { paths: string[] }> {
  const found = { paths: [] as string[], broken: [] as Fault[], odd: [] as Fault[] };
  const others: Fault[] = [];
  let entries: Entry[] = [];
  try {
    entries = await entriesOf(folder);
  } catch (error) {
    found.broken.push({ path: folder, why: reasonOf(error) });
  }
  for (const { name, path, kind: is } of entries) {
    const isWanted = kind === 'daily' ? isCsv.test(name) : name === '1m';
    if (!isWanted)
      others.push({ path, why: kind === 'daily' ? 'not a CSV file' : 'not in the folder 1m' });
    else if (typeof is === 'object') found.broken.push({ path, why: is.why });
    else if (kind === 'daily' && is === 'file') found.paths.push(path);
    else if (kind === 'daily') found.broken.push({ path, why: 'it is a folder' });
    else {
      const below = await findFiles(path, isCsv);
      found.paths.push(...below.files);
      found.broken.push(...below.faults);
      others.push(...below.others.map((other) => ({ path: other, why: 'not a CSV file' })));
    }
  }
  const minutes = others.find(({ path }) => kind === 'daily' && basename(path) === '1m');
  if (minutes) minutes.why = 'intraday bars, and this stage reads daily ones';
  const isOdd = minutes && found.paths.length + found.broken.length === 0;
  return isOdd
    ? { ...found, odd: [minutes], others: others.filter((other) => other !== minutes) }
    : { ...found, others };
}

const isCsv = /\.csv$/i;
const where = { daily: 'CSV file in its folder', intraday: 'CSV file in its folder 1m' };
