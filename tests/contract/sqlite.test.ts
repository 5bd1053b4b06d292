import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAt } from './open-at.ts';
import { storeContract } from './store-contract.ts';
import { storeRaces } from './store-races.ts';

const place = async () => {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright-contract-'));
  return { place: join(dir, 'db.sqlite'), remove: () => rm(dir, { recursive: true }) };
};

storeContract('SQLite', place, openAt);
storeRaces('SQLite', place);
