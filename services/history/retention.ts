import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/logger.ts';
import { plainError } from '../host/plain-error.ts';
import {
  isArchived,
  isDispensable,
  isRemovable,
  type RetentionRow,
  type RetentionStore,
  type RetentionTotals,
} from '../store/retention-store.ts';
import type { RunStore } from '../store/run-store.ts';

/** null = no limit. `runs` counts per pipeline, `bytes` all files of runs together. */
export type RetentionLimits = { ageMs: number | null; runs: number | null; bytes: number | null };

export type Retention = {
  wake(): void;
  tick(): Promise<void>;
  last(): { removed: number; error: string | null };
  /** Runs that had to go last time, and stayed because the archive is behind. */
  waiting(): number;
  close(): Promise<void>;
};

export type Reason = 'age' | 'count' | 'size';
/** Whoever looks at a run that has just ended is not surprised. */
const quietMs = 10 * 60_000;

/**
 * Must this run go, the oldest being asked first? Pure; `totals` are those with all younger ones
 * and this one.
 */
export const judge = (
  row: RetentionRow & { isProtected: boolean },
  totals: RetentionTotals,
  limits: RetentionLimits,
  nowMs: number,
): Reason | null => {
  if (row.isProtected || nowMs - row.endedAt < quietMs) return null;
  if (limits.ageMs !== null && nowMs - row.endedAt > limits.ageMs) return 'age';
  if (limits.runs !== null && (totals.counts[row.pipeline] ?? 0) > limits.runs) return 'count';
  return limits.bytes !== null && totals.bytes > limits.bytes ? 'size' : null;
};

/** A cheap look whether any younger run can still have to go. */
const isOver = (
  row: RetentionRow,
  { bytes, counts }: RetentionTotals,
  limits: RetentionLimits,
  nowMs: number,
): boolean =>
  (limits.ageMs === null || nowMs - row.endedAt <= limits.ageMs) &&
  (limits.bytes === null || bytes <= limits.bytes) &&
  (limits.runs === null ||
    Object.values(counts).every((count) => count <= (limits.runs as number)));

const everyMs = 3_600_000;
/** After the start, so that it delays nobody; and after runs have ended, many together. */
const soonMs = 60_000;
const pageSize = 200;
/** What was told, and what became of it. */
const messagesKeptMs = 90 * 86_400_000;
/** A transaction of this many is a few milliseconds. */
const batchSize = 10;
const giveBackBytes = 1024 ** 2;

/** Through no link: a stage may have led one anywhere, also back to where it lies. */
const sizeOf = async (path: string): Promise<number> => {
  const info = await lstat(path).catch(() => null);
  if (!info?.isDirectory()) return info?.size ?? 0;
  let bytes = 0;
  for (const name of await readdir(path).catch(() => [])) bytes += await sizeOf(join(path, name));
  return bytes;
};

/**
 * Keeps the history within its limits: oldest first, rows before files, never what is in use (S48).
 */
