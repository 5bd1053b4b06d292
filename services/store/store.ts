import type { FiguresStore } from './figures-store.ts';
import type { JournalStore } from './journal-store.ts';
import type { OutboxStore } from './outbox-store.ts';
import type { RetentionStore } from './retention-store.ts';
import type { RunStore } from './run-store.ts';
import type { SlotStore } from './slot-store.ts';

/**
 * Where every fact lives. Async on purpose even over a synchronous driver. An adapter reads facts
 * and applies writes; every rule stands beside `decide` and is given to it as a pure function.
 * @throws StoreTrouble from its methods, when the world is in the way
 */
export type Store = RunStore &
  JournalStore &
  SlotStore &
  OutboxStore &
  RetentionStore &
  FiguresStore & {
    /** Changes only when the journal is new; part of every cursor. */
    readonly epoch: string;
    /** Brings the store file up to date with what was committed; for moments when nothing works. */
    checkpoint(): Promise<void>;
    close(): Promise<void>;
  };
