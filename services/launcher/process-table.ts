import type { ProcessIdentity } from '../../stages/contract.ts';
import type { ProcessTable } from '../../stages/launcher-port.ts';
import type { Clock } from '../host/clock.ts';
import { createEndings } from './endings.ts';
import { bootId, carries, isGone, pidNamespace, processIds, statOf } from './proc.ts';

/** @throws when the process is gone already */
export const identify = (pid: number): ProcessIdentity => {
  const stat = statOf(pid);
  if (!stat) throw new Error(`process ${pid} is gone`);
  return { pid, startTicks: stat.startTicks, bootId: bootId(), pidNamespace: pidNamespace() };
};

/** `pid` < 0 means the group. */
const signal = (pid: number, name: 'SIGTERM' | 'SIGKILL'): void => {
  try {
    process.kill(pid, name);
  } catch {
    // Gone between look and signal, or another user's; the next look says which.
  }
};

/**
 * What one look finds. `unsure`: a process was being replaced by exec at this instant and could not
 * be told.
 */
type Look = { pids: number[]; groupIsOurs: boolean; unsure: boolean };

/**
 * Lists of one look: each further one is short, and only needed while processes die faster than
 * they can be read.
 */
const mostLists = 20;

/**
 * Looks at processes by identity and by token, so a pid that was given to somebody else is never
 * signalled.
 */
export const createProcessTable = (deps: {
  clock: Pick<Clock, 'sleep' | 'monotonicMs' | 'bootId'>;
}): ProcessTable => {
  const here = { bootId: bootId(), pidNamespace: pidNamespace() };
  const endings = createEndings(deps);
  /** Members that looks have proven, by token: what those who end one attempt at once share. */
  const members = new Map<string, Map<number, number>>();
  const isOfThisBoot = (identity: ProcessIdentity) =>
    identity.bootId === here.bootId && identity.pidNamespace === here.pidNamespace;

  /**
   * `known`: pids (with start ticks) that an earlier look proved to be members. `strike` kills each
   * at the instant it is found: one that has gone on to a process of its own by the end of the look
   * would never be met.
   */
  const look = (
    identity: ProcessIdentity | null,
    token: string,
    known: Map<number, number>,
    strike = false,
  ): Look => {
    const found: Look = { pids: [], groupIsOurs: false, unsure: false };
    // Nothing that was started before the last boot, or in another container, can still be here
    // under these numbers.
    if (identity && !isOfThisBoot(identity)) return found;
    // The group number is the leader's pid, and the kernel does not give it away while the group
    // has a member. So the group is ours while the leader, dead or alive, is the same process, or
    // while anybody is left whom we saw in it then.
    if (identity) {
      const isSame = ([pid, ticks]: [number, number]) => {
        const stat = statOf(pid);
        return stat?.startTicks === ticks && (pid === identity.pid || stat.group === identity.pid);
      };
      found.groupIsOurs = isSame([identity.pid, identity.startTicks]) || [...known].some(isSame);
    }
    if (strike && identity && found.groupIsOurs) signal(-identity.pid, 'SIGKILL');
    const judged = new Set([process.pid]);
    /**
     * @returns whether it died before it could be read: then it may have left a successor that is
     * not on the list
     */
    const judge = (pid: number): boolean => {
      judged.add(pid);
      const stat = statOf(pid);
      if (!stat || isGone(stat))
        return !(stat && identity && stat.startTicks < identity.startTicks);
      if (stat.isKernel) return false;
      const inGroup =
        found.groupIsOurs && (stat.group === identity?.pid || stat.session === identity?.pid);
      // A descendant is never older than the leader; most of the table needs no second look.
      if (!inGroup && identity && stat.startTicks < identity.startTicks) return false;
      const verdict = inGroup || known.get(pid) === stat.startTicks || carries(pid, token);
      if (verdict === 'unsure') found.unsure = true;
      if (verdict !== true) return verdict === 'gone';
      if (strike) signal(pid, 'SIGKILL');
      found.pids.push(pid);
      known.set(pid, stat.startTicks);
      return false;
    };
    for (let lists = 1; ; lists += 1) {
      const died = processIds().filter((pid) => !judged.has(pid) && judge(pid));
      if (died.length === 0) return found;
      if (lists === mostLists) return { ...found, unsure: true };
    }
  };

  const askAll = ({ pids, groupIsOurs }: Look, identity: ProcessIdentity | null): void => {
    // The group first and at once: nobody can fork out of it between two signals.
    if (identity && groupIsOurs) signal(-identity.pid, 'SIGTERM');
    for (const pid of pids)
      if (!identity || !groupIsOurs || statOf(pid)?.group !== identity.pid) signal(pid, 'SIGTERM');
  };

  return {
    isAlive: (identity) => {
      if (!isOfThisBoot(identity)) return false;
      const stat = statOf(identity.pid);
      return !isGone(stat) && stat?.startTicks === identity.startTicks;
    },
    members: (identity, token) => look(identity, token, new Map()).pids,
    end: async (identity, token, graceMs, abort, order = {}) => {
      const known = members.get(token) ?? new Map<number, number>();
      members.set(token, known);
      let seen: Look = { pids: [], groupIsOurs: false, unsure: false };
      const prey = {
        look: (strike: boolean) => {
          seen = look(identity, token, known, strike);
          return { found: seen.pids.length > 0, unsure: seen.unsure };
        },
        ask: () => askAll(seen, identity),
      };
      await endings.end(token, prey, graceMs, abort, order);
      members.delete(token);
    },
    shorten: endings.shorten,
  };
};
