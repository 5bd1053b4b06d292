import { lstat, readdir, realpath } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { openWritten } from '../../stages/written-file.ts';
import type { Attempt } from '../../wire/attempts.ts';
import { workspaceOf, workspaceOwner } from '../host/paths.ts';
import { ServiceError } from '../host/service-error.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import type { Artefact, ArtefactQueries } from './artefact-queries.ts';

/** One name and no path: nothing that leads anywhere, nothing hidden, nothing unprintable. */
export const artefactName = /^[^./\\\p{C}][^/\\\p{C}]{0,199}$/u;

const contentTypes: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.json': 'application/json',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
};
const contentTypeOf = (name: string): string =>
  contentTypes[extname(name).toLowerCase()] ?? 'application/octet-stream';

/** More files than these are data, not artefacts. */
const most = 200;
/**
 * File times come from the kernel's coarse clock, which may lag a few milliseconds behind the one
 * attempts are timed with.
 */
const coarseClockMs = 10;

const stageAt = (attempts: Attempt[], ms: number): string | null => {
  const working = attempts.filter(
    ({ started_at, ended_at }) =>
      Date.parse(started_at) - coarseClockMs <= ms &&
      (ended_at === null || ms <= Date.parse(ended_at)),
  );
  const stages = new Set(working.map(({ stage }) => stage));
  return stages.size === 1 ? (working[0] as Attempt).stage : null;
};

/**
 * What runs left for people. A stage is a program like any other, so nothing it puts there may lead
 * outside: no links, no special files.
 */
export const createArtefacts = ({
  dataDir,
  lookup,
}: {
  dataDir: string;
  lookup: RunLookup;
}): ArtefactQueries => {
  /** @returns null when there is none, or when it is not the folder that it should be */
  const folderOf = async (runId: string): Promise<string | null> => {
    const { run } = await lookup.requireRun(runId);
    try {
      const folder = join(workspaceOf(await realpath(dataDir), workspaceOwner(run)), 'artefacts');
      return (await realpath(folder)) === folder ? folder : null;
    } catch {
      return null;
    }
  };
  return {
    artefacts: async (runId, attempts) => {
      const folder = await folderOf(runId);
      const entries = folder ? await readdir(folder, { withFileTypes: true }).catch(() => []) : [];
      const names = entries
        .filter((entry) => entry.isFile() && artefactName.test(entry.name))
        .map(({ name }) => name);
      const found = await Promise.all(
        names
          .sort()
          .slice(0, most)
          .map(async (name): Promise<Artefact[]> => {
            const info = await lstat(join(folder as string, name)).catch(() => null);
            if (!info?.isFile()) return [];
            const at = new Date(info.mtimeMs).toISOString();
            return [
              {
                name,
                bytes: info.size,
                content_type: contentTypeOf(name),
                stage: stageAt(attempts, info.mtimeMs),
                at,
              },
            ];
          }),
      );
      return found.flat();
    },
    openArtefact: async (runId, name) => {
      lookup.assertReady();
      const missing = () =>
        new ServiceError('unknown-artefact', `run ${runId} has no artefact ${name}`);
      const folder = await folderOf(runId);
      if (!folder || !artefactName.test(name)) throw missing();
      const file = await openWritten(join(folder, name)).catch(() => null);
      if (!file) throw missing();
      const { info, handle } = file;
      return { name, bytes: info.size, contentType: contentTypeOf(name), file: handle };
    },
  };
};
