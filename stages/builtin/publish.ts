import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, renameSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { StageFailure } from '../contract.ts';
import { stopped } from './duckdb.ts';
import { openFile } from './find-files.ts';

export type Digest = { bytes: number; sha256: string };

/** The error codes of the file system that mean "there is nothing here". */
export const isMissing = (error: unknown) =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

/**
 * Puts a file in place so that a reader, or a crash at any moment, finds the old one or the new
 * one, whole.
 * @param produce writes the new content to the path it is given.
 * @param later where the folder is noted instead of synced, when many files follow: `syncFolders`
 * comes at the end.
 * @throws StageFailure `unwritable-target`, retryable, naming the file.
 */
export async function publish(
  target: string,
  produce: (temp: string) => Promise<void>,
  later?: Set<string>,
): Promise<Digest> {
  const folder = dirname(target);
  const temp = join(folder, tempName(basename(target)));
  try {
    await mkdir(folder, { recursive: true });
    await produce(temp);
    const digest = await moveIn(temp, target);
    if (later) later.add(folder);
    else await sync(folder);
    return digest;
  } catch (error) {
    await rm(temp, { force: true }).catch(() => {});
    throw unwritable(target, error);
  }
}

/** A rename is kept over a power cut once its folder is synced. */
export async function syncFolders(folders: Iterable<string>): Promise<void> {
  for (const folder of folders) await sync(folder);
}

/**
 * As `publish`, for many small files that are written already: synced many at a time, which a disk
 * does together, and their folders once.
 */
export async function publishAll(files: { temp: string; target: string }[]): Promise<Digest[]> {
  const digests: Digest[] = [];
  const folders = new Set(files.map(({ target }) => dirname(target)));
  for (const folder of folders) await makeFolder(folder);
  for (let index = 0; index < files.length; index += syncedTogether)
    await Promise.all(
      files
        .slice(index, index + syncedTogether)
        .map(({ temp, target }) =>
          sync(temp).catch((error) => Promise.reject(unwritable(target, error))),
        ),
    );
  for (const [index, { temp, target }] of files.entries()) {
    // The abort and the progress need a turn too.
    if (index % 16 === 0) await setImmediate();
    try {
      digests.push(moveInNow(temp, target));
    } catch (error) {
      throw unwritable(target, error);
    }
  }
  await syncFolders(folders);
  return digests;
}

const syncedTogether = 16;

/** Synchronous, because waiting costs more than the work. */
function moveInNow(temp: string, target: string): Digest {
  const file = openSync(temp, 'r');
  try {
    const content = readFileSync(file);
    renameSync(temp, target);
    return { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
  } finally {
    closeSync(file);
  }
}

async function moveIn(temp: string, target: string): Promise<Digest> {
  await sync(temp);
  const digest = await digestOf(temp);
  await rename(temp, target);
  return digest;
}

const tempName = (name: string) => `.${name}.tmp`;
/** Where the files of many days are written before each is moved to its place. */
export const daysTemp = (folder: string) => join(folder, '.days.tmp');

/**
 * An output folder exists even when there is nothing to put in: the next stage then finds no input,
 * not no folder.
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw unwritable(folder, error);
  }
}

/**
 * Removes what an attempt that was killed in the middle of `publish` left of one unit: beside these
 * targets, and anywhere below its folder. Another unit's may be at work next to it.
 */
export async function sweepTemps(targets: string[], folder: string): Promise<void> {
  for (const target of targets)
    await rm(join(dirname(target), tempName(basename(target))), { force: true, recursive: true });
  await rm(daysTemp(folder), { recursive: true, force: true });
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const temps = entries.filter((entry) => entry.isFile() && /^\..+\.tmp$/.test(entry.name));
  for (const temp of temps) await rm(join(temp.parentPath, temp.name), { force: true });
}

/** Above this a file is hashed in pieces, so that a large one costs no memory. */
const wholeBytes = 1 << 22;

/**
 * Size and SHA-256 of a regular file; nothing else is read, for a pipe would never end.
 * @throws StageFailure `stopped` when the signal aborts.
 */
export async function digestOf(path: string, signal?: AbortSignal): Promise<Digest> {
  if (signal?.aborted) throw stopped();
  const hash = createHash('sha256');
  const file = await openFile(path);
  try {
    if ((await file.stat()).size <= wholeBytes) {
      const content = await file.readFile();
      return { bytes: content.length, sha256: hash.update(content).digest('hex') };
    }
    let bytes = 0;
    for await (const chunk of file.createReadStream({ highWaterMark: 1 << 20, autoClose: false })) {
      if (signal?.aborted) throw stopped();
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
    }
    return { bytes, sha256: hash.digest('hex') };
  } finally {
    await file.close();
  }
}

/** Whether a path holds a file, something else in the place of one, or nothing. */
export async function fileAt(path: string): Promise<'file' | 'other' | null> {
  try {
    return (await stat(path)).isFile() ? 'file' : 'other';
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Removes one of our own files. @throws StageFailure `unwritable-target` naming it. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true }).catch((error) => Promise.reject(unwritable(path, error)));
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unwritable(target: string, error: unknown): unknown {
  if (error instanceof StageFailure) return error;
  const { message, code } = error as NodeJS.ErrnoException;
  // Whatever is not the disk's or the file system's doing is a bug or memory, and must keep its own
  // words.
  if (code === undefined && !/IO Error|Permission Error/.test(message)) return error;
  return new StageFailure('unwritable-target', `Cannot write ${target}: ${message}`);
}
