/** Failed runs of a pipeline in a row, and what became of them. Instants are epoch milliseconds. */
export type Streak = {
  failures: number;
  /** Why the last of them failed. */
  reason: string | null;
  /** Since when starts are refused; null when they are not. */
  blockedAt: number | null;
  /**
   * When one automatic run is let through to see whether it works again; null = never, somebody has
   * to acknowledge.
   */
  probeAt: number | null;
  probeRun: string | null;
  /** The last one; it stays, history is never rewritten. */
  acknowledged: { by: string; at: number; reason: string } | null;
};

export const noStreak: Streak = {
  failures: 0,
  reason: null,
  blockedAt: null,
  probeAt: null,
  probeRun: null,
  acknowledged: null,
};
