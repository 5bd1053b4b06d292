import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { processIds } from './proc.ts';

/** A path, and what it leads to over links: a stage was told either. */
const bothOf = (dataDir: string): string[] => {
  try {
    return [dataDir, realpathSync(dataDir)];
  } catch {
    return [dataDir];
  }
};

const environmentOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    // Gone meanwhile, or another user's.
    return '';
  }
};

/**
 * Processes that carry the mark of an attempt of these data directories. Those of others have
 * services of their own, or are theirs to find.
 */
export const processesOf = (dataDirs: string[]): number[] => {
  const marks = dataDirs
    .flatMap(bothOf)
    .map((dataDir) => `\0STAGEWRIGHT_WORKSPACE=${join(dataDir, 'runs')}/`);
  return processIds()
    .filter((pid) => marks.some((mark) => `\0${environmentOf(pid)}`.includes(mark)))
    .toSorted((a, b) => a - b);
};
