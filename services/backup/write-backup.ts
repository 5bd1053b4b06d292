import { existsSync, rmSync, statSync } from 'node:fs';
import { link, lstat, mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { sizeText } from '../../definition/byte-size.ts';
import { StartTrouble, startTroubleOf } from '../host/start-trouble.ts';
import { copyStore } from '../sqlite/store-copy.ts';
import { judgeStore, storeFileOf } from '../sqlite/store-file.ts';
import { type VerifiedRows, verifyRows } from '../sqlite/verify-rows.ts';
import { type BackupHead, type BackupManifest, headName } from './backup-format.ts';
import { contentsOf } from './contents.ts';
import { noteBackup } from './last-backup.ts';
import { writeArchive } from './write-archive.ts';

export type Written = {
  file: string;
  bytes: number;
  head: BackupHead;
  leftOut: BackupManifest['left_out'];
  /** What is wrong with the store, and so with the copy (`stagewright verify-store`). */
  faults: string[];
};

/** A service whose disk a backup has filled would begin nothing any more (`--min-free-disk`). */
const reserveBytes = 100 * 1024 ** 2;
const partial = /^\.stagewright-backup-(\d+)$/;

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);
/** Of those who were killed while they wrote here. */
const clearPartial = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder)) {
    const [, pid] = partial.exec(name) ?? [];
    if (pid && !isAlive(Number(pid))) await rm(join(folder, name), { recursive: true });
  }
};

const assertRoom = async (folder: string, bytes: number, what: string): Promise<void> => {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes + reserveBytes) return;
  throw new StartTrouble(
    `${folder} has ${sizeText(free)} free, and ${what} may take ${sizeText(bytes)} with ${sizeText(reserveBytes)} to be left`,
    'make room there, or name a file on another disk',
  );
};

const sizeOfContents = async (
  dataDir: string,
  runIds: string[],
  hasWorkspaces: boolean,
): Promise<number> => {
  let bytes = 0;
  for await (const entry of contentsOf(dataDir, runIds, hasWorkspaces))
    if (entry.kind === 'file') bytes += entry.bytes;
  return bytes;
};

/** The file appears whole or not at all, and never in the place of another. */
const putInPlace = async (from: string, file: string): Promise<void> => {
  try {
    await link(from, file);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'EEXIST') throw taken(file);
    // A file system without hard links.
    if (await lstat(file).catch(() => null)) throw taken(file);
    await rename(from, file);
  }
  const folder = await open(dirname(file));
  await folder.sync().finally(() => folder.close());
};
const taken = (file: string): StartTrouble =>
  new StartTrouble(`${file} is there already`, 'name another file; no backup is ever overwritten');

const assertTarget = async (file: string): Promise<void> => {
  if (await lstat(file).catch(() => null)) throw taken(file);
  const info = await stat(dirname(file)).catch(() => null);
  if (!info?.isDirectory())
    throw new StartTrouble(`${dirname(file)} is no folder`, 'make it, or name another file');
};

/** @throws StartTrouble when there is nothing to copy, or it is of no use */
const assertStore = (dataDir: string): void => {
  const fault = judgeStore(dataDir);
  if (fault) throw fault.trouble;
  if (!statSync(storeFileOf(dataDir), { throwIfNoEntry: false })?.size)
    throw new StartTrouble(
      `${dataDir} holds no store yet`,
      'name the folder of the service with --data-dir',
    );
};

const assertReadable = (dataDir: string, { damages }: VerifiedRows): void => {
  if (damages.length === 0) return;
  throw new StartTrouble(
    `${storeFileOf(dataDir)} is damaged (${damages.join('; ')})`,
    'restore an older backup; a copy of this would be none to come back to',
  );
};

/**
 * Writes one file with the store as it is now and what its runs left, while the service goes on:
 * `stagewright restore` makes a data directory of it.
 * @throws StartTrouble when that cannot be, with what to do; nothing is left behind then
 */
export const writeBackup = async (options: {
  dataDir: string;
  file: string;
  hasWorkspaces: boolean;
  version: string;
  wallMs: () => number;
}): Promise<Written> => {
  const { dataDir, file, hasWorkspaces, version, wallMs } = options;
  assertStore(dataDir);
  await assertTarget(file);
  const folder = dirname(file);
  await clearPartial(folder);
  const own = join(folder, `.stagewright-backup-${process.pid}`);
  const copy = join(own, 'store');
  try {
    const storeBytes = statSync(storeFileOf(dataDir)).size;
    await assertRoom(folder, 2 * storeBytes, 'a copy of the store');
    await mkdir(own, { mode: 0o700 });
    const at = wallMs();
    copyStore(storeFileOf(dataDir), copy);
    const rows = verifyRows(copy);
    assertReadable(dataDir, rows);
    const runIds = rows.runs.map(({ runId }) => runId);
    const bytes = statSync(copy).size + (await sizeOfContents(dataDir, runIds, hasWorkspaces));
    await assertRoom(folder, bytes, 'the backup');
    const head: BackupHead = {
      format: 1,
      version,
      schema: rows.schema,
      at: new Date(at).toISOString(),
      runs: runIds.length,
      live: rows.runs.filter(({ isLive }) => isLive).length,
      workspaces: hasWorkspaces,
      bytes,
    };
    const target = join(own, 'backup');
    const { headSeq } = rows;
    const manifest = await writeArchive(target, { dataDir, headSeq }, async (packing) => {
      await packing.text(headName, JSON.stringify(head));
      await packing.file('stagewright.sqlite', copy);
      for await (const entry of contentsOf(dataDir, runIds, hasWorkspaces))
        await packing.entry(entry);
    });
    await putInPlace(target, file);
    const written = { at: head.at, file, bytes: statSync(file).size };
    await noteBackup(dataDir, written);
    return { file, bytes: written.bytes, head, leftOut: manifest.left_out, faults: rows.faults };
  } catch (error) {
    throw startTroubleOf(error, join(folder, basename(file))) ?? error;
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
};
