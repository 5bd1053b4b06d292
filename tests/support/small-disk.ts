import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Parts, ServiceOptions } from '../../services/service.ts';
import type { Store } from '../../services/store.ts';

export type SmallDisk = {
  dir: string;
  /** Takes all that is left. */
  fill(): Promise<void>;
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
  return { dir, ...(isReal ? real(dir) : played(dir)) };
};

const mount = (dir: string): boolean => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', dir], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const real = (dir: string): Omit<SmallDisk, 'dir'> => ({
  fill: async () => {
    const file = await open(join(dir, 'filler'), 'w');
    const chunk = Buffer.alloc(4096, 1);
    const { bavail, bsize } = await statfs(dir);
    // Page by page at the end: not one is left.
    await file
      .write(Buffer.alloc(Math.max(0, bavail * bsize - 1024 ** 2), 1))
      .catch(() => undefined);
    for (;;) {
      const written = await file.write(chunk).catch(() => null);
      if (written === null || written.bytesWritten < chunk.length) break;
    }
    await file.close();
  },
  clear: () => rm(join(dir, 'filler')),
  service: { disk: limits },
  parts: () => ({}),
  remove: async () => {
    execFileSync('umount', [dir]);
    await rm(dir, { recursive: true });
  },
});

const played = (dir: string): Omit<SmallDisk, 'dir'> => {
  let isFull = false;
  const hasBallast = () => existsSync(join(dir, 'data/ballast'));
  const checked =
    <A extends unknown[], R>(method: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (isFull && hasBallast())
        throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
      return method(...args);
    };
  return {
    fill: async () => {
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
        note: checked(store.note),
      } as Store,
    }),
    remove: () => rm(dir, { recursive: true }),
  };
};
