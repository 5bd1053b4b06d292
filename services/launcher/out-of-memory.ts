import { readFileSync } from 'node:fs';

const countIn = (text: string): number | null => {
  const [, count] = /^oom_kill (\d+)$/m.exec(text) ?? [];
  return count === undefined ? null : Number(count);
};

/**
 * How many processes the kernel's out-of-memory killer has ended: of our own control group where it
 * counts them (cgroup v2, memory.events), else of the machine (/proc/vmstat).
 * @returns null when the kernel does not say
 */
export const killedForMemory = (
  read: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): number | null => {
  const tryToRead = (path: string): string => {
    try {
      return read(path);
    } catch {
      return '';
    }
  };
  const [, group] = /^0::(.*)$/m.exec(tryToRead('/proc/self/cgroup')) ?? [];
  return (
    (group === undefined ? null : countIn(tryToRead(`/sys/fs/cgroup${group}/memory.events`))) ??
    countIn(tryToRead('/proc/vmstat'))
  );
};
