import type { LiveNews } from '../../wire/live-news.ts';
import type { Archive } from '../history/archive.ts';
import type { Clock } from '../host/clock.ts';
import type { Store } from '../store/store.ts';
import type { StreamSource } from './orchestrator-port.ts';

/** Tells everybody who reads along what was written, and what is only shown. */
export type Publisher = Pick<StreamSource, 'onJournal' | 'onNews'> & {
  /** The journal has something new. */
  wake(): void;
  /** Shown and not written: how far a stage is, that it lives. */
  tell(news: LiveNews): void;
  /** Writes an event that no step of a run wrote. */
  note(event: Parameters<Store['note']>[0]): Promise<void>;
};

const createListeners = <Args extends unknown[]>() => {
  const listeners = new Set<(...args: Args) => void>();
  return {
    call: (...args: Args): void => {
      for (const listener of listeners) listener(...args);
    },
    add: (listener: (...args: Args) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
};

export const createPublisher = (deps: {
  store: Pick<Store, 'note'>;
  clock: Pick<Clock, 'wallMs'>;
  archive: Pick<Archive, 'wake'>;
}): Publisher => {
  const readers = createListeners<[]>();
  const watchers = createListeners<[news: LiveNews]>();
  const wake = (): void => {
    deps.archive.wake();
    readers.call();
  };
  return {
    wake,
    tell: watchers.call,
    note: async (event) => {
      await deps.store.note(event, deps.clock.wallMs());
      wake();
    },
    onJournal: readers.add,
    onNews: watchers.add,
  };
};
