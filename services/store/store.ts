import type { OnConflict, PipelineDefinition } from '../../definition/definition.ts';
import type { ChartConfig } from '../../machines/chart-config.ts';
import type { Queued } from '../../machines/context.ts';
import type { Projection } from '../../machines/project.ts';
import type { Ending, ProcessIdentity } from '../../stages/contract.ts';
import type { JournalEvent, NewEvent } from '../../wire/events.ts';
import type { Progress, Status, Trigger } from '../../wire/status.ts';
import type { RetentionStore } from './retention-store.ts';
import type { InputsSeen, SlotClaim, SlotStore } from './slot-store.ts';
import type { Streak } from './streak.ts';

/** What a run was started with; it never changes afterwards. */
export type RunSpec = {
  runId: string;
  pipeline: string;
  chart: string;
  definition: PipelineDefinition;
  /** Absolute folder that relative paths of the pipeline file refer to. */
  projectDir: string;
  params: Record<string, unknown>;
  trigger: Trigger;
  onlyStage: string | null;
  reason: string | null;
  /** Values of `stages.*` a single-stage run takes from an earlier run. */
  inputs: Record<string, Record<string, unknown>>;
  metadata: Record<string, unknown>;
};

/** A run as one row: the truth about it. */
export type RunRow = RunSpec & {
  number: number;
  /** Accepted transitions, gapless. */
  version: number;
  /** Rows of the ledger, refused and stale ones too. */
  ledgerN: number;
  /** Events of this run, gapless. */
  runSeq: number;
  /** The persisted XState snapshot. */
  snapshot: unknown;
  projection: Projection;
  createdAt: number;
  updatedAt: number;
  endedAt: number | null;
  progress: Progress | null;
  lock: { key: string; since: number } | null;
};

export type EffectKind = 'stage' | 'verify' | 'drain' | 'preflight';
/** The fence of an effect or a timer: its answer counts only while exactly this row lives. */
export type Fence = { kind: 'effect' | 'timer'; id: string; stamp: number };
export type EffectRow = {
  runId: string;
  id: string;
  /** The version of the transition that created it. */
  stamp: number;
  kind: EffectKind;
  /** A dropped stage effect stays as `dropping` until its processes are proven gone (T1). */
  state: 'born' | 'started' | 'dropping';
  input: { stage?: string };
  attempt: number;
  token: string;
  process: ProcessIdentity | null;
  createdAt: number;
  /** The last sign of life that was written down, at most five seconds old while it works. */
  heartbeatAt: number | null;
  /** Its processes were sent SIGTERM; null = never. */
  ending: Ending | null;
};
export type TimerRow = {
  runId: string;
  id: string;
  stamp: number;
  /**
   * Limits on work count this boot's monotonic time; waits people plan with count wall time (T13).
   */
  clock: 'monotonic' | 'wall';
  /** Milliseconds on that clock. */
  dueAt: number;
  delayMs: number;
  bootId: string;
};

export type Cause = {
  kind: 'command' | 'effect' | 'timer' | 'watchdog' | 'recovery' | 'queue';
  actor?: string;
};
export type Verdict = 'accepted' | 'refused' | 'stale';
export type LedgerRow = {
  n: number;
  version: number;
  at: number;
  from: string;
  to: string;
  event: { type: string; [key: string]: unknown };
  cause: Cause;
  guards: { guard: string; holds: boolean }[];
  verdict: Verdict;
  why: string | null;
};

export type Loaded = { run: RunRow; effects: EffectRow[]; timers: TimerRow[] };
/** All that one step writes, in one transaction. */
export type Decision = {
  at: number;
  ledger: Omit<LedgerRow, 'n' | 'at'>;
  events: NewEvent[];
  /** Absent when the run does not move (refused, stale). */
  next?: {
    snapshot: unknown;
    projection: Projection;
    ended: boolean;
    /** An attempt begins: what an earlier one said of its progress says nothing about it. */
    begins: boolean;
  };
  /**
   * Applied in this order: answered and ended effects deleted, stage effects marked dropping, new
   * ones inserted.
   */
  remove: Fence[];
  drop: Fence[];
  born: EffectRow[];
  disarm: Fence[];
  arm: TimerRow[];
};
export type Committed = { run: RunRow; decision: Decision; lastSeq: number };

