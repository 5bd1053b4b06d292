import type { NewEvent } from '../../wire/events.ts';
import type { Committed, Decision, RunRow } from '../store/run-rows.ts';
import type { Amendment, Change, PipelineAmendment } from '../store/run-store.ts';
import type { Streak } from '../store/streak.ts';
import type { Database } from './database.ts';
import { loadRun } from './load-run.ts';
import { keepStreak, streakOf } from './streaks.ts';

export const insertEvent = (
  db: Database,
  event: NewEvent,
  owner: { runId: string | null; runSeq: number | null; pipeline: string | null },
  at: number,
): number => {
  const { runId, pipeline } = owner;
  db.said.push({ ...event, runId, pipeline, at });
  return db.run(
    'INSERT INTO journal (run_id, run_seq, pipeline, stage, event, at, severity, attempt, msg, data) VALUES (?,?,?,?,?,?,?,?,?,?)',
    owner.runId,
    owner.runSeq,
    owner.pipeline,
    event.stage,
    event.event,
    at,
    event.severity,
    event.attempt ?? null,
    event.msg,
    JSON.stringify(event.data),
  ).lastId;
};

/**
 * Frees the place of a run; the statement itself refuses while a process of the run may live (T1,
 * I13).
 */
const freeLock = (db: Database, runId: string): boolean =>
  db.run(
    `DELETE FROM lock_holders WHERE run_id = ?1
     AND NOT EXISTS (SELECT 1 FROM effects WHERE run_id = ?1 AND kind = 'stage')`,
    runId,
  ).changes > 0;

/** Remembers when the pipeline ran last, and when it left nothing undone. */
const markEnd = (
  db: Database,
  pipeline: string,
  outcome: RunRow['projection']['outcome'],
  at: number,
): void =>
  void db.run(
    'UPDATE pipelines SET last_run_at = ?1, last_success_at = iif(?2, ?1, last_success_at) WHERE name = ?3',
    at,
    outcome === 'success' || outcome === 'noop' ? 1 : 0,
    pipeline,
  );

/** Writes one decision. Must stand inside the transaction that loaded what was decided upon. */
export const applyDecision = (db: Database, before: RunRow, decision: Decision): Committed => {
  const { at, ledger, next } = decision;
  const runId = before.runId;
  for (const { id, stamp } of decision.remove)
    db.run(
      'DELETE FROM effects WHERE run_id = ? AND effect_id = ? AND stamp = ?',
      runId,
      id,
      stamp,
    );
  for (const { id, stamp } of decision.drop)
    db.run(
      "UPDATE effects SET state = 'dropping' WHERE run_id = ? AND effect_id = ? AND stamp = ?",
      runId,
      id,
      stamp,
    );
  for (const effect of decision.born)
    db.run(
      'INSERT INTO effects (run_id, effect_id, stamp, kind, state, input, attempt, token, process, created_at) VALUES (?,?,?,?,?,?,?,?,NULL,?)',
      runId,
      effect.id,
      effect.stamp,
      effect.kind,
      effect.state,
      JSON.stringify(effect.input),
      effect.attempt,
      effect.token,
      effect.createdAt,
    );
  for (const { id, stamp } of decision.disarm)
    db.run('DELETE FROM timers WHERE run_id = ? AND timer_id = ? AND stamp = ?', runId, id, stamp);
  for (const timer of decision.arm)
    db.run(
      'INSERT INTO timers (run_id, timer_id, stamp, clock, due_at, delay_ms, boot_id) VALUES (?,?,?,?,?,?,?)',
      runId,
      timer.id,
      timer.stamp,
      timer.clock,
      timer.dueAt,
      timer.delayMs,
      timer.bootId,
    );

  const after: RunRow = {
    ...before,
    version: ledger.version,
    ledgerN: before.ledgerN + 1,
    runSeq: before.runSeq + decision.events.length,
    ...(next && {
      snapshot: next.snapshot,
      projection: next.projection,
      updatedAt: at,
      endedAt: next.ended ? at : null,
    }),
    ...(next?.begins && { progress: null }),
  };
  const snapshot = next ? JSON.stringify(next.snapshot) : null;
  if (next) {
    // The version is the fence between processes: whoever wrote first has moved it.
    const moved = db.run(
      `UPDATE runs SET version = ?, ledger_n = ?, run_seq = ?, snapshot = ?, projection = ?, state = ?, updated_at = ?, ended_at = ?,
         progress = CASE ? WHEN 1 THEN NULL ELSE progress END
       WHERE run_id = ? AND version = ?`,
      after.version,
      after.ledgerN,
      after.runSeq,
      snapshot,
      JSON.stringify(next.projection),
      next.projection.state,
      at,
      after.endedAt,
      next.begins ? 1 : 0,
      runId,
      before.version,
    );
    if (moved.changes !== 1) throw new Error(`run ${runId} moved while it was decided upon`);
  } else
    db.run(
      'UPDATE runs SET ledger_n = ?, run_seq = ? WHERE run_id = ?',
      after.ledgerN,
      after.runSeq,
      runId,
    );
  db.run(
    `INSERT INTO transitions (run_id, n, version, at, from_state, to_state, event, cause, guards, verdict, why, snapshot)
     VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`,
    runId,
    after.ledgerN,
    ledger.version,
    at,
    ledger.from,
    ledger.to,
    JSON.stringify(ledger.event),
    JSON.stringify(ledger.cause),
    JSON.stringify(ledger.guards),
    ledger.verdict,
    ledger.why,
    snapshot,
  );
  let lastSeq = 0;
  decision.events.forEach((event, index) => {
    lastSeq = insertEvent(
      db,
      event,
      { runId, runSeq: before.runSeq + index + 1, pipeline: before.pipeline },
      at,
    );
  });
  if (next?.ended) db.run('DELETE FROM lock_waiters WHERE run_id = ?', runId);
  if (next?.freesLock && freeLock(db, runId)) after.lock = null;
  if (next?.ended && before.onlyStage === null)
    markEnd(db, before.pipeline, next.projection.outcome, at);
  const { streak = null, event = null } = decision.closing ?? {};
  if (streak) keepStreak(db, before.pipeline, streak);
  if (event)
    lastSeq = insertEvent(db, event, { runId: null, runSeq: null, pipeline: before.pipeline }, at);
  return { run: after, decision, lastSeq };
};

