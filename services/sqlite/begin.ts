import { createHash } from 'node:crypto';
import type { Begun, Committed, Decision, RunRow, StepFacts } from '../store/run-rows.ts';
import type {
  AdmitFacts,
  NewRun,
  QueueFacts,
  StartFacts,
  StartPlan,
  StartQuestion,
  StartWrites,
} from '../store/start-facts.ts';
import type { Database } from './database.ts';
import { loadRun, selectRun } from './load-run.ts';
import { insertSlot, raiseMark, slotFacts } from './slot-claims.ts';
import { keepStreak, streakOf } from './streaks.ts';
import { applyDecision, insertEvent } from './writes.ts';

export const queueOf = (db: Database, key: string): QueueFacts => {
  const holders = db
    .all('SELECT place, run_id FROM lock_holders WHERE key = ? ORDER BY since, run_id', key)
    .map((row) => ({ place: row.place as number, runId: row.run_id as string }));
  const waiters = db
    .all('SELECT run_id, replaces FROM lock_waiters WHERE key = ? ORDER BY n', key)
    .map((row) => ({ runId: row.run_id as string, replaces: row.replaces === 1 }));
  const ahead = holders[0]?.runId ?? waiters[0]?.runId;
  const run = ahead === undefined ? null : selectRun(db, 'runs.run_id = ?', ahead);
  return { key, holders, waiters, ahead: run };
};

const takePlace = (db: Database, key: string, place: number, runId: string, at: number): void =>
  void db.run(
    'INSERT INTO lock_holders (key, place, run_id, since) VALUES (?, ?, ?, ?)',
    key,
    place,
    runId,
    at,
  );

