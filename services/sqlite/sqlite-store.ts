import type { Clock } from '../host/clock.ts';
import type { Store } from '../store/store.ts';
import { admitRun, beginRun, lineOf } from './begin.ts';
import { type Database, isBusy, openDatabase } from './database.ts';
import { createReads } from './reads.ts';
import { createRetentionStore } from './removable-runs.ts';
import { createSlotStore } from './slots.ts';
import { acknowledgeStreak, allStreaks } from './streaks.ts';
import { addEvent, applyDecision, changeWhy, forgetDrained, loadRun } from './writes.ts';

/** Waits between tries while another connection holds the file: about ten seconds in all. */
const busyWaitsMs = [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 3000, 3000];

/**
 * The store on one SQLite file.
 * @throws from its methods: the driver's error when the disk is full or the file is held for longer
 * than ten seconds
 */
export const openSqliteStore = (options: {
  path: string;
  synchronous: 'FULL' | 'NORMAL';
  clock: Clock;
}): Store => {
  const db: Database = openDatabase(options.path, options.synchronous);
  const write = async <T>(work: () => T): Promise<T> => {
    for (const waitMs of busyWaitsMs) {
      try {
        return db.transaction('IMMEDIATE', work);
      } catch (error) {
        if (!isBusy(error)) throw error;
        await options.clock.sleep(waitMs);
      }
    }
    return db.transaction('IMMEDIATE', work);
  };
  return {
    ...createReads(db),
    ...createRetentionStore(db, write),
    ...createSlotStore(db, write),
    epoch: db.get("SELECT value FROM meta WHERE key = 'epoch'")?.value as string,
    begin: (request, decide) => write(() => beginRun(db, request, decide)),
    admit: (runId, decide) => write(() => admitRun(db, runId, options.clock.wallMs(), decide)),
    line: async (key) => db.transaction('DEFERRED', () => lineOf(db, key)),
    waitedKeys: async () =>
      db.all('SELECT DISTINCT key FROM lock_waiters').map(({ key }) => key as string),
    step: (runId, decide) =>
      write(() => {
        const loaded = loadRun(db, runId);
        return loaded && applyDecision(db, loaded.run, decide(loaded));
      }),
    load: async (runId) => loadRun(db, runId),
    recordProcess: (runId, { id, stamp }, process) =>
      write(
        () =>
          db.run(
            "UPDATE effects SET state = 'started', process = ? WHERE run_id = ? AND effect_id = ? AND stamp = ? AND state = 'born'",
            JSON.stringify(process),
            runId,
            id,
            stamp,
          ).changes === 1,
      ),
    changeWhy: (runId, fence, next) =>
      write(() => changeWhy(db, { runId, fence, next }, options.clock.wallMs())),
    // A mark that was delayed does not overwrite a nearer deadline.
    recordEnding: (runId, { id, stamp }, ending) =>
      write(
        () =>
          void db.run(
            `UPDATE effects SET ending = ?1 WHERE run_id = ?2 AND effect_id = ?3 AND stamp = ?4
             AND (ending IS NULL OR ending ->> 'bootId' <> ?5 OR ending ->> 'killAt' > ?6)`,
            JSON.stringify(ending),
            runId,
            id,
            stamp,
            ending.bootId,
            ending.killAt,
          ),
      ),
    removeDrained: (runId, fences) =>
      write(() => forgetDrained(db, runId, fences, options.clock.wallMs())),
    saveProgress: (runId, progress) =>
      write(
        () =>
          void db.run(
            'UPDATE runs SET progress = ? WHERE run_id = ?',
            JSON.stringify(progress),
            runId,
          ),
      ),
    saveHeartbeats: (marks) =>
      write(() => {
        for (const { runId, fence, at } of marks)
          db.run(
            'UPDATE effects SET heartbeat_at = ? WHERE run_id = ? AND effect_id = ? AND stamp = ?',
            at,
            runId,
            fence.id,
            fence.stamp,
          );
      }),
    note: (event, at) => write(() => void addEvent(db, event, at)),
    markReset: (pipeline, runId, event, at) =>
      write(() => {
        db.run(
          `INSERT INTO pipelines (name, last_number, is_reset, reset_run_id) VALUES (?, 0, 1, ?)
           ON CONFLICT (name) DO UPDATE SET is_reset = 1, reset_run_id = excluded.reset_run_id`,
          pipeline,
          runId,
        );
        return addEvent(db, { ...event, runId: null, pipeline }, at);
      }),
    acknowledge: (pipeline, acknowledged, event) =>
      write(() => {
        const before = acknowledgeStreak(db, pipeline, acknowledged);
        return (
          before && {
            before,
            headSeq: addEvent(db, { ...event(before), runId: null, pipeline }, acknowledged.at),
          }
        );
      }),
    streaks: async () => allStreaks(db),
    rearmMonotonic: (bootId, monotonicMs) =>
      write(
        () =>
          void db.run(
            // A limit and the effect that it bounds are of one step, so they carry one stamp.
            `UPDATE timers SET due_at = ?1 + delay_ms, boot_id = ?2
             WHERE clock = 'monotonic' AND (boot_id <> ?2 OR EXISTS (
               SELECT 1 FROM effects WHERE effects.run_id = timers.run_id
               AND effects.stamp = timers.stamp AND effects.state = 'born'))`,
            monotonicMs,
            bootId,
          ),
      ),
    restartLimits: (runId, stamp, monotonicMs) =>
      write(
        () =>
          void db.run(
            "UPDATE timers SET due_at = ? + delay_ms WHERE run_id = ? AND stamp = ? AND clock = 'monotonic'",
            monotonicMs,
            runId,
            stamp,
          ),
      ),
    setMeta: (key, value) =>
      write(
        () =>
          void db.run(
            'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
            key,
            value,
          ),
      ),
    checkpoint: async () => db.checkpoint(),
    close: async () => db.close(),
  };
};
