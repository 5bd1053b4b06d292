import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new place for a store, with what removes it. */
export const sqlitePlace = async () => {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright-contract-'));
  return { place: join(dir, 'db.sqlite'), remove: () => rm(dir, { recursive: true }) };
};
