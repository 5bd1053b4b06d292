import type { MemoryStore } from '../memory-store/memory-store.ts';

type Method<A extends unknown[], R> = (...args: A) => Promise<R>;
export type StoreWatch = {
  isAlive(): boolean;
  /** Before the n-th write, and after it. The service may end in either. */
  before(): Promise<void>;
  after(): void;
};

const never = <T>(): Promise<T> => new Promise(() => {});

/**
 * The store as one service has it: it may be slow, every write is counted and looked at, and whoever
 * is dead hears nothing of it any more.
 */
export const watchedStore = (
  store: MemoryStore,
  { isAlive, before, after }: StoreWatch,
): MemoryStore => {
  const reads =
    <A extends unknown[], R>(method: Method<A, R>): Method<A, R> =>
    (...args) =>
      isAlive() ? method(...args) : never();
  const writes =
    <A extends unknown[], R>(method: Method<A, R>): Method<A, R> =>
    async (...args) => {
      if (isAlive()) await before();
      if (!isAlive()) return never();
      const result = await method(...args);
      after();
      return isAlive() ? result : never();
    };
  return {
    ...store,
    begin: writes(store.begin),
    admit: writes(store.admit),
    step: writes(store.step),
    amend: writes(store.amend),
    note: writes(store.note),
    run: reads(store.run),
    runs: reads(store.runs),
    effects: reads(store.effects),
    timers: reads(store.timers),
    queue: reads(store.queue),
    journal: reads(store.journal),
  };
};
