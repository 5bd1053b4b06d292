import { chown, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const noteSchema = z.object({ at: z.iso.datetime(), file: z.string(), bytes: z.int() });
export type LastBackup = z.infer<typeof noteSchema>;

/** Beside the store, not in it: a store that is put back must not tell of older days. */
const noteOf = (dataDir: string): string => join(dataDir, 'last-backup.json');

export const noteBackup = async (dataDir: string, note: LastBackup): Promise<void> => {
  const path = noteOf(dataDir);
  const { uid, gid } = await stat(dataDir);
  await writeFile(`${path}.new`, JSON.stringify(note), { mode: 0o600 });
  // Root may have made it; the service's own user reads it.
  await chown(`${path}.new`, uid, gid).catch(() => {});
  await rename(`${path}.new`, path);
};

/** @returns null when none was made, or nobody can tell */
export const lastBackupOf = async (dataDir: string): Promise<LastBackup | null> => {
  try {
    return noteSchema.parse(JSON.parse(await readFile(noteOf(dataDir), 'utf8')));
  } catch {
    return null;
  }
};
