export type RetentionRow = {
  runId: string;
  pipeline: string;
  endedAt: number;
  bytes: number;
};

/** What stands between an ended run and its removal, as it is read. */
export type RemovalFacts = {
  hasEnded: boolean;
  /** Rows that say it is in use: a lock, effects, timers, a place in a queue. */
  inUse: boolean;
  /** A live run works in its folder. */
  hasHeir: boolean;
  isLatest: boolean;
  isLatestDone: boolean;
  /** Its last event, and the last that the archive holds. */
  lastSeq: number;
  archivedSeq: number;
};
/** Over, nobody's, and not the one that others lean on. */
export const isDispensable = (facts: RemovalFacts): boolean =>
  facts.hasEnded && !facts.inUse && !facts.hasHeir && !facts.isLatest && !facts.isLatestDone;
export const isArchived = ({ lastSeq, archivedSeq }: RemovalFacts): boolean =>
  lastSeq <= archivedSeq;
/** May the run be forgotten? Asked again in the transaction that forgets it. */
export const isRemovable = (facts: RemovalFacts): boolean =>
  isDispensable(facts) && isArchived(facts);

export type RetentionTotals = { bytes: number; counts: Record<string, number> };

/** `after` is a run id; `isUnmeasured` = the size of its files is not known yet. */
type EndedPage = { after?: string; isUnmeasured?: true; limit: number };
/**
 * What may be forgotten without a look at what it is: archived events of no run from before an
 * instant, all but the newest decided slots of each schedule, removed runs whose files are gone,
 * messages from before an instant that do not wait.
 */
type Prunable =
  | { eventsBefore: number; limit: number }
  | { slotsBeyond: number }
  | { removedRuns: readonly string[] }
  | { messagesBefore: number };

export type RetentionStore = {
  retentionTotals(): Promise<RetentionTotals>;
  /** Ended runs, oldest first. */
  endedRuns(page: EndedPage): Promise<(RetentionRow & RemovalFacts)[]>;
  /** Forgets these runs with all they wrote. @returns those that are gone; what is in use stays */
  removeRuns(runIds: readonly string[], mayGo: (facts: RemovalFacts) => boolean): Promise<string[]>;
  /** @returns how many rows are gone */
  prune(what: Prunable): Promise<number>;
  /**
   * Gives room that removed rows have left back to the disk, at most this many bytes at a time.
   * @returns whether there is more to give
   */
  giveBack(maxBytes: number): Promise<boolean>;
  /** Runs that `removeRuns` took and whose files may still be there, in the order of their ids. */
  removedRuns(after: string, limit: number): Promise<string[]>;
  /** Those of these ids that the store has never removed and has no run of. */
  unknownRuns(runIds: string[]): Promise<string[]>;
};
