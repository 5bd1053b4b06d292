import { readdirSync, readFileSync } from 'node:fs';

/**
 * Every process that carries the run's id in its environment: children, grandchildren, whatever
 * their session.
 */
export const processesOf = (runId: string): number[] =>
  readdirSync('/proc').flatMap((name) => {
    try {
      return Number(name) > 1 &&
        readFileSync(`/proc/${name}/environ`, 'latin1').includes(`STAGEWRIGHT_RUN_ID=${runId}`)
        ? [Number(name)]
        : [];
    } catch {
      return [];
    }
  });
