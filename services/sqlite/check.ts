import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { claimDataDir, type Owner } from './owner.ts';

/** Is the store whole? Asked only when no service owns it; `problem` is SQLite's own word. */
export const checkStore = (dataDir: string): { owner: Owner | null; problem: string | null } => {
  const claimed = claimDataDir(dataDir, process.pid);
  if ('owner' in claimed) return { owner: claimed.owner ?? { pid: 0, url: null }, problem: null };
  try {
    const db = new DatabaseSync(join(dataDir, 'stagewright.sqlite'), { readOnly: true });
    try {
      const said = Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {})[0];
      return { owner: null, problem: said === 'ok' ? null : String(said) };
    } finally {
      db.close();
    }
  } catch (error) {
    return { owner: null, problem: (error as Error).message };
  } finally {
    claimed.claim.release();
  }
};
