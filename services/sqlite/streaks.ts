import type { NewEvent } from '../../wire/events.ts';
import { afterRun, judgeStart } from '../start/failure-policy.ts';
import type { RunRow, RunSpec } from '../store/store.ts';
import type { Streak } from '../store/streak.ts';
import { noStreak } from '../store/streak.ts';
import type { Database, Row } from './database.ts';

const toStreak = (row: Row | undefined): Streak =>
  row === undefined
    ? noStreak
    : {
        failures: row.failures as number,
        reason: row.reason as string | null,
        blockedAt: row.blocked_at as number | null,
        probeAt: row.probe_at as number | null,
        probeRun: row.probe_run as string | null,
        acknowledged: row.acknowledged === null ? null : JSON.parse(row.acknowledged as string),
      };

const streakOf = (db: Database, pipeline: string): Streak =>
  toStreak(db.get('SELECT * FROM failure_streaks WHERE pipeline = ?', pipeline));

const keep = (
  db: Database,
  pipeline: string,
  { failures, reason, blockedAt, probeAt, probeRun, acknowledged }: Streak,
): void =>
  void db.run(
    `INSERT OR REPLACE INTO failure_streaks (pipeline, failures, reason, blocked_at, probe_at, probe_run, acknowledged)
     VALUES (?,?,?,?,?,?,?)`,
    pipeline,
    failures,
    reason,
    blockedAt,
    probeAt,
    probeRun,
    acknowledged && JSON.stringify(acknowledged),
  );

export const allStreaks = (db: Database): Map<string, Streak> =>
  new Map(
    db.all('SELECT * FROM failure_streaks').map((row) => [row.pipeline as string, toStreak(row)]),
  );

/**
 * Counts a run that has ended, in the transaction that ends it. @returns what there is to say of
 * its pipeline
 */
export const countRun = (db: Database, run: RunRow, at: number): NewEvent | null => {
  const before = streakOf(db, run.pipeline);
  const { streak, event } = afterRun(before, run, run.definition.onFailures ?? null, at);
  // Most runs succeed after one that did: nothing to write.
  if (JSON.stringify(streak) !== JSON.stringify(before)) keep(db, run.pipeline, streak);
  return event;
};

/** May this run start? Asked in the transaction that begins it. */
export const askStart = (db: Database, { pipeline, definition, trigger }: RunSpec, at: number) => {
  const streak = streakOf(db, pipeline);
  return { verdict: judgeStart(streak, definition.onFailures ?? null, trigger, at), streak };
};

export const noteProbe = (db: Database, pipeline: string, streak: Streak, runId: string): void =>
  keep(db, pipeline, { ...streak, probeRun: runId });

/** @returns the streak as it was, null when there is nothing to acknowledge */
export const acknowledgeStreak = (
  db: Database,
  pipeline: string,
  acknowledged: NonNullable<Streak['acknowledged']>,
): Streak | null => {
  const before = streakOf(db, pipeline);
  if (before.failures === 0) return null;
  keep(db, pipeline, { ...noStreak, acknowledged });
  return before;
};
