import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { StageFailure } from '../contract.ts';
import { stopped } from './duckdb.ts';

export type Digest = { bytes: number; sha256: string };

/** The error codes of the file system that mean "there is nothing here". */
export const isMissing = (error: unknown) => ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

/**
 * Puts a file in place so that a reader, or a crash at any moment, finds the old one or the new one, whole.
 * @param produce writes the new content to the path it is given.
 * @throws StageFailure `unwritable-target`, retryable, naming the file.
 */
export async function publish(target: string, produce: (temp: string) => Promise<void>): Promise<Digest> {
  const folder = dirname(target);
  const temp = join(folder, `.${basename(target)}.tmp`);
  try {
    await mkdir(folder, { recursive: true });
    await produce(temp);
    await sync(temp);
    const digest = await digestOf(temp);
    await rename(temp, target);
    await sync(folder);
    return digest;
  } catch (error) {
    await rm(temp, { force: true }).catch(() => {});
    throw unwritable(target, error);
  }
}

/** An output folder exists even when there is nothing to put in: the next stage then finds no input, not no folder. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw unwritable(folder, error);
  }
}

/** Removes what an attempt that was killed in the middle of `publish` left behind. One writer per folder is assumed. */
export async function sweepTemps(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const temps = entries.filter((entry) => entry.isFile() && /^\..+\.tmp$/.test(entry.name));
  for (const temp of temps) await rm(join(temp.parentPath, temp.name), { force: true });
}

/** Size and SHA-256 of a file, streamed. @throws StageFailure `stopped` when the signal aborts. */
export async function digestOf(path: string, signal?: AbortSignal): Promise<Digest> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    if (signal?.aborted) throw stopped();
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

export async function fileExists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
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
  // Whatever is not the disk's or the file system's doing is a bug or memory, and must keep its own words.
  if (code === undefined && !/IO Error|Permission Error/.test(message)) return error;
  return new StageFailure('unwritable-target', `Cannot write ${target}: ${message}`);
}