export type BeginRequest = {
  spec: RunSpec;
  config: ChartConfig;
  compilerVersion: number;
  snapshot: unknown;
  projection: Projection;
  /**
   * `onConflict` and `queueMax` say what happens when no place of the key is free, or others wait
   * for one.
   */
  lock: { key: string; limit: number; onConflict: OnConflict; queueMax: number };
  at: number;
  idempotency: { key: string; bodyHash: string } | null;
  /**
   * Written when the run may not even wait: a refusal leaves this event and no run (S06). Null when
   * a slot simply goes on waiting.
   */
  refusal: (met: Conflict | Paused) => NewEvent | null;
  /** The slot this run stands for; decided in the same transaction. */
  slot?: SlotClaim;
  /** What the run finds of the files that schedules wait for, or whose findings it takes over. */
  inputsSeen?: { now: InputsSeen[] } | { of: string };
};
/** What a start met: the run that is live (or first in line), and how many wait. */
export type Conflict = { code: 'already-running' | 'queue-full'; owner: RunRow; waiting: number };
export type Begun =
  | ({ kind: 'begun' } & Committed)
  | { kind: 'replayed'; run: RunRow }
  | { kind: 'key-reused'; run: RunRow }
  | ({ kind: 'refused' } & Conflict)
  | ({ kind: 'blocked' } & Paused)
  | { kind: 'slot-decided' };
/** The policy of the pipeline says no. */
export type Paused = { code: 'blocked-by-policy'; streak: Streak };
/**
 * A run in the line of a key, in its order, with what it waits behind. `holders` are those that
 * have a place.
 */
type Waiter = { key: string; runId: string; queued: Queued };
export type Line = { waiters: Waiter[]; holders: string[] };

/**
 * Newest first. `fromMs` and `toMs` bound the start of a run; `before` is a run id; `q` is looked
 * for in ids, reasons and errors.
 */
export type RunFilter = {
  pipeline?: string;
  state?: Status['state'];
  trigger?: Trigger;
  fromMs?: number;
  toMs?: number;
  q?: string;
  before?: string;
  limit: number;
};
export type StreamScope = { runId?: string; pipeline?: string };
export type JournalFilter = {
  runId?: string;
  pipeline?: string;
  stage?: string;
  event?: string;
  after?: number;
  limit: number;
};

type Parts = RetentionStore & SlotStore;
/**
 * Where every fact lives. Async on purpose even over a synchronous driver. Each method is one
 * transaction of its own: there is no begin/commit to leave open (T2). `decide` is synchronous and
 * pure and may be called twice.
 */
