import { existsSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/logger.ts';
import type { RetentionStore } from '../store/retention-store.ts';

export type UnknownFolders = {
  /** Compares the folders with the store. */
  look(): Promise<void>;
  /** Looks again while something was found, and each hour. */
  lookAgain(): Promise<void>;
  state(): { count: number; detail: string };
};

const runName = /^(r_[0-9A-Z]{26})(\.jsonl)?$/;
const chunkSize = 1000;
const shownNames = 3;
const everyMs = 3_600_000;

/**
 * Folders and archives of runs that the store does not know: it was replaced by an older one, or
 * lost its last part. They are told, and left for a person to judge: they may be all that is left
 * of what happened.
 */
export const createUnknownFolders = (deps: {
  store: Pick<RetentionStore, 'unknownRuns'>;
  clock: Pick<Clock, 'monotonicMs'>;
  dataDir: string;
  log: Log;
}): UnknownFolders => {
  const { store, clock, dataDir, log } = deps;
  const paths = (runId: string): string[] => [
    join(dataDir, 'runs', runId),
    join(dataDir, 'archive', `${runId}.jsonl`),
  ];
  let unknown: string[] = [];
  let lookedMs = Number.NEGATIVE_INFINITY;

  const detail = (): string => {
    if (unknown.length === 0) return 'every folder of a run belongs to a run of the store';
    const [runs, they] = unknown.length === 1 ? ['run is', 'it'] : ['runs are', 'them'];
    const names = unknown.slice(0, shownNames).join(', ');
    return `${unknown.length} ${runs} in runs/ or archive/ and not in the store (${names}${
      unknown.length > shownNames ? ', …' : ''
    }): nothing of ${they} is removed; bring back the stagewright.sqlite that knows ${they}, or move ${they} elsewhere`;
  };

  const look = async (): Promise<void> => {
    const found = new Set<string>();
    for (const name of ['runs', 'archive']) {
      const folder = await opendir(join(dataDir, name)).catch(() => null);
      if (!folder) continue;
      let some: string[] = [];
      const flush = async (): Promise<void> => {
        // Asked for again: retention may have removed one since its name was read.
        for (const runId of await store.unknownRuns(some))
          if (paths(runId).some((path) => existsSync(path))) found.add(runId);
        some = [];
      };
      for await (const { name: entry } of folder) {
        const [, runId] = runName.exec(entry) ?? [];
        if (runId) some.push(runId);
        if (some.length === chunkSize) await flush();
      }
      await flush();
    }
    const before = unknown.length;
    unknown = [...found].toSorted();
    lookedMs = clock.monotonicMs();
    if (unknown.length > before) log(detail(), {});
  };

  return {
    look,
    lookAgain: async () => {
      if (unknown.length > 0 || clock.monotonicMs() - lookedMs >= everyMs) await look();
    },
    state: () => ({ count: unknown.length, detail: detail() }),
  };
};
