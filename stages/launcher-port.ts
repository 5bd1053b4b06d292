import type { StageLimits } from '../definition/stage-fields.ts';
import type { Ending, ProcessIdentity } from './contract.ts';

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
  /** So many processes the kernel ended meanwhile because memory ran out; only after a SIGKILL. */
  killed_for_memory?: number | undefined;
};
export type Launched = {
  identity: ProcessIdentity;
  /** Lets the program begin; without it the process exits 125 when the gate closes. */
  open(): void;
  /** Closes the gate unopened: the process exits 125 and nothing ran. */
  abandon(): void;
  /** Rejects with code `launcher-lost` when the launcher died and the exit code with it. */
  exited: Promise<ExitRecord>;
  /** After the exit: nobody of it is left. Until then the launcher ends the rest if we die. */
  swept(): void;
};
export type EndingOrder = {
  /** What was written down before: no second SIGTERM, and no later deadline. */
  known?: Ending | null;
  /** Has no wish of its own where somebody ends the attempt already. */
  joins?: boolean;
  /** SIGTERM was sent, or the deadline came nearer. */
  changed?(ending: Ending): void;
};
export type Launcher = {
  /**
   * @throws an Error with `code` 'spawn-failed' when the system refuses (EAGAIN, ENOENT of sh or
   * cwd).
   */
  launch(request: LaunchRequest): Promise<Launched>;
  /** Should the service die, the launcher goes on with this deadline and not with a new one. */
  ending(token: string, ending: Ending): void;
  /** Resolves when the launcher process has answered; rejects when it is gone. */
  ping(): Promise<void>;
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
   * SIGTERM to all members, SIGKILL `graceMs` after it; resolves when none is left (sweeps until
   * empty). Polls with backoff. SIGTERM is sent once and the grace counts from it, whoever asks
   * again: only a shorter one changes anything.
   */
  end(
    identity: ProcessIdentity | null,
    token: string,
    graceMs: number,
    signal: AbortSignal,
    order?: EndingOrder,
  ): Promise<void>;
  /** An ending that goes on takes no longer than this after its SIGTERM. */
  shorten(token: string, graceMs: number): void;
};
