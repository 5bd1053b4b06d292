import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { ProcessIdentity } from '../../stages/contract.ts';
import type { ProcessTable } from '../../stages/launcher-port.ts';

// Linux only: identity and the sweep by token read /proc. docs/decisions says what that leaves open.
const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
const pidNamespace = (): string => readlinkSync('/proc/self/ns/pid');

type Stat = { state: string; group: number; session: number; startTicks: number };
/** @returns null when there is no such process */
const statOf = (pid: number): Stat | null => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name is in parentheses and may contain anything, so fields are counted from the last one (proc(5)).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] as string, group: Number(fields[2]), session: Number(fields[3]), startTicks: Number(fields[19]) };
  } catch {
    return null;
  }
};
const isGone = (stat: Stat | null): boolean => stat === null || stat.state === 'Z' || stat.state === 'X';

const hasToken = (pid: number, token: string): boolean => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`STAGEWRIGHT_ATTEMPT_TOKEN=${token}`);
  } catch {
    // Gone meanwhile, or another user's: then it is not ours to end.
    return false;
  }
};

/** @throws when the process is gone already */
export const identify = (pid: number): ProcessIdentity => {
  const stat = statOf(pid);
  if (!stat) throw new Error(`process ${pid} is gone`);
  return { pid, startTicks: stat.startTicks, bootId: bootId(), pidNamespace: pidNamespace() };
};

const signal = (pid: number, name: 'SIGTERM' | 'SIGKILL'): void => {
  try {
    process.kill(pid, name);
  } catch {
    // Gone between look and signal.
  }
};

/** Looks at processes by identity and by token, so a pid that was given to somebody else is never signalled. */
export const createProcessTable = (deps: { sleep: (ms: number, signal?: AbortSignal) => Promise<void> }): ProcessTable => {
  const here = { bootId: bootId(), pidNamespace: pidNamespace() };
  const isOfThisBoot = (identity: ProcessIdentity) => identity.bootId === here.bootId && identity.pidNamespace === here.pidNamespace;

  const isAlive = (identity: ProcessIdentity): boolean => {
    if (!isOfThisBoot(identity)) return false;
    const stat = statOf(identity.pid);
    return !isGone(stat) && stat?.startTicks === identity.startTicks;
  };

  const members = (identity: ProcessIdentity | null, token: string): number[] => {
    // Nothing that was started before the last boot, or in another container, can still be here under these numbers.
    if (identity && !isOfThisBoot(identity)) return [];
    // The group number is the leader's pid. While the leader, dead or alive, is still the same process, the group is ours.
    const leader = identity && statOf(identity.pid);
    const groupIsOurs = identity !== null && leader?.startTicks === identity.startTicks;
    return readdirSync('/proc').flatMap((name) => {
      const pid = Number(name);
      if (!(pid > 1) || pid === process.pid) return [];
      const stat = statOf(pid);
      if (!stat || isGone(stat)) return [];
      if (groupIsOurs && (stat.group === identity.pid || stat.session === identity.pid)) return [pid];
      // A descendant is never older than the leader; most of the table needs no second look.
      if (identity && stat.startTicks < identity.startTicks) return [];
      return hasToken(pid, token) ? [pid] : [];
    });
  };

  return {
    isAlive,
    members,
    end: async (identity, token, graceMs, abort) => {
      let waitMs = 5;
      let waitedMs = 0;
      const termed = new Set<number>();
      // Sweeps until empty: what was born during a sweep is found by the next one.
      for (let left = members(identity, token); left.length > 0; left = members(identity, token)) {
        const late = waitedMs >= graceMs;
        for (const pid of left) {
          if (late) signal(pid, 'SIGKILL');
          else if (!termed.has(pid)) signal(pid, 'SIGTERM');
          termed.add(pid);
        }
        const untilLate = late ? waitMs : Math.min(waitMs, graceMs - waitedMs);
        await deps.sleep(untilLate, abort);
        waitedMs += untilLate;
        waitMs = Math.min(waitMs * 2, 100);
      }
    },
  };
};
