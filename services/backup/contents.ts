import type { Dirent } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** What goes into a backup beside the store; paths are below the data directory. */
export type Entry =
  | { kind: 'file'; path: string; bytes: number; mode: number }
  | { kind: 'folder'; path: string; mode: number; changedAt: Date }
  | { kind: 'link'; path: string; target: string }
  | { kind: 'odd'; path: string; why: string };

/**
 * How an attempt ended comes first: whatever else it wrote was there before, so a copy that has it
 * is not missing a line.
 */
const exitFirst = (a: Dirent, b: Dirent): number =>
  Number(b.name === 'exit.json') - Number(a.name === 'exit.json') || a.name.localeCompare(b.name);

const listed = async (folder: string): Promise<Dirent[]> =>
  (await readdir(folder, { withFileTypes: true }).catch(() => [])).toSorted(exitFirst);

async function* below(dataDir: string, path: string, leave: string | null): AsyncGenerator<Entry> {
  const full = join(dataDir, path);
  // Retention, or the stage itself, may have removed it meanwhile.
  const info = await lstat(full).catch(() => null);
  if (!info) return;
  const mode = info.mode & 0o777;
  if (info.isFile()) yield { kind: 'file', path, bytes: info.size, mode };
  else if (info.isSymbolicLink()) {
    const target = await readlink(full).catch(() => null);
    if (target !== null) yield { kind: 'link', path, target };
  } else if (info.isDirectory()) {
    yield { kind: 'folder', path, mode, changedAt: info.mtime };
    for (const { name } of await listed(full))
      if (name !== leave) yield* below(dataDir, join(path, name), null);
  } else yield { kind: 'odd', path, why: 'is no file' };
}

/** Of these runs and of the service: what they left, in the order in which it is safe to copy. */
export async function* contentsOf(
  dataDir: string,
  runIds: readonly string[],
  hasWorkspaces: boolean,
): AsyncGenerator<Entry> {
  // The notes of files that still have secrets in them come before the files.
  yield* below(dataDir, 'unmasked', null);
  yield* below(dataDir, join('archive', 'service.jsonl'), null);
  for (const runId of runIds) {
    yield* below(dataDir, join('runs', runId), hasWorkspaces ? null : 'workspace');
    yield* below(dataDir, join('archive', `${runId}.jsonl`), null);
  }
}
