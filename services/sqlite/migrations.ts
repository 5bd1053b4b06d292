/**
 * The schema as a list of steps; `PRAGMA user_version` counts those applied. From the first release
 * on a step is never changed, only followed by another. Instants are epoch milliseconds, JSON is
 * TEXT. Every page a step touches is written and synced by its commit, so tables keyed by text have
 * no rowid (one tree, not two) and indexes are few.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE charts (
    hash TEXT PRIMARY KEY, compiler_version INTEGER NOT NULL, config TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- What runs were started with: the same text for many runs, and apart from the row that every step writes anew.
  CREATE TABLE definitions (hash TEXT PRIMARY KEY, definition TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE pipelines (
    name TEXT PRIMARY KEY, last_number INTEGER NOT NULL, reset_run_id TEXT, is_reset INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE runs (
    run_id TEXT PRIMARY KEY, pipeline TEXT NOT NULL, number INTEGER NOT NULL, chart TEXT NOT NULL REFERENCES charts (hash),
    definition TEXT NOT NULL REFERENCES definitions (hash), spec TEXT NOT NULL, version INTEGER NOT NULL, ledger_n INTEGER NOT NULL, run_seq INTEGER NOT NULL,
    snapshot TEXT NOT NULL, projection TEXT NOT NULL, state TEXT NOT NULL, progress TEXT,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, ended_at INTEGER,
    UNIQUE (pipeline, number)
  ) STRICT;
  CREATE INDEX runs_by_pipeline ON runs (pipeline, run_id);
  CREATE INDEX runs_live ON runs (pipeline, run_id) WHERE ended_at IS NULL;

  -- The right to be the live run of a key: one row a place, never a lease.
  CREATE TABLE lock_holders (
    key TEXT NOT NULL, place INTEGER NOT NULL, run_id TEXT NOT NULL UNIQUE REFERENCES runs (run_id), since INTEGER NOT NULL,
    PRIMARY KEY (key, place)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE effects (
    run_id TEXT NOT NULL REFERENCES runs (run_id), effect_id TEXT NOT NULL, stamp INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('stage', 'verify', 'drain', 'preflight')),
    state TEXT NOT NULL CHECK (state IN ('born', 'started', 'dropping')),
    input TEXT NOT NULL, attempt INTEGER NOT NULL, token TEXT NOT NULL, process TEXT, created_at INTEGER NOT NULL,
    PRIMARY KEY (run_id, effect_id, stamp)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE timers (
    run_id TEXT NOT NULL REFERENCES runs (run_id), timer_id TEXT NOT NULL, stamp INTEGER NOT NULL,
    clock TEXT NOT NULL CHECK (clock IN ('monotonic', 'wall')), due_at INTEGER NOT NULL, delay_ms INTEGER NOT NULL,
    boot_id TEXT NOT NULL, PRIMARY KEY (run_id, timer_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE transitions (
    run_id TEXT NOT NULL REFERENCES runs (run_id), n INTEGER NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL,
    from_state TEXT NOT NULL, to_state TEXT NOT NULL, event TEXT NOT NULL, cause TEXT NOT NULL, guards TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('accepted', 'refused', 'stale')), why TEXT, snapshot TEXT,
    PRIMARY KEY (run_id, n)
  ) STRICT, WITHOUT ROWID;

  -- AUTOINCREMENT: a seq is never given twice, not even after retention has emptied the table (T7).
  CREATE TABLE journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT, run_seq INTEGER, pipeline TEXT, stage TEXT NOT NULL, event TEXT NOT NULL,
    at INTEGER NOT NULL, severity TEXT NOT NULL, attempt INTEGER, msg TEXT NOT NULL, data TEXT NOT NULL,
    UNIQUE (run_id, run_seq)
  ) STRICT;
  CREATE INDEX journal_by_pipeline ON journal (pipeline, seq);

  CREATE TABLE idempotency (
    pipeline TEXT NOT NULL, key TEXT NOT NULL, body_hash TEXT NOT NULL, run_id TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (pipeline, key)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Size of the run's files once it has ended; null = not measured yet.
  ALTER TABLE runs ADD COLUMN bytes INTEGER;
  -- History by outcome. Ended runs only: a live one changes its state at every step.
  CREATE INDEX runs_ended_by_state ON runs (state, run_id) WHERE ended_at IS NOT NULL;
  CREATE INDEX runs_ended_by_pipeline ON runs (pipeline, state, run_id) WHERE ended_at IS NOT NULL;
  `,
  `
  -- Runs that wait for a place of their key, in the order of n. A queued run holds no lock.
  CREATE TABLE lock_waiters (
    n INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, run_id TEXT NOT NULL UNIQUE REFERENCES runs (run_id),
    replaces INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX lock_waiters_by_key ON lock_waiters (key, n);
  `,
  `
  ALTER TABLE effects ADD COLUMN heartbeat_at INTEGER;
  -- Failed runs of a pipeline in a row, and what the policy of its file made of them. No row = none.
  CREATE TABLE failure_streaks (
    pipeline TEXT PRIMARY KEY, failures INTEGER NOT NULL, reason TEXT, blocked_at INTEGER, probe_at INTEGER, probe_run TEXT,
    acknowledged TEXT
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- A schedule: what its file says, the changes by API that win over it, and the instant up to which every slot is decided.
  CREATE TABLE schedules (
    schedule_id TEXT PRIMARY KEY, pipeline TEXT NOT NULL, origin TEXT NOT NULL CHECK (origin IN ('file', 'api')),
    file TEXT NOT NULL, overrides TEXT NOT NULL, version INTEGER NOT NULL, decided_to INTEGER NOT NULL,
    created_at INTEGER NOT NULL, created_by TEXT NOT NULL, updated_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- One decision a slot; backfill is empty for the schedule's own. A row may stand for many missed slots (slots, up to slot_to).
  CREATE TABLE slots (
    schedule_id TEXT NOT NULL, backfill TEXT NOT NULL, slot INTEGER NOT NULL, slot_to INTEGER NOT NULL, slots INTEGER NOT NULL,
    decision TEXT NOT NULL CHECK (decision IN ('started', 'queued', 'skipped', 'missed', 'blocked', 'refused', 'waiting', 'cancelled')),
    run_id TEXT, reason TEXT, policy TEXT NOT NULL, would TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (schedule_id, backfill, slot)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX slots_waiting ON slots (schedule_id, backfill, slot) WHERE decision = 'waiting';

  CREATE TABLE backfills (
    backfill TEXT PRIMARY KEY, schedule_id TEXT NOT NULL, from_at INTEGER NOT NULL, to_at INTEGER NOT NULL,
    made_by TEXT NOT NULL, reason TEXT, at INTEGER NOT NULL, cancelled_by TEXT
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- When SIGTERM was sent to the processes of an attempt, and when SIGKILL follows: {termedAt, killAt, bootId}.
  ALTER TABLE effects ADD COLUMN ending TEXT;
  `,
  `
  -- What a run found of the files that schedules wait for (only_when_new) when it began: marks of name, size and times.
  CREATE TABLE inputs_seen (
    run_id TEXT NOT NULL, patterns TEXT NOT NULL, marks TEXT NOT NULL, PRIMARY KEY (run_id, patterns)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Runs that retention has removed and whose files may still lie there. Nothing else is ever deleted from runs/ and archive/.
  CREATE TABLE removed_runs (run_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  `,
  `
  -- When the latest run of a pipeline (not of one stage alone) ended, and the latest that left nothing undone: known
  -- at once after a start, also when those runs are gone.
  ALTER TABLE pipelines ADD COLUMN last_run_at INTEGER;
  ALTER TABLE pipelines ADD COLUMN last_success_at INTEGER;
  UPDATE pipelines SET
    last_run_at = (SELECT ended_at FROM runs WHERE pipeline = pipelines.name AND ended_at IS NOT NULL
      AND json_extract(spec, '$.onlyStage') IS NULL ORDER BY run_id DESC LIMIT 1),
    last_success_at = (SELECT ended_at FROM runs WHERE pipeline = pipelines.name AND state = 'DONE' AND ended_at IS NOT NULL
      AND json_extract(spec, '$.onlyStage') IS NULL AND json_extract(projection, '$.outcome') IN ('success', 'noop')
      ORDER BY run_id DESC LIMIT 1);
  `,
  `
  -- The outbox: what channels are told. Those that are told together have the number of the first of them as their batch.
  CREATE TABLE notifications (
    n INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, cause TEXT NOT NULL, pipeline TEXT, run_id TEXT, at INTEGER NOT NULL,
    message TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'given-up')),
    not_before INTEGER NOT NULL, due_at INTEGER NOT NULL, batch INTEGER, attempts INTEGER NOT NULL DEFAULT 0,
    first_at INTEGER, last_at INTEGER, answer TEXT
  ) STRICT;
  CREATE INDEX notifications_waiting ON notifications (channel, due_at) WHERE state = 'waiting';
  CREATE INDEX notifications_by_channel ON notifications (channel, n);
  CREATE INDEX notifications_by_pipeline ON notifications (pipeline, n);
  CREATE INDEX notifications_by_batch ON notifications (batch);
  -- What went wrong, was told, and is not over.
  CREATE TABLE troubles (
    key TEXT NOT NULL, channel TEXT NOT NULL, since INTEGER NOT NULL, told_at INTEGER NOT NULL, times INTEGER NOT NULL,
    repeat_ms INTEGER, message TEXT NOT NULL, PRIMARY KEY (key, channel)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- The deadlines of all slots up to here are judged; null = none was ever.
  ALTER TABLE schedules ADD COLUMN deadline_to INTEGER;
  `,
];
