import type { StageProgram } from '../definition/kinds/stage-kinds.ts';
import type { StageLimits } from '../definition/stage-fields.ts';
import type { Failure } from '../wire/failure.ts';
import type { Progress } from '../wire/status.ts';

/**
 * What a module stage gets. A module stage is a file that exports `run`; it is run in a child
 * process of its own, so it may use as much memory as it likes and can always be ended.
 */
export type StageContext = {
  runId: string;
  pipeline: string;
  stage: string;
  /** From 1. */
  attempt: number;
  /** Absolute folder of this run; survives attempts. */
  workspace: string;
  /** Absolute folder that relative paths of the pipeline file refer to. */
  projectDir: string;
  /**
   * Changes per (run, stage), not per attempt: hand it to systems that must not do a thing twice.
   */
  idempotencyKey: string;
  params: Record<string, unknown>;
  /** The stage's `with:`, with `${…}` already inserted. */
  with: Record<string, unknown>;
  /** Aborted on SIGTERM; the process is killed `grace` later. */
  signal: AbortSignal;
  progress(progress: Progress): void;
  metric(values: Record<string, number>): void;
  /** A line for the stage's log. */
  log(line: string): void;
  /** Something odd that people should see: a `warning` event of the run. */
  warn(message: string): void;
};

/**
 * What `run` resolves to. Throw a `StageFailure` (or anything) to fail. `skip`: why there was
 * nothing to do; `partial`: what of the work is not done, although the stage counts as succeeded.
 */
export type StageResult =
  | { outputs?: Record<string, unknown>; skip?: string; partial?: string; files?: ManifestFile[] }
  | undefined;
/**
 * A file that the attempt vouches for; the host writes them to `<attempt folder>/manifest.json`,
 * verification reads that.
 */
export type ManifestFile = { path: string; bytes: number; sha256: string; rows?: number };
export type StageModule = { run(context: StageContext): Promise<StageResult> };

/** A failure that says whether trying again can help. */
export class StageFailure extends Error {
  readonly code: string;
  readonly retryable: boolean;
  constructor(code: string, message: string, options: { retryable?: boolean } = {}) {
    super(message);
    this.code = code;
    this.retryable = options.retryable ?? true;
  }
}

/** One attempt of one stage, everything resolved: what the runner needs and nothing else. */
export type AttemptRequest = {
  runId: string;
  pipeline: string;
  stage: string;
  attempt: number;
  /**
   * The fence: unique per attempt, in the environment of every process of it
   * (STAGEWRIGHT_ATTEMPT_TOKEN).
   */
  token: string;
  /** Absolute folder for stdout.log, stderr.log, exit.json, outputs.json of this attempt. */
  attemptDir: string;
  workspace: string;
  projectDir: string;
  program: StageProgram;
  with: Record<string, unknown>;
  params: Record<string, unknown>;
  /** The slot of the run in UTC; that of a run which somebody started is its start. */
  slot: string;
  /** Where the service answers; null where it does not. */
  url: string | null;
  env: Record<string, string>;
  cwd: string;
  graceMs: number;
  limits: StageLimits;
};

/** Who a process is: pid alone is reused, so the start time and the boot go with it. */
export type ProcessIdentity = {
  pid: number;
  startTicks: number;
  bootId: string;
  pidNamespace: string;
};

/** What an attempt came to, before the chart judges it. */
export type AttemptAnswer =
  | {
      ok: true;
      outputs: Record<string, unknown>;
      metrics: Record<string, number>;
      progress: Progress | null;
      skipped: string | null;
      partial: string | null;
      warnings: string[];
    }
  | {
      ok: false;
      failure: Failure;
      metrics: Record<string, number>;
      progress: Progress | null;
      warnings: string[];
    };

/**
 * How an attempt is being ended: when SIGTERM was sent, and the one instant of SIGKILL, which only
 * ever comes nearer. Milliseconds on the monotonic clock of that boot.
 */
export type Ending = { termedAt: number; killAt: number; bootId: string };
/**
 * What the runner tells while it works. `recordProcess` must be durable before the program's first
 * instruction.
 */
export type AttemptObserver = {
  /**
   * @param identity null = it works without a process
   * @returns false when the attempt was dropped meanwhile: nothing of it may then begin
   */
  recordProcess(identity: ProcessIdentity | null): Promise<boolean>;
  progress(progress: Progress): void;
  /**
   * Any output or protocol line: a sign of life. `writtenAt`: when it was written (wall time), told
   * where that may be long before it was read.
   */
  alive(writtenAt?: number): void;
  /** What the program left behind was sent SIGTERM. */
  ending(ending: Ending): void;
};
