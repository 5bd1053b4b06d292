import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasEvidence } from '../../stages/evidence.ts';
import { attemptDirOf, runDirOf } from '../host/paths.ts';
import { StartTrouble } from '../host/start-trouble.ts';
import { isHalfRestored } from '../sqlite/put-back.ts';
import { judgeStore, storeFileOf } from '../sqlite/store-file.ts';
import { verifyRows } from '../sqlite/verify-rows.ts';

type VerifyFinding = { level: 'fault' | 'warning'; detail: string };
export type Verified = { schema: number; runs: number; live: number; findings: VerifyFinding[] };

const runName = /^(r_[0-9A-Z]{26})(\.jsonl)?$/;
const shownNames = 3;

const idsIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).flatMap((name) => runName.exec(name)?.[1] ?? []);

const warningOf = (names: string[], one: string, many: string): VerifyFinding[] => {
  if (names.length === 0) return [];
  const shown = `${names.slice(0, shownNames).join(', ')}${names.length > shownNames ? ', …' : ''}`;
  return [
    {
      level: 'warning',
      detail: `${names.length === 1 ? `1 ${one}` : `${names.length} ${many}`}: ${shown}`,
    },
  ];
};

/**
 * Looks through the store and the files that belong to it, also while the service works. Changes
 * nothing.
 * @throws StartTrouble when there is no store, or it cannot be opened
 */
export const verifyStore = async (dataDir: string): Promise<Verified> => {
  const trouble = judgeStore(dataDir)?.trouble;
  if (trouble) throw trouble;
  if (!existsSync(storeFileOf(dataDir)))
    throw new StartTrouble(`${dataDir} holds no store`, 'name its folder with --data-dir');
  // Before the rows: a folder that comes meanwhile is no stranger, since its row comes first.
  const folders = await idsIn(join(dataDir, 'runs'));
  const archives = await idsIn(join(dataDir, 'archive'));
  const { schema, damages, faults, runs, working } = verifyRows(storeFileOf(dataDir));
  const known = new Set(runs.map(({ runId }) => runId));
  const isThere = (runId: string): boolean =>
    existsSync(runDirOf(dataDir, runId)) || existsSync(join(dataDir, 'archive', `${runId}.jsonl`));
  // Of rows that are damaged it cannot be told whose a folder is.
  const unknown =
    damages.length > 0
      ? []
      : [...new Set([...folders, ...archives])].filter((id) => !known.has(id) && isThere(id));
  const unseen: string[] = [];
  for (const { runId, stage, attempt } of working) {
    const dir = attemptDirOf(dataDir, runId, stage, attempt);
    // It may have ended and been tidied up since the rows were read.
    if (!existsSync(dir) && !(await hasEvidence(dir))) unseen.push(`${runId}/${stage}/${attempt}`);
  }
  const missing = runs
    .filter(
      ({ runId, isLive, hasFiles, hasArchive }) =>
        !isLive &&
        ((hasFiles && !existsSync(runDirOf(dataDir, runId))) ||
          (hasArchive && !existsSync(join(dataDir, 'archive', `${runId}.jsonl`)))),
    )
    .map(({ runId }) => runId);
  return {
    schema,
    runs: runs.length,
    live: runs.filter(({ isLive }) => isLive).length,
    findings: [
      ...[...damages, ...faults].map((detail): VerifyFinding => ({ level: 'fault', detail })),
      ...(isHalfRestored(dataDir)
        ? [
            {
              level: 'warning' as const,
              detail: 'a restore was interrupted after it was decided: the next start finishes it',
            },
          ]
        : []),
      ...warningOf(
        unknown,
        'run is in runs/ or archive/ and not in the store',
        'runs are in runs/ or archive/ and not in the store',
      ),
      ...warningOf(
        missing,
        'run has no folder or no archive any more',
        'runs have no folder or no archive any more',
      ),
      ...warningOf(unseen, 'attempt works and has no folder', 'attempts work and have no folder'),
    ],
  };
};
