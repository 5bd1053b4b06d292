import { execFileSync } from 'node:child_process';
import { closeSync, openSync, statfsSync, statSync, writeSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Parts, ServiceOptions } from '../../services/orchestrator/service-parts.ts';
import type { Store } from '../../services/store/store.ts';

export type SmallDisk = {
  dir: string;
  /** A file system of its own; else one that is played. */
  isReal: boolean;
  /** Takes all that is left, at once: nobody else can come in between. */
  fill(): void;
  /** Gives that back. */
  clear(): Promise<void>;
  /** For a service on this disk. */
  service: Partial<ServiceOptions>;
  parts(real: Parts): Partial<Parts>;
  remove(): Promise<void>;
};
const limits = { minFreeBytes: 8 * 1024 ** 2, ballastBytes: 8 * 1024 ** 2 };

/**
 * A disk of 64 MB: a real one where we may mount, else one that is played: free space by what the
 * test says, and a store that finds no space while the disk is full and the ballast has not been
 * given away.
 */
export const openSmallDisk = async (pipelines: Record<string, string>): Promise<SmallDisk> => {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright-disk-'));
  const isReal = mount(dir);
  await mkdir(join(dir, 'pipelines'));
  for (const [name, text] of Object.entries(pipelines))
    await writeFile(join(dir, 'pipelines', name), text);
  return { dir, isReal, ...(isReal ? real(dir) : played(dir)) };
};

const mount = (dir: string): boolean => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', dir], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const real = (dir: string): Omit<SmallDisk, 'dir' | 'isReal'> => ({
  fill: () => {
    const file = openSync(join(dir, 'filler'), 'w');
    const write = (bytes: number): boolean => {
      try {
        return writeSync(file, Buffer.alloc(bytes, 1)) === bytes;
      } catch {
        return false;
      }
    };
    const { bavail, bsize } = statfsSync(dir);
    write(Math.max(0, bavail * bsize - 1024 ** 2));
    // Page by page at the end: not one is left.
    while (write(4096));
    closeSync(file);
  },
  clear: () => rm(join(dir, 'filler')),
  service: { disk: limits },
  parts: () => ({}),
  remove: async () => {
    execFileSync('umount', [dir]);
    await rm(dir, { recursive: true });
  },
});

const played = (dir: string): Omit<SmallDisk, 'dir' | 'isReal'> => {
  let isFull = false;
  /** What was given of the ballast is there for whoever asks first. */
  const isGiven = () => {
    const size = statSync(join(dir, 'data/ballast'), { throwIfNoEntry: false })?.size ?? 0;
    return size > 0 && size < limits.ballastBytes;
  };
  const checked =
    <A extends unknown[], R>(method: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (isFull && !isGiven())
        throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
      return method(...args);
    };
  return {
    fill: () => {
      isFull = true;
    },
    clear: async () => {
      isFull = false;
    },
    service: { disk: limits, freeBytes: async () => (isFull ? 0 : 56 * 1024 ** 2) },
    parts: ({ store }) => ({
      store: {
        ...store,
        step: checked(store.step),
        begin: checked(store.begin),
        admit: checked(store.admit),
        removeDrained: checked(store.removeDrained),
        recordProcess: checked(store.recordProcess),
        note: checked(store.note),
      } as Store,
    }),
    remove: () => rm(dir, { recursive: true }),
  };
};
