import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** What a restore replaces: the store, and what only its rows can explain. */
export const storeFiles = [
  'stagewright.sqlite',
  'stagewright.sqlite-wal',
  'stagewright.sqlite-shm',
] as const;
export const runFolders = ['runs', 'archive', 'unmasked'] as const;

/** While it is being unpacked and looked at. */
export const unverified = 'restoring';
const verified = /^restored-(\d{8}T\d{9}Z)$/;

/** The name of what is whole and to be put in force: from the moment it bears it, it is. */
export const verifiedName = (wallMs: number): string =>
  `restored-${new Date(wallMs).toISOString().replaceAll(/[-:.]/g, '')}`;

const pendingIn = (dataDir: string): string | undefined =>
  (existsSync(dataDir) ? readdirSync(dataDir) : []).find((name) => verified.test(name));

/** Was a restore interrupted after it was decided? The next start finishes it. */
export const isHalfRestored = (dataDir: string): boolean => pendingIn(dataDir) !== undefined;

/**
 * Puts what was unpacked and verified in the place of what is there, which is kept in a folder
 * beside it. Each step is one rename and can be done again, so whoever has the directory next goes
 * on where somebody was killed. For the owner of the directory only.
 * @returns the folder of what was there before; null when nothing was to be done, or nothing was there
 */
export const finishRestore = (dataDir: string): string | null => {
  const name = pendingIn(dataDir);
  if (name === undefined) return null;
  const from = join(dataDir, name);
  const aside = join(dataDir, name.replace('restored', 'aside'));
  const setAside = (names: readonly string[]): void => {
    for (const one of names) {
      if (!existsSync(join(dataDir, one))) continue;
      mkdirSync(aside, { recursive: true, mode: 0o700 });
      renameSync(join(dataDir, one), join(aside, one));
    }
  };
  // What still lies there under its name has not taken its place yet, so the place has the old one.
  for (const folder of runFolders)
    if (existsSync(join(from, folder))) {
      setAside([folder]);
      renameSync(join(from, folder), join(dataDir, folder));
    }
  if (existsSync(join(from, storeFiles[0]))) {
    setAside(storeFiles);
    renameSync(join(from, storeFiles[0]), join(dataDir, storeFiles[0]));
  }
  rmdirSync(from);
  return existsSync(aside) ? aside : null;
};

/** What a restore that was killed before it was decided has left: for the owner of the directory. */
export const clearUnverified = (dataDir: string): void =>
  rmSync(join(dataDir, unverified), { recursive: true, force: true });
