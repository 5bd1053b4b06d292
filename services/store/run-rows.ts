import type { PipelineDefinition } from '../../definition/definition.ts';
import type { Projection } from '../../machines/project.ts';
import type { Ending, ProcessIdentity } from '../../stages/contract.ts';
import type { NewEvent } from '../../wire/events.ts';
import type { Cause } from '../../wire/run-answers.ts';
import type { Progress, Trigger } from '../../wire/status.ts';
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
/** What a step is decided upon; the failures of the pipeline are read only where they are asked. */
export type StepFacts = Loaded & { readonly streak: Streak };
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
    /**
     * The run ends and nothing of it works any more. Else its lock stays until the drain's proof
     * (T1, I13).
     */
    freesLock: boolean;
  };
  /** What the end of the run means for its pipeline. */
  closing?: { streak: Streak | null; event: NewEvent | null };
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
