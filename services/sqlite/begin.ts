import { createHash } from 'node:crypto';
import type { Queued } from '../../machines/context.ts';
import { warnedEvent } from '../start/failure-policy.ts';
import type {
  BeginRequest,
  Begun,
  Committed,
  Conflict,
  Decision,
  Line,
  Loaded,
  Paused,
  RunRow,
} from '../store/store.ts';
import type { Database } from './database.ts';
import { selectRun } from './reads.ts';
import { isOpen, recordClaim } from './slot-claims.ts';
import { askStart, noteProbe } from './streaks.ts';
import { applyDecision, insertEvent, loadRun } from './writes.ts';

/** Idempotency keys are kept this long (Q15). */
const keyLifetimeMs = 24 * 3600 * 1000;

const holdersOf = (db: Database, key: string): { place: number; runId: string }[] =>
  db
    .all('SELECT place, run_id FROM lock_holders WHERE key = ? ORDER BY since, run_id', key)
    .map((row) => ({ place: row.place as number, runId: row.run_id as string }));
const waitersOf = (db: Database, key: string): { runId: string; replaces: boolean }[] =>
  db
    .all('SELECT run_id, replaces FROM lock_waiters WHERE key = ? ORDER BY n', key)
    .map((row) => ({ runId: row.run_id as string, replaces: row.replaces === 1 }));
const freePlace = (db: Database, key: string, limit: number): number | undefined => {
  const taken = holdersOf(db, key).map(({ place }) => place);
  return Array.from({ length: limit }, (_, index) => index + 1).find(
    (place) => !taken.includes(place),
  );
};
const takePlace = (db: Database, key: string, place: number, runId: string, at: number): void =>
  void db.run(
    'INSERT INTO lock_holders (key, place, run_id, since) VALUES (?, ?, ?, ?)',
    key,
    place,
    runId,
    at,
  );

/** Who waits for a key, each behind the run that is live longest. */
export const lineOf = (db: Database, key: string): Line => {
  const holders = holdersOf(db, key).map(({ runId }) => runId);
  const waiting = waitersOf(db, key);
  const waiters = waiting.flatMap(({ runId, replaces }, index) => {
    const ahead = holders[0] ?? (index > 0 ? waiting[0]?.runId : undefined);
    const run = ahead === undefined ? null : selectRun(db, 'runs.run_id = ?', ahead);
    const queued: Queued = {
      run_id: run?.runId ?? '',
      pipeline: run?.pipeline ?? '',
      number: run?.number ?? 0,
      ahead: index,
      replaces,
    };
    return [{ key, runId, queued }];
  });
  return { waiters, holders };
};

/** May the run wait? Null when it may. */
const conflictOf = (
  db: Database,
  { key, onConflict, queueMax }: BeginRequest['lock'],
): Conflict | null => {
  const waiting = waitersOf(db, key);
  const first = holdersOf(db, key)[0]?.runId ?? (waiting[0]?.runId as string);
  const met = { owner: selectRun(db, 'runs.run_id = ?', first) as RunRow, waiting: waiting.length };
  if (onConflict === 'refuse') return { code: 'already-running', ...met };
  // Whoever replaces what is live takes the place of those that wait, too.
  return onConflict === 'queue' && waiting.length >= queueMax
    ? { code: 'queue-full', ...met }
    : null;
};

const insertRun = (db: Database, request: BeginRequest): void => {
  const { spec, at } = request;
  db.run(
    'INSERT OR IGNORE INTO charts (hash, compiler_version, config) VALUES (?, ?, ?)',
    spec.chart,
    request.compilerVersion,
    JSON.stringify(request.config),
  );
  const { definition, ...rest } = spec;
  const stored = JSON.stringify(definition);
  const definitionHash = createHash('sha256').update(stored).digest('hex').slice(0, 32);
  db.run(
    'INSERT OR IGNORE INTO definitions (hash, definition) VALUES (?, ?)',
    definitionHash,
    stored,
  );
  db.run(
    `INSERT INTO pipelines (name, last_number) VALUES (?, 1)
     ON CONFLICT (name) DO UPDATE SET last_number = last_number + 1, is_reset = 0, reset_run_id = NULL`,
    spec.pipeline,
  );
  const number = db.get('SELECT last_number AS n FROM pipelines WHERE name = ?', spec.pipeline)
    ?.n as number;
  db.run(
    `INSERT INTO runs (run_id, pipeline, number, chart, definition, spec, version, ledger_n, run_seq, snapshot, projection, state, created_at, updated_at)
     VALUES (?,?,?,?,?,?,0,0,0,?,?,?,?,?)`,
    spec.runId,
    spec.pipeline,
    number,
    spec.chart,
    definitionHash,
    JSON.stringify(rest),
    JSON.stringify(request.snapshot),
    JSON.stringify(request.projection),
    request.projection.state,
    at,
    at,
  );
};

/**
 * Remembers what the run finds of the files that schedules wait for. What was found before the
 * latest run that is DONE is asked for by nobody.
 */
