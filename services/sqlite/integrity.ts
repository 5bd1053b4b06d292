import { existsSync } from 'node:fs';
import type { StartTrouble } from '../host/start-trouble.ts';
import { type Owner, ownerOf } from './owner.ts';
import { judgeStore } from './store-file.ts';

/**
 * Could a service start on this data directory? Writes nothing.
 * @throws StartTrouble when the system does not even let us look
 */
export const checkStore = (
  dataDir: string,
): { owner: Owner | null; trouble: StartTrouble | null } => {
  if (!existsSync(dataDir)) return { owner: null, trouble: null };
  const owner = ownerOf(dataDir);
  // The store is looked at by itself only while nobody works on it.
  return { owner, trouble: owner ? null : (judgeStore(dataDir)?.trouble ?? null) };
};
