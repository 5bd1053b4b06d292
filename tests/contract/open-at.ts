import type { Clock } from '../../services/host/clock.ts';
import { openSqliteStore } from '../../services/sqlite/sqlite-store.ts';
import type { Store } from '../../services/store/store.ts';

/** Opens the store at a place, in this process or in one that races with it. */
export const openAt = async (place: string, clock: Clock): Promise<Store> =>
  openSqliteStore({ path: place, synchronous: 'NORMAL', clock });