const insertInputs = (db: Database, { spec, inputsSeen }: BeginRequest): void => {
  if (inputsSeen === undefined) return;
  if ('of' in inputsSeen)
    db.run(
      'INSERT INTO inputs_seen (run_id, patterns, marks) SELECT ?, patterns, marks FROM inputs_seen WHERE run_id = ?',
      spec.runId,
      inputsSeen.of,
    );
  else
    for (const { patterns, marks } of inputsSeen.now)
      db.run(
        'INSERT INTO inputs_seen (run_id, patterns, marks) VALUES (?, ?, ?)',
        spec.runId,
        patterns,
        marks,
      );
  db.run(
    `DELETE FROM inputs_seen WHERE run_id IN (SELECT run_id FROM runs WHERE pipeline = ?1 AND ended_at IS NOT NULL AND run_id <
       (SELECT max(run_id) FROM runs WHERE pipeline = ?1 AND state = 'DONE' AND json_extract(spec, '$.onlyStage') IS NULL))`,
    spec.pipeline,
  );
};

/**
 * A refusal leaves its event, and is the decision of the slot that asked; a slot that goes on
 * waiting leaves nothing.
 */
const refuse = (db: Database, request: BeginRequest, met: Conflict | Paused): void => {
  const { spec, slot, at } = request;
  const refusal = request.refusal(met);
  if (!refusal) return;
  insertEvent(db, refusal, { runId: null, runSeq: null, pipeline: spec.pipeline }, at);
  if (!slot) return;
  const decision = met.code === 'blocked-by-policy' ? 'blocked' : 'skipped';
  const claim = { ...slot, policy: String(refusal.data.policy) };
  recordClaim(db, claim, { decision, runId: null, reason: String(refusal.data.why) }, at);
};

/**
 * Takes a place or a turn in the line, a number and a row for a new run, and moves it for the first
 * time: all or nothing.
 */
export const beginRun = (
  db: Database,
  request: BeginRequest,
  decide: (loaded: Loaded, queued: Queued | null) => Decision,
): Begun => {
  const { spec, at, idempotency, lock, slot } = request;
  if (slot && !isOpen(db, slot)) return { kind: 'slot-decided' };
  if (idempotency) {
    db.run('DELETE FROM idempotency WHERE at < ?', at - keyLifetimeMs);
    const known = db.get(
      'SELECT * FROM idempotency WHERE pipeline = ? AND key = ?',
      spec.pipeline,
      idempotency.key,
    );
    const run = known && selectRun(db, 'runs.run_id = ?', known.run_id as string);
    if (known && run)
      return { kind: known.body_hash === idempotency.bodyHash ? 'replayed' : 'key-reused', run };
  }
  const policy = askStart(db, spec, at);
  if (policy.verdict === 'blocked') {
    const paused = { code: 'blocked-by-policy' as const, streak: policy.streak };
    refuse(db, request, paused);
    return { kind: 'blocked', ...paused };
  }
  // Nobody overtakes those that wait, not even when a place has just become free.
  const place =
    waitersOf(db, lock.key).length > 0 ? undefined : freePlace(db, lock.key, lock.limit);
  const conflict = place === undefined ? conflictOf(db, lock) : null;
  if (conflict) {
    refuse(db, request, conflict);
    return { kind: 'refused', ...conflict };
  }
  insertRun(db, request);
  insertInputs(db, request);
  if (place !== undefined) takePlace(db, lock.key, place, spec.runId, at);
  else
    db.run(
      'INSERT INTO lock_waiters (key, run_id, replaces) VALUES (?, ?, ?)',
      lock.key,
      spec.runId,
      lock.onConflict === 'cancel_running' ? 1 : 0,
    );
  if (idempotency)
    db.run(
      'INSERT OR REPLACE INTO idempotency (pipeline, key, body_hash, run_id, at) VALUES (?, ?, ?, ?, ?)',
      spec.pipeline,
      idempotency.key,
      idempotency.bodyHash,
      spec.runId,
      at,
    );
  if (slot) {
    recordClaim(
      db,
      slot,
      { decision: place === undefined ? 'queued' : 'started', runId: spec.runId, reason: null },
      at,
    );
    insertEvent(
      db,
      slot.fired(spec.runId),
      { runId: null, runSeq: null, pipeline: spec.pipeline },
      at,
    );
  }
  const loaded = loadRun(db, spec.runId) as Loaded;
  const queued = place === undefined ? (lineOf(db, lock.key).waiters.at(-1)?.queued ?? null) : null;
  const decision = decide(loaded, queued);
  // Before the last event, which is always the one that carries what changed.
  if (policy.verdict === 'warned')
    decision.events.splice(-1, 0, warnedEvent(policy.streak, spec.pipeline));
  if (policy.verdict === 'probe') noteProbe(db, spec.pipeline, policy.streak, spec.runId);
  return { kind: 'begun', ...applyDecision(db, loaded.run, decision) };
};

/** Gives the first in line a place of its key, if one is free, and moves it. */
export const admitRun = (
  db: Database,
  runId: string,
  at: number,
  decide: (loaded: Loaded) => Decision,
): Committed | null => {
  const waiter = db.get('SELECT key FROM lock_waiters WHERE run_id = ?', runId);
  const loaded = waiter ? loadRun(db, runId) : null;
  if (!waiter || !loaded) return null;
  const key = waiter.key as string;
  const place = freePlace(db, key, loaded.run.definition.concurrency.limit);
  if (place === undefined || waitersOf(db, key)[0]?.runId !== runId) return null;
  db.run('DELETE FROM lock_waiters WHERE run_id = ?', runId);
  takePlace(db, key, place, runId, at);
  const admitted = loadRun(db, runId) as Loaded;
  return applyDecision(db, admitted.run, decide(admitted));
};
