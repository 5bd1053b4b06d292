import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { sizeText } from '../../machines/size.ts';
import type { Clock } from '../clock.ts';

export type DiskLimits = {
  /** Below this much free space nothing new is started. */
  minFreeBytes: number;
  /** The reserve for the last events; 0 = none. */
  ballastBytes: number;
};
export type Disk = {
  /**
   * How much is free. Begins to make the reserve, or to make it again once there is room for it;
   * nobody waits for that.
   */
  look(): Promise<void>;
  /**
   * Gives the reserve away, at once, because a write found no space. @returns whether there was one
   */
  makeRoom(): boolean;
  /**
   * Why nothing new may be started; null when it may. Looks again when the last look is older than
   * a second.
   */
  refusal(): Promise<string | null>;
  close(): Promise<void>;
  state(): { freeBytes: number | null; isFull: boolean; detail: string };
};

const chunkBytes = 1024 * 1024;
const freshMs = 1000;
/** So little left is as good as none: the next write finds that out. */
const nothingBytes = 1024 * 1024;

/**
 * The disk of the data directory. A ballast file holds real blocks; when a write finds no space it
 * is removed, so that what happened can still be recorded, and nothing new is started until there
 * is room again (T4).
 */
export const createDisk = (deps: {
  dataDir: string;
  limits: DiskLimits;
  clock: Pick<Clock, 'monotonicMs'>;
  /** Free bytes of the file system, for whoever is not root. */
  freeBytes?: (path: string) => Promise<number>;
  log: (message: string, meta: Record<string, unknown>) => void;
}): Disk => {
  const { dataDir, clock, log } = deps;
  const { minFreeBytes, ballastBytes } = deps.limits;
  const path = join(dataDir, 'ballast');
  const free =
    deps.freeBytes ?? (async (dir) => statfs(dir).then(({ bavail, bsize }) => bavail * bsize));
  let freeNow: number | null = null;
  let lookedMs = Number.NEGATIVE_INFINITY;
  let hasBallast = false;
  /** A write found no space; over when there is room for everybody and the reserve. */
  let isFull = false;
  let making: Promise<void> | null = null;

  const makeBallast = async (): Promise<void> => {
    const there = await stat(path).catch(() => null);
    if (there?.size === ballastBytes) {
      hasBallast = true;
      return;
    }
    // Random, so that no file system can store it in less than it says; whole or not there.
    const chunk = randomBytes(chunkBytes);
    const file = await open(`${path}.tmp`, 'w', 0o600);
    try {
      for (let left = ballastBytes; left > 0; left -= chunk.length)
        await file.write(chunk, 0, Math.min(left, chunk.length));
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(`${path}.tmp`, path);
    hasBallast = true;
  };

  const look = async (): Promise<void> => {
    freeNow = await free(dataDir);
    lookedMs = clock.monotonicMs();
    if (freeNow < nothingBytes) makeRoom();
    const hasRoom = freeNow >= minFreeBytes + (hasBallast ? 0 : ballastBytes);
    if (!hasRoom || (hasBallast && !isFull)) return;
    if (isFull) log('there is room on the disk again', { free: sizeText(freeNow) });
    isFull = false;
    if (ballastBytes === 0 || hasBallast) return;
    making ??= makeBallast()
      .catch(async (error) => {
        await rm(`${path}.tmp`, { force: true }).catch(() => undefined);
        log('the reserve on the disk could not be made; it is tried again', {
          error: String(error),
        });
      })
      .finally(() => {
        making = null;
      });
  };

  const makeRoom = (): boolean => {
    const had = hasBallast;
    hasBallast = false;
    isFull = true;
    rmSync(path, { force: true });
    if (had)
      log('the disk is full: the reserve was given away so that what happens can be recorded', {});
    return had;
  };

  const detail = (): string => {
    const left = freeNow === null ? 'not looked at yet' : `${sizeText(freeNow)} free`;
    if (isFull)
      return `the disk is full (${left}): nothing new is started until ${sizeText(minFreeBytes + ballastBytes)} are free`;
    if (freeNow !== null && freeNow < minFreeBytes)
      return `${left}, less than the ${sizeText(minFreeBytes)} a start needs`;
    return left;
  };

  const isShort = (): boolean => isFull || (freeNow !== null && freeNow < minFreeBytes);
  return {
    look,
    makeRoom,
    refusal: async () => {
      // A disk that cannot be measured is said by the watchdog; it is no reason to refuse.
      if (clock.monotonicMs() - lookedMs >= freshMs) await look().catch(() => undefined);
      return isShort() ? detail() : null;
    },
    close: async () => {
      await making;
    },
    state: () => ({ freeBytes: freeNow, isFull: isShort(), detail: detail() }),
  };
};
