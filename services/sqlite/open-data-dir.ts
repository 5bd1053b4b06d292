import type { Clock } from '../host/clock.ts';
import { closeToOthers } from '../host/private-files.ts';
import { started } from '../host/start-trouble.ts';
import type { Store } from '../store/store.ts';
import { type Claim, claimDataDir, type Owner } from './owner.ts';
import { clearUnverified, finishRestore } from './put-back.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { judgeStore, setStoreAside, storeFileOf } from './store-file.ts';

/** What the log should say of it. */
type Opened = { claim: Claim; store: Store; warnings: string[] };

/**
 * Takes the data directory and opens the store in it.
 * @returns the owner instead when the directory is taken
 * @throws StartTrouble when that cannot be, with what to do
 */
export const openDataDir = (options: {
  dataDir: string;
  pid: number;
  synchronous: 'FULL' | 'NORMAL';
  /** A store that is of no use is set aside, and an empty one begun. */
  isNewStore: boolean;
  clock: Clock;
}): Opened | { owner: Owner | null } => {
  const { dataDir, pid, synchronous, isNewStore, clock } = options;
  const path = storeFileOf(dataDir);
  const claimed = claimDataDir(dataDir, pid);
  if ('owner' in claimed) return claimed;
  const { claim } = claimed;
  const warnings = closeToOthers(dataDir);
  try {
    const before = started(dataDir, () => finishRestore(dataDir));
    // One that was killed before it was decided has left only room that is missing.
    started(dataDir, () => clearUnverified(dataDir));
    if (before)
      warnings.push(
        `a restore that was interrupted is finished; what was there before is kept in ${before}`,
      );
    const fault = judgeStore(dataDir);
    if (fault && !(isNewStore && fault.isReplaceable)) throw fault.trouble;
    if (fault) {
      const aside = started(path, () => setStoreAside(dataDir, clock.wallMs()));
      warnings.push(
        `${fault.trouble.problem}; a new store is begun${aside ? `, and the old one kept as ${aside}` : ''}`,
      );
    } else if (isNewStore)
      warnings.push('--new-store was not needed: the store is whole, and used');
    return {
      claim,
      store: started(path, () => openSqliteStore({ path, synchronous, clock })),
      warnings,
    };
  } catch (error) {
    claim.release();
    throw error;
  }
};