const insertRun = (db: Database, { run, chart }: NewRun): void => {
  const {
    definition,
    number,
    version,
    ledgerN,
    runSeq,
    snapshot,
    projection,
    createdAt,
    updatedAt,
    endedAt: _,
    progress: __,
    lock: ___,
    ...rest
  } = run;
  db.run(
    'INSERT OR IGNORE INTO charts (hash, compiler_version, config) VALUES (?, ?, ?)',
    run.chart,
    chart.compilerVersion,
    JSON.stringify(chart.config),
  );
  const stored = JSON.stringify(definition);
  const definitionHash = createHash('sha256').update(stored).digest('hex').slice(0, 32);
  db.run(
    'INSERT OR IGNORE INTO definitions (hash, definition) VALUES (?, ?)',
    definitionHash,
    stored,
  );
  db.run(
    `INSERT INTO pipelines (name, last_number) VALUES (?1, ?2)
     ON CONFLICT (name) DO UPDATE SET last_number = ?2, is_reset = 0, reset_run_id = NULL`,
    run.pipeline,
    number,
  );
  db.run(
    `INSERT INTO runs (run_id, pipeline, number, chart, definition, spec, version, ledger_n, run_seq, snapshot, projection, state, created_at, updated_at)
     VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
    run.runId,
    run.pipeline,
    number,
    run.chart,
    definitionHash,
    JSON.stringify(rest),
    version,
    ledgerN,
    runSeq,
    JSON.stringify(snapshot),
    JSON.stringify(projection),
    projection.state,
    createdAt,
    updatedAt,
  );
};

/**
 * Remembers what the run finds of the files that schedules wait for. What was found before the
 * latest run that is DONE is asked for by nobody.
 */
const insertInputs = (db: Database, { run, inputsSeen }: NewRun): void => {
  if (inputsSeen === null) return;
  if ('of' in inputsSeen)
    db.run(
      'INSERT INTO inputs_seen (run_id, patterns, marks) SELECT ?, patterns, marks FROM inputs_seen WHERE run_id = ?',
      run.runId,
      inputsSeen.of,
    );
  else
    for (const { patterns, marks } of inputsSeen.now)
      db.run(
        'INSERT INTO inputs_seen (run_id, patterns, marks) VALUES (?, ?, ?)',
        run.runId,
        patterns,
        marks,
      );
  db.run(
    `DELETE FROM inputs_seen WHERE run_id IN (SELECT run_id FROM runs WHERE pipeline = ?1 AND ended_at IS NOT NULL AND run_id <
       (SELECT max(run_id) FROM runs WHERE pipeline = ?1 AND state = 'DONE' AND json_extract(spec, '$.onlyStage') IS NULL))`,
    run.pipeline,
  );
};

const factsOf = (db: Database, question: StartQuestion): StartFacts => {
  const { pipeline, lockKey, idempotencyKey, slot } = question;
  const key =
    idempotencyKey === null
      ? undefined
      : db.get(
          'SELECT * FROM idempotency WHERE pipeline = ? AND key = ?',
          pipeline,
          idempotencyKey,
        );
  const run = key && selectRun(db, 'runs.run_id = ?', key.run_id as string);
  const number = db.get('SELECT last_number AS n FROM pipelines WHERE name = ?', pipeline);
  return {
    slot: slot && slotFacts(db, slot),
    keyed: run ? { run, bodyHash: key.body_hash as string, at: key.at as number } : null,
    streak: streakOf(db, pipeline),
    queue: queueOf(db, lockKey),
    lastNumber: (number?.n as number | undefined) ?? 0,
  };
};

const insertNewRun = (db: Database, born: NewRun, at: number): void => {
  const { run, place, lockKey, replaces, idempotency } = born;
  insertRun(db, born);
  insertInputs(db, born);
  if (place !== null) takePlace(db, lockKey, place, run.runId, at);
  else
    db.run(
      'INSERT INTO lock_waiters (key, run_id, replaces) VALUES (?, ?, ?)',
      lockKey,
      run.runId,
      replaces ? 1 : 0,
    );
  if (idempotency)
    db.run(
      'INSERT OR REPLACE INTO idempotency (pipeline, key, body_hash, run_id, at) VALUES (?, ?, ?, ?, ?)',
      run.pipeline,
      idempotency.key,
      idempotency.bodyHash,
      run.runId,
      at,
    );
};

const applyWrites = (db: Database, writes: StartWrites): void => {
  const { at, pipeline, forgetKeysBefore, slot, events, streak, born } = writes;
  if (forgetKeysBefore !== null) db.run('DELETE FROM idempotency WHERE at < ?', forgetKeysBefore);
  if (born) insertNewRun(db, born, at);
  if (slot) {
    insertSlot(db, slot);
    raiseMark(db, slot);
  }
  for (const event of events) insertEvent(db, event, { runId: null, runSeq: null, pipeline }, at);
  if (streak) keepStreak(db, pipeline, streak);
};

export const beginRun = (
  db: Database,
  question: StartQuestion,
  plan: (facts: StartFacts) => StartPlan,
): Begun => {
  const planned = plan(factsOf(db, question));
  if (planned.writes) applyWrites(db, planned.writes);
  if (planned.kind === 'not-begun') return planned.answer;
  const { run, decision } = planned.writes.born;
  return { kind: 'begun', ...applyDecision(db, run, decision) };
};

export const admitRun = (
  db: Database,
  runId: string,
  plan: (facts: AdmitFacts & StepFacts) => { place: number; decision: Decision } | null,
): Committed | null => {
  const waiter = db.get('SELECT key FROM lock_waiters WHERE run_id = ?', runId);
  const loaded = waiter ? loadRun(db, runId) : null;
  if (!waiter || !loaded) return null;
  const key = waiter.key as string;
  const facts = Object.defineProperties(
    { queue: queueOf(db, key) },
    Object.getOwnPropertyDescriptors(loaded),
  ) as AdmitFacts & StepFacts;
  const planned = plan(facts);
  if (!planned) return null;
  const { place, decision } = planned;
  db.run('DELETE FROM lock_waiters WHERE run_id = ?', runId);
  takePlace(db, key, place, runId, decision.at);
  const held: RunRow = { ...loaded.run, lock: { key, since: decision.at } };
  return applyDecision(db, held, decision);
};
