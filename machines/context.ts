import type { Failure } from './failure.ts';
import type { StageStatus } from './status.ts';

/** What the chart must know of a stage's definition to judge its attempts; static, so it is pinned with the chart. */
export type StagePolicy = {
  retries: number;
  initialMs: number;
  factor: number;
  maxMs: number;
  jitter: number;
  neverOn: { exitCodes: number[]; codes: string[] };
  timeoutMs: number;
  heartbeatMs: number | null;
  graceMs: number;
  onRestart: 'retry' | 'fail';
};

/** What happened to a stage so far. Instants are epoch milliseconds: they came in with events. */
export type StageFacts = {
  state: StageStatus['state'];
  attempt: number;
  interruptions: number;
  /** When the first attempt began. */
  startedAt: number | null;
  /** When the latest attempt began: files older than this prove nothing about it (S28). */
  attemptStartedAt: number | null;
  endedAt: number | null;
  outputs: Record<string, unknown>;
  metrics: Record<string, number>;
  reason: string | null;
};

/** The context of every run's machine: JSON only, bounded, no clock of its own. */
export type RunContext = {
  policy: Record<string, StagePolicy>;
  order: string[];
  runTimeoutMs: number | null;
  runId: string;
  stage: string | null;
  /** An attempt has started and its end is not yet recorded (S42: one start, one end). */
  attemptOpen: boolean;
  stages: Record<string, StageFacts>;
  /** Why the open attempt is being ended; judged when its processes are gone. */
  ending: { kind: 'timeout' | 'heartbeat' | 'interrupted'; failure: Failure } | null;
  error: Failure | null;
  stop: { reason: string | null; by: string; at: number; graceMs: number | null } | null;
  backoffMs: number;
  retryAt: number | null;
  retryCount: number;
  startedAt: number | null;
  endedAt: number | null;
};

type At = { at: number };
/** All that a run's machine can be told. Nothing outside the interpreter may build an `xstate.*` event. */
export type RunEvent =
  | (At & { type: 'ADMITTED'; run_id: string })
  | (At & { type: 'STOP'; reason: string | null; by: string; grace_ms: number | null })
  | (At & { type: 'INTERRUPTED'; message: string })
  | (At & { type: 'HEARTBEAT_LATE'; silent_ms: number })
  | (At & { type: 'FAULT'; code: string; message: string; during: string })
  | (At & { type: `xstate.done.actor.${string}`; output: unknown; actorId: string })
  | (At & { type: `xstate.error.actor.${string}`; error: Failure; actorId: string })
  | (At & { type: `xstate.after.${string}` });
