import type { StageLimits } from '../machines/stage-fields.ts';
import type { ProcessIdentity } from './contract.ts';

/** A program behind the gate: its process exists, but its first instruction waits for `open`. */
export type LaunchRequest = {
  argv: string[];
  cwd: string;
  env: Record<string, string>;
  stdoutPath: string;
  stderrPath: string;
  /**
   * Written by temp + rename when the process ended, so that the truth outlives launcher and
   * service.
   */
  exitPath: string;
  graceMs: number;
  limits: StageLimits;
};
/** A limit that all processes of an attempt share; by these words the failure is known, too. */
export type LimitCode = 'out-of-memory' | 'too-much-output';
export type ExitRecord = {
  exit_code: number | null;
  signal: string | null;
  ended_at: string;
  /**
   * null = by itself; else the launcher ended it: the service was gone, or it went over a limit.
   */
  ended_by: 'service-lost' | LimitCode | null;
  /** What a limit allowed and what was seen. */
  exceeded?: { allowed_bytes: number; seen_bytes: number } | undefined;
};
export type Launched = {
  identity: ProcessIdentity;
  /** Lets the program begin; without it the process exits 125 when the gate closes. */
  open(): void;
  /** Closes the gate unopened: the process exits 125 and nothing ran. */
  abandon(): void;
  /** Rejects with code `launcher-lost` when the launcher died and the exit code with it. */
  exited: Promise<ExitRecord>;
};
export type Launcher = {
  /**
   * @throws an Error with `code` 'spawn-failed' when the system refuses (EAGAIN, ENOENT of sh or
   * cwd).
   */
  launch(request: LaunchRequest): Promise<Launched>;
  /** Pid of the launcher process, for health and crash tests; null while it is being restarted. */
  pid(): number | null;
  close(): Promise<void>;
};

/**
 * Looks at and ends process groups; identity is always checked first, so a reused pid is never
 * signalled.
 */
export type ProcessTable = {
  isAlive(identity: ProcessIdentity): boolean;
  /**
   * Pids that belong to the attempt: its group and every process that carries its token in the
   * environment. Zombies do not count.
   */
  members(identity: ProcessIdentity | null, token: string): number[];
  /**
   * SIGTERM to all members, SIGKILL after `graceMs`; resolves when none is left (sweeps until
   * empty). Polls with backoff.
   */
  end(
    identity: ProcessIdentity | null,
    token: string,
    graceMs: number,
    signal: AbortSignal,
  ): Promise<void>;
};
