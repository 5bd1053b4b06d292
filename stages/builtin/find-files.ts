import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** A name that is there, and why nothing can be read from it. */
export type Fault = { path: string; why: string };
/**
 * What lies below a folder, sorted by path: files with the ending, names with it that cannot be
 * read (or folders that cannot be looked into), and everything else.
 */
export type Found = { files: string[]; faults: Fault[]; others: string[] };

/** Code and words of the system, without the call and the path that Node adds. */
export const reasonOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  return /^[A-Z]+: ([^,]+)/.exec(message)?.[1] ?? code ?? message;
};

type Kind = 'file' | 'folder' | { why: string };
export type Entry = { name: string; path: string; kind: Kind; isLink: boolean };

/** Links are followed. @returns a sentence instead when it is neither file nor folder. */
export async function kindOf(path: string): Promise<Kind> {
  try {
    const found = await stat(path);
    if (found.isFile()) return 'file';
    return found.isDirectory() ? 'folder' : { why: 'neither a file nor a folder' };
  } catch (error) {
    const isLink = await lstat(path).then(
      (found) => found.isSymbolicLink(),
      () => false,
    );
    return { why: isLink ? `a link that leads nowhere (${reasonOf(error)})` : reasonOf(error) };
  }
}

/** What a folder holds, sorted; names that begin with a dot are nobody's. */
export async function entriesOf(folder: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    // What a listing says of a file needs no further look: there may be thousands.
    const kind = entry.isFile() ? 'file' : await kindOf(path);
    entries.push({ name: entry.name, path, kind, isLink: entry.isSymbolicLink() });
  }
  return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Opens a regular file to read. A pipe would block until somebody writes, so nothing is opened
 * blocking, and nothing but a file is read.
 */
export async function openFile(path: string): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new Error(found.isDirectory() ? 'it is a folder' : 'it is no file');
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Every file below a folder with this ending. Links are followed, names that begin with a dot are
 * nobody's. A folder that cannot be listed is a fault: it must not look like an empty one.
 */
export async function findFiles(folder: string, ending: RegExp): Promise<Found> {
  const found: Found = { files: [], faults: [], others: [] };
  await look(folder, ending, found, []);
  const byPath = (a: Fault, b: Fault) => (a.path < b.path ? -1 : 1);
  return {
    files: found.files.toSorted(),
    faults: found.faults.toSorted(byPath),
    others: found.others.toSorted(),
  };
}

/** `linked`: the folders in which links to folders were followed on the way here. */
async function look(folder: string, ending: RegExp, found: Found, linked: string[]): Promise<void> {
  let entries: Entry[];
  try {
    entries = await entriesOf(folder);
  } catch (error) {
    found.faults.push({ path: folder, why: reasonOf(error) });
    return;
  }
  for (const { name, path, kind, isLink } of entries) {
    const isWanted = ending.test(name);
    if (kind === 'folder' && !isWanted) {
      const passed = isLink ? [...linked, await realpath(folder)] : linked;
      const target = isLink ? await realpath(path) : '';
      if (isLink && passed.some((one) => one === target || one.startsWith(target + sep)))
        found.faults.push({ path, why: 'a link into itself' });
      else await look(path, ending, found, isLink ? [...passed, target] : passed);
    } else if (!isWanted) found.others.push(path);
    else if (kind === 'file') found.files.push(path);
    else found.faults.push({ path, why: kind === 'folder' ? 'it is a folder' : kind.why });
  }
}
