import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { StartTrouble, started } from '../host/start-trouble.ts';
import { processesOf } from '../launcher/left-behind.ts';
import { migrations } from '../sqlite/migrations.ts';
import { claimDataDir } from '../sqlite/owner.ts';
import {
  clearUnverified,
  finishRestore,
  runFolders,
  storeFiles,
  unverified,
  verifiedName,
} from '../sqlite/put-back.ts';
import { makeOwnStore } from '../sqlite/store-copy.ts';
import { verifyRows } from '../sqlite/verify-rows.ts';
import type { BackupHead } from './backup-format.ts';
import { unpackBackup } from './read-backup.ts';

export type Restored = {
  head: BackupHead;
  /** What is wrong with the store, as it was when it was copied. */
  faults: string[];
  /** Where what was there before is kept; null when nothing was. */
  aside: string | null;
};
type Options = {
  file: string;
  dataDir: string;
  /** What is there is set aside; without it an occupied directory is refused. */
  isForced: boolean;
  /** What the store is to know besides: that schedules are paused, for one. */
  meta: Record<string, string>;
  wallMs: () => number;
};

const isEmpty = (dataDir: string): boolean =>
  !existsSync(join(dataDir, storeFiles[0])) &&
  runFolders.every(
    (name) => !existsSync(join(dataDir, name)) || readdirSync(join(dataDir, name)).length === 0,
  );

/** @throws StartTrouble when what is there must not be touched */
const assertFree = ({ dataDir, isForced }: Options): void => {
  if (isEmpty(dataDir)) return;
  if (!isForced)
    throw new StartTrouble(
      `${dataDir} holds a store or runs already`,
      'name an empty folder with --data-dir, or give --force: what is there is set aside, not deleted',
    );
  const pids = processesOf([dataDir]);
  if (pids.length > 0)
    throw new StartTrouble(
      `processes of stages of ${dataDir} still work: ${pids.join(', ')}`,
      'start the service on it once and stop it, so that they are ended and recorded, then restore',
    );
};

/** What root makes the service's own user could not open. */
const assertOwner = (dataDir: string): void => {
  const uid = statSync(dataDir, { throwIfNoEntry: false })?.uid;
  if (uid === undefined || process.getuid?.() !== 0 || uid === 0) return;
  throw new StartTrouble(
    `${dataDir} belongs to another user (${uid})`,
    'restore as that user: setpriv --reuid, sudo -u or runuser -u',
  );
};

const unpackAndVerify = async (options: Options, to: string): Promise<Omit<Restored, 'aside'>> => {
  const { file, meta, wallMs } = options;
  const { head } = await unpackBackup({ file, to, knownSchema: migrations.length });
  const store = join(to, storeFiles[0]);
  const { damages, faults } = verifyRows(store);
  if (damages.length > 0)
    throw new StartTrouble(
      `the store in ${file} is damaged (${damages.join('; ')}), and nothing was changed`,
      'take an older backup',
    );
  makeOwnStore(store, { atMs: wallMs(), copiedAt: head.at, meta });
  const folder = await open(to);
  await folder.sync().finally(() => folder.close());
  return { head, faults };
};

/**
 * Makes the data directory what a backup says. Everything is unpacked and looked at first; what is
 * there is touched only then, and kept.
 * @throws StartTrouble when that cannot be, with what to do; all is as it was then
 */
export const restoreBackup = async (options: Options): Promise<Restored> => {
  const { dataDir, wallMs } = options;
  assertOwner(dataDir);
  const claimed = claimDataDir(dataDir, process.pid);
  if ('owner' in claimed)
    throw new StartTrouble(
      `${dataDir} is in use by the service with pid ${claimed.owner?.pid ?? 'unknown'}`,
      'stop it first, or name another folder with --data-dir',
    );
  try {
    // One that was killed was decided already, and comes first.
    started(dataDir, () => finishRestore(dataDir));
    assertFree(options);
    const to = join(dataDir, unverified);
    clearUnverified(dataDir);
    try {
      started(to, () => mkdirSync(to, { mode: 0o700 }));
      const restored = await unpackAndVerify(options, to);
      renameSync(to, join(dataDir, verifiedName(wallMs())));
      return { ...restored, aside: started(dataDir, () => finishRestore(dataDir)) };
    } finally {
      clearUnverified(dataDir);
    }
  } finally {
    claimed.claim.release();
  }
};
