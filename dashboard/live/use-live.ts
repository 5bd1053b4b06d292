import { createContext, useContext, useSyncExternalStore } from 'react';
import { isFresh } from './connection.ts';
import type { Live, LiveStore } from './live-store.ts';
import { useSeconds } from './use-seconds.ts';

export const LiveContext = createContext<LiveStore | null>(null);

export const useLiveStore = (): LiveStore => {
  const store = useContext(LiveContext);
  if (!store) throw new Error('the live store is missing above this component');
  return store;
};

/**
 * A part of what is known; drawn again when that part changes. `select` must not make a new object
 * each time.
 */
export const useLive = <T>(select: (live: Live) => T): T => {
  const store = useLiveStore();
  return useSyncExternalStore(store.subscribe, () => select(store.get()));
};

/**
 * The service's clock in ms, each second. Null while the connection is not live: a timer that went
 * on would be a guess, so whoever shows one shows a dash instead.
 * @param isTicking false = not needed now, costs nothing
 */
export const useNow = (isTicking = true): number | null => {
  const fresh = useLive(({ connection }) => isFresh(connection));
  const skewMs = useLive((live) => live.skewMs);
  const now = useSeconds(isTicking && fresh);
  return fresh ? now + skewMs : null;
};
