import { randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { started } from '../host/start-trouble.ts';
import { openDatabase } from './database.ts';
import { addEvent } from './writes.ts';

/**
 * A copy of the store as it is at this instant, also while a service writes to it: one read
 * transaction, which holds up nobody. The copy has no log beside it and no holes.
 * @throws StartTrouble
 */
export const copyStore = (from: string, to: string): void =>
  started(from, () => {
    const db = new DatabaseSync(from, { readOnly: true, timeout: 5000 });
    try {
      // Of the copy: an older one could not give room back to the disk (`giveBack`).
      if (db.prepare('PRAGMA auto_vacuum').get()?.auto_vacuum === 0)
        db.exec('PRAGMA auto_vacuum = INCREMENTAL');
      db.prepare('VACUUM INTO ?').run(to);
    } finally {
      db.close();
    }
  });

/**
 * Makes a copy the store of a directory of its own: cursors of the other one do not fit it, and
 * processes of the other one are not its to end.
 * @param meta further facts that it begins with
 */
export const makeOwnStore = (
  path: string,
  options: { atMs: number; copiedAt: string; meta: Record<string, string> },
): void => {
  const db = openDatabase(path, 'FULL');
  try {
    db.transaction('IMMEDIATE', () => {
      const set = (key: string, value: string): void =>
        void db.run(
          'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
          key,
          value,
        );
      set('epoch', randomBytes(4).toString('hex'));
      for (const [key, value] of Object.entries(options.meta)) set(key, value);
      db.run("UPDATE effects SET process = NULL, token = '', ending = NULL WHERE kind = 'stage'");
      addEvent(
        db,
        {
          runId: null,
          pipeline: null,
          stage: 'system',
          event: 'recovered',
          severity: 'warning',
          msg: `the store was put back as it was at ${options.copiedAt}; what happened later is not in it`,
          data: {},
        },
        options.atMs,
      );
    });
  } finally {
    db.checkpoint();
    db.close();
  }
};