export const createRetention = (deps: {
  store: RetentionStore & Pick<RunStore, 'amend'>;
  clock: Pick<Clock, 'after' | 'wallMs'>;
  dataDir: string;
  limits: RetentionLimits;
  log: Log;
}): Retention => {
  const { store, clock, limits, log } = deps;
  const runsDir = join(deps.dataDir, 'runs');
  const archiveOf = (runId: string): string => join(deps.dataDir, 'archive', `${runId}.jsonl`);
  let last: { removed: number; error: string | null } = { removed: 0, error: null };
  let waiting = 0;
  let turn: Promise<void> | null = null;
  let isClosed = false;
  let cancel: (() => void) | null = null;
  /** What was in the way of removing files in this round. */
  let failure: unknown = null;

  const removeFiles = async (runId: string): Promise<void> => {
    await rm(join(runsDir, runId), { recursive: true, force: true });
    await rm(archiveOf(runId), { force: true });
  };

  const measureOne = async (runId: string): Promise<void> => {
    const bytes = (await sizeOf(join(runsDir, runId))) + (await sizeOf(archiveOf(runId)));
    await store.amend([{ runId, change: () => ({ bytes }) }], clock.wallMs());
  };
  const measure = async (): Promise<void> => {
    for (;;) {
      const some = await store.endedRuns({ isUnmeasured: true, limit: 50 });
      if (some.length === 0 || isClosed) return;
      for (const { runId } of some) await measureOne(runId);
    }
  };

  const trim = async (): Promise<Partial<Record<Reason, number>>> => {
    const nowMs = clock.wallMs();
    const totals = await store.retentionTotals();
    const counts: Partial<Record<Reason, number>> = {};
    let unarchived = 0;
    const done = (): Partial<Record<Reason, number>> => {
      waiting = unarchived;
      return counts;
    };
    let after = '';
    for (;;) {
      const page = await store.endedRuns({ after, limit: pageSize });
      const going: string[] = [];
      for (const row of page) {
        const isProtected = !isDispensable(row);
        const reason = judge({ ...row, isProtected }, totals, limits, nowMs);
        if (!reason) continue;
        totals.bytes -= row.bytes;
        totals.counts[row.pipeline] = (totals.counts[row.pipeline] ?? 0) - 1;
        // It goes later; none goes in its place.
        if (!isArchived(row)) {
          unarchived += 1;
          continue;
        }
        going.push(row.runId);
        counts[reason] = (counts[reason] ?? 0) + 1;
      }
      for (let index = 0; index < going.length; index += batchSize) {
        if (isClosed) return done();
        await store.removeRuns(going.slice(index, index + batchSize), isRemovable);
        await sweep();
      }
      const youngest = page.at(-1);
      if (!youngest || page.length < pageSize || isOver(youngest, totals, limits, nowMs))
        return done();
      after = youngest.runId;
    }
  };

  /**
   * Files of runs that this store has removed, also those of a service that died in between. What
   * the store does not know is not ours to delete: it may be older than the folders beside it.
   */
  const sweep = async (): Promise<void> => {
    for (let after = ''; !isClosed; ) {
      const some = await store.removedRuns(after, pageSize);
      const tried = await Promise.allSettled(some.map(removeFiles));
      const failed = tried.find((one) => one.status === 'rejected');
      if (failed) failure ??= failed.reason;
      // What could not be removed is tried again in the next round.
      const gone = some.filter((_, index) => tried[index]?.status === 'fulfilled');
      if (gone.length > 0) await store.prune({ removedRuns: gone });
      if (some.length < pageSize) return;
      after = some.at(-1) as string;
    }
  };

  const round = async (): Promise<void> => {
    failure = null;
    await measure();
    await sweep();
    const counts = await trim();
    if (limits.ageMs !== null)
      while (
        !isClosed &&
        (await store.prune({ eventsBefore: clock.wallMs() - limits.ageMs, limit: 500 })) === 500
      );
    await store.prune({ messagesBefore: clock.wallMs() - messagesKeptMs });
    // A little at a time, so that a step of a run never waits long.
    while (!isClosed && (await store.giveBack(giveBackBytes)));
    const removed = Object.values(counts).reduce((sum, count) => sum + count, 0);
    last = { removed, error: failure === null ? null : plainError(failure) };
    if (removed > 0) log(`retention removed ${removed} ${removed === 1 ? 'run' : 'runs'}`, counts);
  };

  const plan = (ms: number): void => {
    if (isClosed) return;
    cancel?.();
    cancel = clock.after(ms, () => void tick());
  };
  const tick = (): Promise<void> => {
    turn ??= round()
      .catch((error) => {
        last = { removed: 0, error: plainError(error) };
        log('retention failed; it is tried again', { error: String(error) });
      })
      .finally(() => {
        turn = null;
        plan(everyMs);
      });
    return turn;
  };

  return {
    wake: () => plan(soonMs),
    tick,
    last: () => last,
    waiting: () => waiting,
    close: async () => {
      isClosed = true;
      cancel?.();
      await turn;
    },
  };
};
