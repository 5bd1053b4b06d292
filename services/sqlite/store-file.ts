import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  type Stats,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartTrouble, started } from '../host/start-trouble.ts';
import { migrations } from './migrations.ts';

/** The store is of no use; `isReplaceable` = `--new-store` may set it aside. */
export type StoreFault = { trouble: StartTrouble; isReplaceable: boolean };

export const storeFileOf = (dataDir: string): string => join(dataDir, 'stagewright.sqlite');
const newStore =
  'or start with --new-store, which keeps it under another name and begins an empty one';
const putBack = `put back a copy that is whole, ${newStore}`;
const fault = (problem: string, todo: string, isReplaceable = true): StoreFault => ({
  trouble: new StartTrouble(problem, todo),
  isReplaceable,
});

/** Do folders or archives beside it tell of runs? */
const hasRuns = (dataDir: string): boolean =>
  ['runs', 'archive'].some((name) => {
    const folder = join(dataDir, name);
    return existsSync(folder) && readdirSync(folder).some((entry) => entry.startsWith('r_'));
  });

const header = 'SQLite format 3\0';
const readHeader = (path: string): string => {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(header.length);
    return bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(file);
  }
};

/** Nothing is in the file: is that the beginning, or a loss? */
const empty = (dataDir: string, info: Stats | undefined): StoreFault | null => {
  const path = storeFileOf(dataDir);
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  // SQLite would remove a log without its file.
  if (!hasRuns(dataDir) && !(log && log.size > 0 && !info?.size)) return null;
  return fault(
    `${path} ${info ? 'is empty' : 'is missing'}, but what lies beside it tells of runs`,
    putBack,
  );
};

/**
 * Can the service start on the store of this directory? Asked before it is opened, and changes
 * nothing. @returns null when it can
 * @throws StartTrouble when the system does not even let us look
 */
export const judgeStore = (dataDir: string): StoreFault | null => {
  const path = storeFileOf(dataDir);
  return started(path, () => {
    const info = statSync(path, { throwIfNoEntry: false });
    if (!info || (info.isFile() && info.size === 0)) return empty(dataDir, info);
    if (!info.isFile()) return fault(`${path} is no file`, 'move it away, and start again', false);
    if (readHeader(path) !== header)
      return fault(`${path} is damaged or something else: it is no SQLite file`, putBack);
    const db = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
    try {
      return judgeContent(dataDir, info, db);
    } catch (error) {
      const { errcode, message } = error as { errcode?: number; message: string };
      if (errcode === undefined || ![11, 26].includes(errcode & 0xff)) throw error;
      return fault(`${path} is damaged (${message})`, putBack);
    } finally {
      db.close();
    }
  });
};

const judgeContent = (dataDir: string, info: Stats, db: DatabaseSync): StoreFault | null => {
  const path = storeFileOf(dataDir);
  const tables = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .all()
    .map(({ name }) => name);
  // The file of a store whose log is lost before it was ever written into it.
  if (tables.length === 0) return empty(dataDir, info);
  if (!tables.includes('runs') || !tables.includes('transitions'))
    return fault(
      `${path} is the database of another program`,
      'name another folder with --data-dir',
      false,
    );
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version);
  if (version > migrations.length)
    return fault(
      `${path} was written by a newer version (schema ${version}, this one knows ${migrations.length})`,
      'start that version, or name another folder with --data-dir',
      false,
    );
  // About a second for a gigabyte.
  const said = Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {})[0];
  if (said === 'ok') return null;
  return fault(`${path} is damaged (${String(said).replaceAll(/\s+/g, ' ')})`, putBack);
};

/**
 * Gives the file another name, together with its log: nothing is deleted. @returns the new name, or
 * null when there was no file
 */
export const setStoreAside = (dataDir: string, wallMs: number): string | null => {
  const path = storeFileOf(dataDir);
  const aside = `${path}.aside-${new Date(wallMs).toISOString().replaceAll(/[-:.]/g, '')}`;
  let hasFile = false;
  for (const part of ['', '-wal', '-shm']) {
    if (!existsSync(`${path}${part}`)) continue;
    renameSync(`${path}${part}`, `${aside}${part}`);
    hasFile = true;
  }
  return hasFile ? aside : null;
};
