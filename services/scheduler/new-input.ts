import { glob, stat } from 'node:fs/promises';
import { resolve } from 'node:path';

/**
 * Is there a file of these patterns that was written since? Relative paths belong to the project.
 */
export const hasNewInput = async (
  patterns: string[],
  projectDir: string,
  sinceMs: number,
): Promise<boolean> => {
  for (const pattern of patterns)
    for await (const path of glob(resolve(projectDir, pattern))) {
      // A file that is gone by now is nothing new.
      const info = await stat(path).catch(() => null);
      if (info?.isFile() && info.mtimeMs > sinceMs) return true;
    }
  return false;
};
