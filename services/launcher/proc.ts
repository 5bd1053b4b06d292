import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

// Linux only: identity and the sweep by token read /proc. Elsewhere nothing here holds, and the
// launcher refuses every start.

export const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
export const pidNamespace = (): string => readlinkSync('/proc/self/ns/pid');

export type Stat = {
  state: string;
  group: number;
  session: number;
  isKernel: boolean;
  startTicks: number;
};
/** PF_KTHREAD of the kernel's include/linux/sched.h. */
const kernelThreadFlag = 0x0020_0000;

/** @returns null when there is no such process */
export const statOf = (pid: number): Stat | null => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name is in parentheses and may contain anything, so fields are counted from the last one
    // (proc(5)).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return {
      state: fields[0] as string,
      group: Number(fields[2]),
      session: Number(fields[3]),
      isKernel: (Number(fields[6]) & kernelThreadFlag) !== 0,
      startTicks: Number(fields[19]),
    };
  } catch {
    return null;
  }
};

/** A zombie runs nothing any more. */
export const isGone = (stat: Stat | null): boolean =>
  stat === null || stat.state === 'Z' || stat.state === 'X';

/**
 * All pids but the first, which belongs to the machine or the container; newest first, since those
 * are the first to be gone.
 */
export const processIds = (): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 1)
    .reverse();

/**
 * Whether the process was started with the attempt's token in its environment. `unsure`: between
 * two programs, in the middle of an exec, a process shows neither environment nor command line.
 * `gone`: it died before it could be read.
 */
export const carries = (pid: number, token: string): boolean | 'unsure' | 'gone' => {
  if (token === '') return false;
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
    if (environment !== '')
      return `\0${environment}\0`.includes(`\0STAGEWRIGHT_ATTEMPT_TOKEN=${token}\0`);
    if (readFileSync(`/proc/${pid}/cmdline`, 'latin1') !== '') return false;
    return isGone(statOf(pid)) ? 'gone' : 'unsure';
  } catch {
    // Gone meanwhile, or another user's: that one is not ours to end.
    return isGone(statOf(pid)) ? 'gone' : false;
  }
};

const kilobytes = (path: string, field: string): number | null => {
  try {
    const [, amount] =
      new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(path, 'utf8')) ?? [];
    return amount === undefined ? null : Number(amount) * 1024;
  } catch {
    return null;
  }
};

/**
 * Memory of a process, with what it shares with others counted in full. A process that is gone has
 * none.
 */
export const residentBytes = (pid: number): number =>
  kilobytes(`/proc/${pid}/status`, 'VmRSS') ?? 0;

/** Memory of a process, each shared page divided by those who share it (Pss of proc(5)). */
export const sharedOutBytes = (pid: number): number =>
  kilobytes(`/proc/${pid}/smaps_rollup`, 'Pss') ?? residentBytes(pid);
