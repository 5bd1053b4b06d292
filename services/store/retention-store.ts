export type RetentionRow = {
  runId: string;
  pipeline: string;
  endedAt: number;
  bytes: number;
  isProtected: boolean;
  /** Its events are in the archive, all of them. */
  isArchived: boolean;
};

export type RetentionTotals = { bytes: number; counts: Record<string, number> };

export type RetentionStore = {
  retentionTotals(): Promise<RetentionTotals>;
  /** Ended runs, oldest first, from after this id on. */
  endedRuns(after: string, limit: number): Promise<RetentionRow[]>;
  unmeasuredRuns(limit: number): Promise<string[]>;
  setBytes(runId: string, bytes: number): Promise<void>;
  /** Forgets these runs with all they wrote. @returns those that are gone; what is in use stays */
  removeRuns(runIds: string[]): Promise<string[]>;
  /** Forgets old events of no run. @returns how many */
  removeServiceEvents(before: number, limit: number): Promise<number>;
  /** Runs that `removeRuns` took and whose files may still be there, in the order of their ids. */
  removedRuns(after: string, limit: number): Promise<string[]>;
  /** Their files are gone. */
  forgetRemoved(runIds: string[]): Promise<void>;
  /** Those of these ids that the store has never removed and has no run of. */
  unknownRuns(runIds: string[]): Promise<string[]>;
};
