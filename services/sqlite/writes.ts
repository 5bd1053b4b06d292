import type { NewEvent } from '../../wire/events.ts';
import type { Committed, Decision, Fence, Loaded, RunRow } from '../store/store.ts';
import type { Database } from './database.ts';
import { selectRun } from './reads.ts';
import { toEffect, toTimer } from './rows.ts';
import { countRun } from './streaks.ts';

/** The run and all that lives of it. */
export const loadRun = (db: Database, runId: string): Loaded | null => {
  const run = selectRun(db, 'runs.run_id = ?', runId);
  if (!run) return null;
  return {
    run,
    effects: db.all('SELECT * FROM effects WHERE run_id = ? ORDER BY stamp', runId).map(toEffect),
    timers: db.all('SELECT * FROM timers WHERE run_id = ? ORDER BY stamp', runId).map(toTimer),
  };
};

export const insertEvent = (
  db: Database,
  event: NewEvent,
  owner: { runId: string | null; runSeq: number | null; pipeline: string | null },
  at: number,
): number =>
  db.run(
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
  // An ended run whose processes are not proven gone keeps its lock; `removeDrained` frees it
  // later.
  if (next?.ended && freeLock(db, runId)) after.lock = null;
  const word = next?.ended ? countRun(db, after, at) : null;
  if (word)
    lastSeq = insertEvent(db, word, { runId: null, runSeq: null, pipeline: before.pipeline }, at);
  return { run: after, decision, lastSeq };
};

/** Forgets drained effects; the last one of an ended run gives its lock back, and says so. */
export const forgetDrained = (
  db: Database,
  runId: string,
  fences: { id: string; stamp: number }[],
  at: number,
): void => {
  for (const { id, stamp } of fences)
    db.run(
      "DELETE FROM effects WHERE run_id = ? AND effect_id = ? AND stamp = ? AND state = 'dropping'",
      runId,
      id,
      stamp,
    );
  const ended = db.get(
    'SELECT pipeline FROM runs WHERE run_id = ? AND ended_at IS NOT NULL',
    runId,
  );
  if (!ended || !freeLock(db, runId)) return;
  const msg = 'no process of the run is left; its lock is free again';
  const data = { patch: { lock: null } };
  addEvent(
    db,
    {
      runId,
      pipeline: ended.pipeline as string,
      stage: 'system',
      event: 'recovered',
      severity: 'info',
      msg,
      data,
    },
    at,
  );
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
  // What a client folds from the event is what the next snapshot shows.
  const progress = (event.data.patch as { progress?: unknown } | undefined)?.progress;
  if (runId !== null && progress !== undefined)
    db.run('UPDATE runs SET progress = ? WHERE run_id = ?', JSON.stringify(progress), runId);
  return insertEvent(
    db,
    event,
    { runId, runSeq: (counted?.run_seq as number | undefined) ?? null, pipeline },
    at,
  );
};

/** Says something else of a run whose chart stands still: its row and its event, at one version. */
export const changeWhy = (
  db: Database,
  asked: { runId: string; fence: Fence; next: (why: string, run: RunRow) => string | null },
  at: number,
): boolean => {
  const { runId, fence } = asked;
  const loaded = loadRun(db, runId);
  const isLive = loaded?.effects.some(
    ({ id, stamp, state }) => id === fence.id && stamp === fence.stamp && state !== 'dropping',
  );
  if (!loaded || !isLive) return false;
  const { projection, pipeline, version } = loaded.run;
  const why = asked.next(projection.why, loaded.run);
  if (why === null) return false;
  db.run(
    'UPDATE runs SET projection = ? WHERE run_id = ?',
    JSON.stringify({ ...projection, why }),
    runId,
  );
  const { state, canonical } = projection;
  const data = {
    from: state,
    to: state,
    canonical,
    version,
    cause: { kind: 'effect' },
    patch: { why },
  };
  addEvent(
    db,
    { runId, pipeline, stage: 'pipeline', event: 'why_change', severity: 'debug', msg: why, data },
    at,
  );
  return true;
};
