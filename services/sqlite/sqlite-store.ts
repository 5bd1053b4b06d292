import type { Clock } from '../host/clock.ts';
import type { OutboxPlan } from '../store/outbox-store.ts';
import type { Store } from '../store/store.ts';
import { admitRun, beginRun, queueOf } from './begin.ts';
import { type Database, isTrouble, openDatabase } from './database.ts';
import { createDeadlineStore } from './deadline-rows.ts';
import { loadRun } from './load-run.ts';
import { createOutbox, tellOf } from './outbox-rows.ts';
import { createFiguresStore } from './pipeline-figures.ts';
import { createReads } from './reads.ts';
import { createRetentionStore } from './removable-runs.ts';
import { createSlotStore } from './slots.ts';
import { addEvent, amendPipeline, amendRun, applyDecision } from './writes.ts';

/** Waits between tries while another connection holds the file: about ten seconds in all. */
const busyWaitsMs = [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 3000, 3000];

/**
 * The store on one SQLite file.
 * @throws StoreTrouble from its methods: the disk is full, or the file is held for longer than ten
 * seconds
 */
export const openSqliteStore = (options: {
  path: string;
  synchronous: 'FULL' | 'NORMAL';
  clock: Clock;
}): Store => {
  const db: Database = openDatabase(options.path, options.synchronous);
  let plan: OutboxPlan | null = null;
  /** What is told of a transaction is written with it. */
  const told = <T>(work: () => T): T => {
    db.said.length = 0;
    const result = work();
    if (plan) tellOf(db, plan);
    return result;
  };
  const write = async <T>(work: () => T): Promise<T> => {
    for (const waitMs of busyWaitsMs) {
      try {
        return db.transaction('IMMEDIATE', () => told(work));
      } catch (error) {
        if (!isTrouble(error, 'busy')) throw error;
        await options.clock.sleep(waitMs);
      }
    }
    return db.transaction('IMMEDIATE', () => told(work));
  };
  return {
    ...createReads(db),
    ...createRetentionStore(db, write),
    ...createSlotStore(db, write),
    ...createDeadlineStore(db, write),
    ...createOutbox(db, write),
    outbox: (given) => {
      plan = given;
    },
    ...createFiguresStore(db),
    epoch: db.get("SELECT value FROM meta WHERE key = 'epoch'")?.value as string,
    begin: (question, plan) => write(() => beginRun(db, question, plan)),
    admit: (runId, plan) => write(() => admitRun(db, runId, plan)),
    queue: async (key) => db.transaction('DEFERRED', () => queueOf(db, key)),
    step: (runId, decide) =>
      write(() => {
        const loaded = loadRun(db, runId);
        return loaded && applyDecision(db, loaded.run, decide(loaded));
      }),
    amend: (changes, at) => write(() => changes.map((one) => amendRun(db, one, at))),
    amendPipeline: (pipeline, plan, at) => write(() => amendPipeline(db, pipeline, plan, at)),
    note: (event, at) => write(() => void addEvent(db, event, at)),
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
