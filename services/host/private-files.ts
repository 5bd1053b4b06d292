import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What the service keeps, and nobody else may read: parameters, outputs, logs. */
const kept = [
  '.',
  'runs',
  'archive',
  'stagewright.sqlite',
  'stagewright.sqlite-wal',
  'stagewright.sqlite-shm',
  'owner.sqlite',
  'owner.json',
  'ballast',
];
const others = 0o077;
const sticky = 0o1000;
const modeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
/** A folder like /tmp is not ours to close. */
const isShared = (dataDir: string): boolean => (modeOf(dataDir) & sticky) !== 0;

/** Files and folders of the service that other users may open, by name below the data directory. */
export const openToOthers = (dataDir: string): string[] =>
  kept.filter((name) => (modeOf(join(dataDir, name)) & others) !== 0);

/** Closes what was open to other users. @returns what the log should say of it */
export const closeToOthers = (dataDir: string): string[] => {
  const open = openToOthers(dataDir);
  if (open.length === 0) return [];
  const shared = isShared(dataDir)
    ? [`${dataDir} is shared by all users and stays so: name a folder of its own with --data-dir`]
    : [];
  const closed: string[] = [];
  const left: string[] = [];
  for (const name of open) {
    if (name === '.' && shared.length > 0) continue;
    const path = join(dataDir, name);
    try {
      chmodSync(path, modeOf(path) & ~others & 0o777);
      closed.push(name);
    } catch {
      left.push(name);
    }
  }
  const told = (names: string[], what: string): string[] =>
    names.length === 0 ? [] : [`${dataDir}: other users could open ${names.join(', ')}; ${what}`];
  return [
    ...shared,
    ...told(closed, 'closed to them now'),
    ...told(left, 'only its owner can close that: chmod -R go-rwx'),
  ];
};