export type Store = Parts & {
  /** Changes only when the journal is new; part of every cursor. */
  readonly epoch: string;
  /** `queued` = no place is free, the run is in the line. */
  begin(
    request: BeginRequest,
    decide: (loaded: Loaded, queued: Queued | null) => Decision,
  ): Promise<Begun>;
  /** Gives this run a place, if it is the first in line and one is free. @returns null when not */
  admit(runId: string, decide: (loaded: Loaded) => Decision): Promise<Committed | null>;
  /** Who waits for a key, and for whom. */
  line(key: string): Promise<Line>;
  /** The keys that somebody waits for. */
  waitedKeys(): Promise<string[]>;
  /** @returns null when the run does not exist */
  step(runId: string, decide: (loaded: Loaded) => Decision): Promise<Committed | null>;

  /**
   * Records who works, before the gate opens; null = it works in the service itself. @returns false
   * when the effect is not waiting for it any more
   */
  recordProcess(runId: string, fence: Fence, process: ProcessIdentity | null): Promise<boolean>;
  /**
   * What the run waits for, as known beside its chart, while this effect lives; one event without a
   * step. @returns false when `next` says null or the effect is over
   */
  changeWhy(
    runId: string,
    fence: Fence,
    next: (why: string, run: RunRow) => string | null,
  ): Promise<boolean>;
  /** The deadline of an ending, so that the next service goes on with it. */
  recordEnding(runId: string, fence: Fence, ending: Ending): Promise<void>;
  /**
   * The drain's proof: forgets dropping effects whose processes are gone, and frees, with an event,
   * the lock of an ended run.
   */
  removeDrained(runId: string, fences: Fence[]): Promise<void>;
  saveProgress(runId: string, progress: Progress): Promise<void>;
  /** Marks, all in one transaction; those whose effect is gone are forgotten. */
  saveHeartbeats(marks: { runId: string; fence: Fence; at: number }[]): Promise<void>;
  /** An event that belongs to no run or moves none. */
  note(
    event: NewEvent & { runId: string | null; pipeline: string | null },
    at: number,
  ): Promise<void>;
  /** The pipeline shows IDLE until its next run; said by `event`. */
  /** @returns the seq of the event */
  markReset(pipeline: string, runId: string | null, event: NewEvent, at: number): Promise<number>;
  /**
   * Forgets the failures of a pipeline, said by `event`. @returns the failures there were, null
   * when there were none
   */
  acknowledge(
    pipeline: string,
    acknowledged: NonNullable<Streak['acknowledged']>,
    event: (before: Streak) => NewEvent,
  ): Promise<{ before: Streak; headSeq: number } | null>;
  /**
   * Gives their full time again to limits of an earlier boot, and to those on what is not begun or
   * is begun anew: checks, files to be verified, an attempt whose program does not run yet.
   */
  rearmMonotonic(bootId: string, monotonicMs: number): Promise<void>;
  /** An effect begins only now: what was armed with it, on this boot's clock, counts from here. */
  restartLimits(runId: string, stamp: number, monotonicMs: number): Promise<void>;
  setMeta(key: string, value: string): Promise<void>;

  chart(hash: string): Promise<{ config: ChartConfig; compilerVersion: number } | null>;
  run(runId: string): Promise<{ run: RunRow; headSeq: number } | null>;
  /**
   * A page may hold fewer than `limit` and still have a `next`: one page looks at a bounded number
   * of rows.
   */
  runs(filter: RunFilter): Promise<{ items: RunRow[]; next: string | null; headSeq: number }>;
  /** The live run of a pipeline, else its latest. `reset` = that run is hidden by a reset. */
  latest(pipeline: string): Promise<{ run: RunRow | null; reset: boolean; headSeq: number }>;
  /** Pipelines that never failed are not in it. */
  streaks(): Promise<Map<string, Streak>>;
  latestDone(pipeline: string): Promise<RunRow | null>;
  liveRuns(): Promise<RunRow[]>;
  load(runId: string): Promise<Loaded | null>;
  effects(): Promise<EffectRow[]>;
  dueTimers(now: { wallMs: number; monotonicMs: number }): Promise<TimerRow[]>;
  /** Milliseconds until the next timer is due; null when none is armed. */
  nextDueIn(now: { wallMs: number; monotonicMs: number }): Promise<number | null>;
  ledger(runId: string, after: number, limit: number): Promise<LedgerRow[]>;
  /** The accepted transition that led to this version, and the snapshot it left. */
  transitionTo(
    runId: string,
    version: number,
  ): Promise<{ row: LedgerRow; snapshot: unknown } | null>;
  /** Oldest first when `after` is given, else the newest `limit`, oldest first. */
  journal(filter: JournalFilter): Promise<JournalEvent[]>;
  /**
   * The next events of a scope in order, with the ends of the journal at that instant. From
   * `oldestSeq` on nothing is missing.
   */
  journalAfter(
    scope: StreamScope,
    after: number,
    limit: number,
  ): Promise<{ events: JournalEvent[]; oldestSeq: number; headSeq: number }>;
  meta(key: string): Promise<string | null>;
  /** State, head and recent events of one instant. */
  snapshotRead(scope: StreamScope, recent: number): Promise<StoreSnapshot>;
  /** Brings the store file up to date with what was committed; for moments when nothing works. */
  checkpoint(): Promise<void>;
  close(): Promise<void>;
};
/** One consistent view: these runs are the state after exactly the events up to `headSeq`. */
export type StoreSnapshot = {
  headSeq: number;
  /** The run asked for, or every live run and the latest of each pipeline asked for. */
  runs: RunRow[];
  /** Pipelines that show IDLE by a reset, with the run it hides. */
  resets: Record<string, string | null>;
  /** Of one run only: what `foldAttempt` looks at, and what waits. */
  attemptEvents: JournalEvent[];
  timers: TimerRow[];
  /** The newest events of the scope, oldest first. */
  recent: JournalEvent[];
};
