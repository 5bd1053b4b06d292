import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartTrouble, started } from '../host/start-trouble.ts';
import { driven, isTrouble } from './database.ts';

export type Owner = { pid: number; url: string | null };
export type Claim = { publish(url: string): void; release(): void };

/** `doctor` reads the lock for an instant; that is no owner. */
const claimTimeoutMs = 200;
const lockOf = (dataDir: string): string => join(dataDir, 'owner.sqlite');
const noteOf = (dataDir: string): string => join(dataDir, 'owner.json');

/** @returns whether somebody else has it. @throws StartTrouble */
const isHeld = (path: string, db: DatabaseSync, sql: string): boolean =>
  started(path, () => {
    try {
      driven(() => db.exec(sql));
      return false;
    } catch (error) {
      if (isTrouble(error, 'busy')) return true;
      const { cause } = error as { cause?: { errcode?: number } };
      if (cause?.errcode !== 26) throw error;
      throw new StartTrouble(
        `${path} is damaged, and so nobody can tell whether another service works here`,
        'when none does, remove that file (it holds nothing) and start again',
      );
    }
  });

/**
 * The right to be the one service on a data directory: an exclusive SQLite transaction that the
 * system ends with the process, so there is no stale lock file to judge.
 * @returns the owner instead when the directory is taken
 * @throws StartTrouble when the directory cannot be made or written
 */
export const claimDataDir = (
  dataDir: string,
  pid: number,
): { claim: Claim } | { owner: Owner | null } => {
  started(dataDir, () => mkdirSync(dataDir, { recursive: true, mode: 0o700 }));
  const path = lockOf(dataDir);
  const db = started(path, () => new DatabaseSync(path, { timeout: claimTimeoutMs }));
  try {
    if (isHeld(path, db, 'BEGIN EXCLUSIVE')) {
      db.close();
      return { owner: readOwner(dataDir) };
    }
    const note = noteOf(dataDir);
    const publish = (url: string | null) =>
      writeFileSync(note, JSON.stringify({ pid, url }), { mode: 0o600 });
    started(note, () => publish(null));
    return { claim: { publish, release: () => db.close() } };
  } catch (error) {
    db.close();
    throw error;
  }
};

/** The service that has the directory now, without taking or writing anything. */
export const ownerOf = (dataDir: string): Owner | null => {
  const path = lockOf(dataDir);
  if (!started(path, () => statSync(path, { throwIfNoEntry: false }))) return null;
  const db = started(path, () => new DatabaseSync(path, { timeout: 0, readOnly: true }));
  try {
    // Whoever has it lets nobody read.
    if (!isHeld(path, db, 'BEGIN; SELECT count(*) FROM sqlite_schema; COMMIT')) return null;
    return readOwner(dataDir) ?? { pid: 0, url: null };
  } finally {
    db.close();
  }
};

const readOwner = (dataDir: string): Owner | null => {
  try {
    return JSON.parse(readFileSync(noteOf(dataDir), 'utf8')) as Owner;
  } catch {
    return null;
  }
};
