import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isBusy } from './database.ts';

export type Owner = { pid: number; url: string | null };
export type Claim = { publish(url: string): void; release(): void };

/**
 * The right to be the one service on a data directory: an exclusive SQLite transaction that the
 * system ends with the process, so there is no stale lock file to judge.
 * @returns the owner instead when the directory is taken
 */
export const claimDataDir = (
  dataDir: string,
  pid: number,
): { claim: Claim } | { owner: Owner | null } => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const note = join(dataDir, 'owner.json');
  const db = new DatabaseSync(join(dataDir, 'owner.sqlite'), { timeout: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (!isBusy(error)) throw error;
    return { owner: readOwner(note) };
  }
  const publish = (url: string | null) =>
    writeFileSync(note, JSON.stringify({ pid, url }), { mode: 0o600 });
  publish(null);
  return { claim: { publish, release: () => db.close() } };
};

const readOwner = (note: string): Owner | null => {
  try {
    return JSON.parse(readFileSync(note, 'utf8')) as Owner;
  } catch {
    return null;
  }
};
