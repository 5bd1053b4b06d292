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

export const streakOf = (db: Database, pipeline: string): Streak =>
  toStreak(db.get('SELECT * FROM failure_streaks WHERE pipeline = ?', pipeline));

export const keepStreak = (
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
