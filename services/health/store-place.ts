import { statSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * Notices that a file which is open was renamed, removed or replaced: we go on writing to what
 * nobody will find. @returns what is wrong; null when all is well, or when there was no such file
 */
export const watchPlace = (path: string): (() => string | null) => {
  const identity = (): string | null => {
    const info = statSync(path, { throwIfNoEntry: false });
    return info ? `${info.dev}:${info.ino}` : null;
  };
  const opened = identity();
  return () => {
    if (opened === null) return null;
    let now: string | null = null;
    try {
      now = identity();
    } catch {
      // The folder itself is gone or closed to us: as good as removed.
    }
    if (now === opened) return null;
    return `${basename(path)} was ${now === null ? 'moved or removed' : 'replaced'} under the running service: put the old one back before the service stops, or what happens is lost`;
  };
};
