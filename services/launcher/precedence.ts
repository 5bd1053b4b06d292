import { readFileSync, writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** The system's out-of-memory killer takes a stage before it takes the service (proc(5)). */
const oomScore = 500;
/**
 * A third of the weight of the service (sched(7)): enough for its turn in time while every core
 * burns (bench/burning-cores.ts).
 */
const niceness = 5;
const behind = (ours: number): number => Math.min(ours + niceness, 19);

const attempt = (write: () => void): void => {
  try {
    write();
  } catch {
    // Not allowed in some containers; the stage runs all the same.
  }
};

/**
 * Puts a process behind the service, for memory and for processors; what it starts inherits both.
 * Done behind the gate, so that no instruction of the stage runs before.
 */
export const putBehind = (pid: number): void => {
  attempt(() => writeFileSync(`/proc/${pid}/oom_score_adj`, String(oomScore)));
  attempt(() => setPriority(pid, behind(getPriority())));
  // With autogroups (sched(7)) that counts within a session only, and every stage is a session of
  // its own; sessions have a niceness of their own.
  attempt(() => {
    const [, ours] =
      / nice (-?\d+)$/.exec(readFileSync('/proc/self/autogroup', 'utf8').trim()) ?? [];
    if (ours !== undefined) writeFileSync(`/proc/${pid}/autogroup`, String(behind(Number(ours))));
  });
};
