import { readFileSync, writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** The system's out-of-memory killer takes a stage before it takes the service (proc(5)). */
const oomScore = 500;
/** A third of the weight of the service (sched(7)): enough for its turn in time while every core burns (bench/burning-cores.ts). */
const niceness = 5;
const mostNice = 19;

const attempt = (write: () => void): void => {
  try {
    write();
  } catch {
    // Not allowed in some containers; the stage runs all the same.
  }
};

/**
 * Puts a process behind the service, for memory and for processors; what it starts inherits both. Done behind the gate, so
 * that no instruction of the stage runs before.
 */
export const putBehind = (pid: number): void => {
  attempt(() => writeFileSync(`/proc/${pid}/oom_score_adj`, String(oomScore)));
  const nice = Math.min(getPriority() + niceness, mostNice);
  attempt(() => setPriority(pid, nice));
  // With autogroups (sched(7)) niceness counts within a session only, and every stage is a session of its own.
  attempt(() => {
    if (readFileSync('/proc/sys/kernel/sched_autogroup_enabled', 'utf8').trim() === '1')
      writeFileSync(`/proc/${pid}/autogroup`, String(nice));
  });
};
