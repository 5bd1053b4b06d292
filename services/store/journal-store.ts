import type { JournalEvent, NewEvent } from '../../wire/events.ts';
import type { LedgerRow, RunRow, TimerRow } from './run-rows.ts';

export type StreamScope = { runId?: string; pipeline?: string };
export type JournalFilter = {
  runId?: string;
  pipeline?: string;
  stage?: string;
  event?: string;
  after?: number;
  limit: number;
};

/** One consistent view: these runs are the state after exactly the events up to `headSeq`. */
export type StoreSnapshot = {
  headSeq: number;
  /** The run asked for, or every live run and the latest of each pipeline asked for. */
  runs: RunRow[];
  /** Pipelines that show IDLE by a reset, with the run it hides. */
  resets: Record<string, string | null>;
  /** Of one run only: what `foldAttempt` looks at, and what waits. */
  attemptEvents: JournalEvent[];
  timers: TimerRow[];
  /** The newest events of the scope, oldest first. */
  recent: JournalEvent[];
};

/**
 * With the ends of the journal at that instant: from `oldestSeq` on nothing is missing.
 */
type JournalPage = { events: JournalEvent[]; oldestSeq: number; headSeq: number };
type LedgerPage = { after: number; limit: number } | { version: number };

/** Nothing but the ends of the journal is asked for. */
export const headOnly: JournalFilter = { after: Number.MAX_SAFE_INTEGER, limit: 1 };

/** What was said and what was decided, in the order of the commits. It is never rewritten (I10). */
export type JournalStore = {
  /** An event that belongs to no run or moves none. */
  note(
    event: NewEvent & { runId: string | null; pipeline: string | null },
    at: number,
  ): Promise<void>;
  /** Oldest first when `after` is given, else the newest `limit`, oldest first. */
  journal(filter: JournalFilter): Promise<JournalPage>;
  /**
   * A page of the ledger; or the accepted transition that led to a version, with the snapshot it
   * left.
   */
  ledger(runId: string, of: LedgerPage): Promise<(LedgerRow & { snapshot?: unknown })[]>;
  /** State, head and recent events of one instant. */
  snapshotRead(scope: StreamScope, recent: number): Promise<StoreSnapshot>;
  meta(key: string): Promise<string | null>;
  setMeta(key: string, value: string): Promise<void>;
};