/** An event outside a step: of a run, with the next number of it, or of nobody. */
export const addEvent = (
  db: Database,
  event: NewEvent & { runId: string | null; pipeline: string | null },
  at: number,
): number => {
  const { runId, pipeline } = event;
  const counted =
    runId === null
      ? null
      : db.get('UPDATE runs SET run_seq = run_seq + 1 WHERE run_id = ? RETURNING run_seq', runId);
  return insertEvent(
    db,
    event,
    { runId, runSeq: (counted?.run_seq as number | undefined) ?? null, pipeline },
    at,
  );
};

const saveRows = (db: Database, runId: string, { effects = [], timers = [] }: Amendment): void => {
  for (const { id, stamp, state, process, ending, heartbeatAt } of effects)
    db.run(
      `UPDATE effects SET state = ?, process = ?, ending = ?, heartbeat_at = ?
       WHERE run_id = ? AND effect_id = ? AND stamp = ?`,
      state,
      process && JSON.stringify(process),
      ending && JSON.stringify(ending),
      heartbeatAt,
      runId,
      id,
      stamp,
    );
  for (const { id, stamp, dueAt, bootId } of timers)
    db.run(
      'UPDATE timers SET due_at = ?, boot_id = ? WHERE run_id = ? AND timer_id = ? AND stamp = ?',
      dueAt,
      bootId,
      runId,
      id,
      stamp,
    );
};

/** Writes of a run without a step. @returns whether there was something to write */
export const amendRun = (db: Database, { runId, change }: Change, at: number): boolean => {
  const loaded = loadRun(db, runId);
  const planned = loaded && change(loaded);
  if (!planned) return false;
  const { remove = [], progress, why, bytes, freesLock, event } = planned;
  for (const { id, stamp } of remove)
    db.run(
      'DELETE FROM effects WHERE run_id = ? AND effect_id = ? AND stamp = ?',
      runId,
      id,
      stamp,
    );
  saveRows(db, runId, planned);
  if (progress !== undefined)
    db.run('UPDATE runs SET progress = ? WHERE run_id = ?', JSON.stringify(progress), runId);
  if (why !== undefined) {
    const projection = JSON.stringify({ ...loaded.run.projection, why });
    db.run('UPDATE runs SET projection = ? WHERE run_id = ?', projection, runId);
  }
  if (bytes !== undefined) db.run('UPDATE runs SET bytes = ? WHERE run_id = ?', bytes, runId);
  if (freesLock) freeLock(db, runId);
  if (event) addEvent(db, { ...event, runId, pipeline: loaded.run.pipeline }, at);
  return true;
};

export const amendPipeline = (
  db: Database,
  pipeline: string,
  plan: (streak: Streak) => PipelineAmendment | null,
  at: number,
): number | null => {
  const planned = plan(streakOf(db, pipeline));
  if (!planned) return null;
  const { streak, reset, event } = planned;
  if (streak) keepStreak(db, pipeline, streak);
  if (reset !== undefined)
    db.run(
      `INSERT INTO pipelines (name, last_number, is_reset, reset_run_id) VALUES (?, 0, 1, ?)
       ON CONFLICT (name) DO UPDATE SET is_reset = 1, reset_run_id = excluded.reset_run_id`,
      pipeline,
      reset,
    );
  return addEvent(db, { ...event, runId: null, pipeline }, at);
};
