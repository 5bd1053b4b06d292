import type { JudgedFields } from '../definition/stage-fields.ts';
import type { Backoff, FailureMatch } from '../definition/stage-retry.ts';
import type { CommandType } from '../wire/command-table.ts';
import type { Failure } from '../wire/failure.ts';
import type { StageStatus } from '../wire/status.ts';

/**
 * What the chart must know of a stage's definition to judge its attempts; static, so it is pinned
 * with the chart.
 */
export type StagePolicy = JudgedFields &
  Backoff & {
    retries: number;
    neverOn: FailureMatch;
    /** Absent, like what else is optional here, in charts of compiler version 1. */
    classes?: (Backoff & { on: FailureMatch; limit: number })[];
    /** Later stages that use the outputs of this one. */
    usedBy?: string[];
    /** Somebody has to approve it. Absent: it is run. */
    approval?: { message: string; deadlineMs: number | null; otherwise: 'approve' | 'reject' };
    /** It runs at the end of a run. Absent: it is a stage. */
    role?: 'hook' | 'finally';
    /** Nothing follows it. */
    isLast?: boolean;
  };

/** Who asked, and why. */
export type Asked = { by: string; reason: string | null };
/**
 * Limits that stand still while the run is paused: what is left of each since `armedAt`. `rests` is
 * said of the run's alone, where several stages may be paused and the last of them stops it.
 */
export type Limit = { leftMs: number; armedAt: number; rests?: boolean };

/** What happened to a stage so far. Instants are epoch milliseconds: they came in with events. */
export type StageFacts = {
  state: StageStatus['state'];
  attempt: number;
  interruptions: number;
  /** How many retries each class of failures has taken, by its place in the policy. */
  retriesOf?: number[];
  /** When the first attempt began. */
  startedAt: number | null;
  /** When the latest attempt began: files older than this prove nothing about it (S28). */
  attemptStartedAt: number | null;
  endedAt: number | null;
  outputs: Record<string, unknown>;
  metrics: Record<string, number>;
  reason: string | null;
  /** Succeeded, but not with all of its work; `reason` says what is missing. */
  partial?: boolean;
  /** An attempt has started and its end is not yet recorded (S42: one start, one end). */
  attemptOpen: boolean;
  /** Why the open attempt is being ended; judged when its processes are gone. */
  ending: {
    /** `total`: it is ended alone, and then it has failed. */
    kind: 'timeout' | 'heartbeat' | 'interrupted' | 'skip' | 'total';
    failure: Failure;
  } | null;
  /** Asked to skip the stage: done once its processes are gone. */
  skip: (Asked & { outputs: Record<string, unknown> | null }) | null;
  /** What is left of its total timeout. */
  limit: Limit | null;
  /** The wait before its next attempt, and until when; `retryAt` only while it waits. */
  backoffMs: number;
  retryAt: number | null;
  /** Of a group: how it failed, until the others are over and it becomes the failure of the run. */
  failure?: Failure | null;
  /** Of a group: processes of it that outlived SIGKILL. */
  stuck?: Stuck | null;
  /** When an approval is decided by itself. */
  decidedAt?: number | null;
};
type Stuck = { pids: number[] };

/**
 * What a queued run waits behind. A fact of when it was told; the run ahead may have moved since.
 */
export type Queued = {
  run_id: string;
  pipeline: string;
  number: number;
  ahead: number;
  replaces: boolean;
};
/** The context of every run's machine: JSON only, bounded, no clock of its own. */
export type RunContext = {
  policy: Record<string, StagePolicy>;
  order: string[];
  /** Stages that work beside each other; absent = none. */
  groups?: { name: string; stages: string[] }[];
  runTimeoutMs: number | null;
  runWarnAfterMs?: number | null;
  queueTimeoutMs?: number | null;
  runId: string;
  /** The stage that moved last: where the run is shown. What belongs to a stage is in its facts. */
  stage: string | null;
  stages: Record<string, StageFacts>;
  /** Asked to pause: in force in `paused`, before that a wish. */
  pause?: Asked | null;
  queued?: Queued | null;
  runLimit?: Limit | null;
  error: Failure | null;
  /**
   * Processes that outlived SIGKILL: what the run waits for. Absent in runs that were stored
   * before.
   */
  stuck?: Stuck | null;
  stop: (Asked & { at: number; graceMs: number | null }) | null;
  /** An approval was refused, by somebody or by its deadline. */
  rejected?: boolean;
  /** What came of the run, before its hooks began. Absent where it has none. */
  conclusion?: { as: 'done' | 'failed' | 'stopped'; stage: string | null } | null;
  retryCount: number;
  startedAt: number | null;
  endedAt: number | null;
};

type At = { at: number };
/** Outputs that an earlier run has produced: the stage is not run again. */
export type Reused = Record<
  string,
  { outputs: Record<string, unknown>; metrics: Record<string, number> }
>;
/**
 * All that a run's machine can be told. Nothing outside the interpreter may build an `xstate.*`
 * event.
 */
export type RunEvent =
  | (At & { type: 'ADMITTED'; run_id: string; reused?: Reused })
  | (At & { type: 'ENQUEUED'; run_id: string; queued: Queued; reused?: Reused })
  | (At & { type: 'STOP'; reason: string | null; by: string; grace_ms: number | null })
  | (At &
      Asked & {
        type: Exclude<CommandType, 'STOP' | 'SKIP_STAGE' | 'RETRY_NOW' | 'APPROVE' | 'REJECT'>;
      })
  | (At & Asked & { type: 'RETRY_NOW'; stage?: string | null })
  | (At & Asked & { type: 'APPROVE' | 'REJECT'; stage: string | null })
  | (At &
      Asked & { type: 'SKIP_STAGE'; stage: string | null; outputs: Record<string, unknown> | null })
  /** News of a stage name it; where one works at a time they need not. */
  | (At & { type: 'INTERRUPTED'; message: string; stage?: string })
  | (At & { type: 'HEARTBEAT_LATE'; silent_ms: number; stage?: string })
  | (At & { type: 'RUN_TIMEOUT' })
  /** The stage is absent where the timer was armed by a chart before compiler version 3. */
  | (At & { type: 'STAGE_TIMEOUT'; stage?: string })
  | (At & { type: 'DRAIN_LATE'; pids: number[]; stage?: string })
  | (At & { type: 'RELEASE'; reason: string; by: string })
  | (At & { type: 'FAULT'; code: string; message: string; during: string })
  | (At & { type: `xstate.done.actor.${string}`; output: unknown; actorId: string })
  | (At & { type: `xstate.error.actor.${string}`; error: Failure; actorId: string })
  | (At & { type: `xstate.after.${string}` });

/** What an action, a guard or a delay is asked with; the stage is named by the chart. */
export type Args = { context: RunContext; event: RunEvent };
export type StageParams = { stage: string };

// Omit over a union, member by member.
type WithoutAt<T> = T extends unknown ? Omit<T, 'at'> : never;
/** An event on its way: the instant is put to it where it is decided. */
export type SentEvent = WithoutAt<RunEvent>;
