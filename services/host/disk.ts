import { randomBytes } from 'node:crypto';
import { rmSync, statSync, truncateSync } from 'node:fs';
import { open, statfs, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { sizeText } from '../../definition/byte-size.ts';
import type { Clock } from './clock.ts';
import type { Log } from './logger.ts';

export type DiskLimits = {
  /** Below this much free space nothing begins. */
  minFreeBytes: number;
  /** The reserve for the last events; 0 = none. */
  ballastBytes: number;
};
export type Disk = {
  /**
   * How much is free. Begins to lay the reserve, or what is missing of it, once there is room;
   * nobody waits for that.
   */
  look(): Promise<void>;
  /**
   * A write found no space. For an urgent one a part of the reserve is given away at once: the first
   * half, and the rest when somebody who wrote was ended. @returns whether some was given
   */
  makeRoom(isUrgent: boolean): boolean;
  /** An attempt may write from now on, until the function that it gets is called. */
  writer(): () => void;
  /** Why nothing may begin; null when it may. Always a new look. */
  refusal(): Promise<string | null>;
  /** Called each time there is room again. @returns how to stop that */
  onRoom(listener: () => void): () => void;
  close(): Promise<void>;
  state(): { freeBytes: number | null; isFull: boolean; detail: string };
};

const chunkBytes = 1024 * 1024;
/** So little left is as good as none. */
const nothingBytes = 1024 * 1024;
/** How soon room is noticed: those who wait for it look at nothing else. */
const lookAgainMs = 1000;

/**
 * The disk of the data directory. A ballast file holds real blocks; when a write finds no space it
 * is given away, so that what happened can still be recorded, and nothing begins until there is
 * room again (T4). In two parts: who filled the disk eats the first one too, if it lives.
 */
export const createDisk = (deps: {
  dataDir: string;
  limits: DiskLimits;
  clock: Pick<Clock, 'after'>;
  /** Free bytes of the file system, for whoever is not root. */
  freeBytes?: (path: string) => Promise<number>;
  log: Log;
}): Disk => {
  const { dataDir, clock, log } = deps;
  const { minFreeBytes, ballastBytes } = deps.limits;
  const path = join(dataDir, 'ballast');
  const free =
    deps.freeBytes ?? (async (dir) => statfs(dir).then(({ bavail, bsize }) => bavail * bsize));
  const laidBytes = (): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const listeners = new Set<() => void>();
  /** Of the last look; null once a write has found out that it is not true any more. */
  let freeNow: number | null = null;
  /** A write found no space; over when there is room for everybody and the reserve. */
  let isFull = false;
  let writers = 0;
  /** Somebody who wrote was ended after the first part was given. */
  let hasEnded = false;
  let laying: Promise<void> | null = null;
  let cancel: (() => void) | null = null;
  let isClosed = false;

  const isShort = (): boolean => isFull || (freeNow !== null && freeNow < minFreeBytes);
  const neededBytes = (): number => minFreeBytes + Math.max(0, ballastBytes - laidBytes());

  const lay = async (): Promise<void> => {
    const before = laidBytes();
    if (before > ballastBytes) await truncate(path, ballastBytes);
    if (before >= ballastBytes) return;
    // Random, so that no file system can store it in less than it says.
    const chunk = randomBytes(chunkBytes);
    const file = await open(path, 'a', 0o600);
    try {
      for (let left = ballastBytes - before; left > 0 && !isFull; left -= chunk.length)
        await file.writeFile(chunk.subarray(0, Math.min(left, chunk.length)));
      await file.datasync();
    } catch (error) {
      await file.truncate(before);
      throw error;
    } finally {
      await file.close();
    }
  };

  const lookLater = (): void => {
    if (isClosed) return;
    cancel ??= clock.after(lookAgainMs, () => {
      cancel = null;
      look().catch(lookLater);
    });
  };

  const look = async (): Promise<void> => {
    const wasShort = isShort();
    freeNow = await free(dataDir);
    if (freeNow < nothingBytes) isFull = true;
    const hasRoom = freeNow >= neededBytes();
    if (hasRoom) {
      if (isFull) log('there is room on the disk again', { free: sizeText(freeNow) });
      isFull = false;
      hasEnded = false;
      if (!isClosed && laidBytes() !== ballastBytes)
        laying ??= lay()
          .catch((error) =>
            log('the reserve on the disk could not be laid; it is tried again', {
              error: String(error),
            }),
          )
          .finally(() => {
            laying = null;
          });
    }
    if (isShort()) lookLater();
    else if (wasShort) for (const listener of [...listeners]) listener();
  };

  const give = (): boolean => {
    const laid = laidBytes();
    const rest = Math.floor(ballastBytes / 2);
    const isFirst = laid > rest;
    // The rest would be eaten like the first part by whoever filled the disk and still works.
    if (laid === 0 || (!isFirst && writers > 0 && !hasEnded)) return false;
    if (isFirst) truncateSync(path, rest);
    else rmSync(path, { force: true });
    hasEnded = false;
    log(
      `the disk is full: ${isFirst ? 'half of the reserve' : 'the rest of the reserve'} was given away so that what happens can be recorded`,
      {},
    );
    return true;
  };

  const detail = (): string => {
    if (isFull) {
      const now = freeNow === null ? 'is full' : `was full and has ${sizeText(freeNow)} free now`;
      return `the disk ${now}: nothing begins until ${sizeText(neededBytes())} are free`;
    }
    if (freeNow === null) return 'not looked at yet';
    if (freeNow < minFreeBytes)
      return `${sizeText(freeNow)} free, less than the ${sizeText(minFreeBytes)} without which nothing begins`;
    return `${sizeText(freeNow)} free`;
  };

  return {
    look,
    makeRoom: (isUrgent) => {
      isFull = true;
      const isGiven = isUrgent && give();
      // What the last look saw is not true any more.
      freeNow = null;
      look().catch(lookLater);
      return isGiven;
    },
    writer: () => {
      writers += 1;
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        writers -= 1;
        hasEnded = true;
      };
    },
    refusal: async () => {
      // A disk that cannot be measured is said by the watchdog; it is no reason to refuse.
      await look().catch(() => undefined);
      return isShort() ? detail() : null;
    },
    onRoom: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: async () => {
      isClosed = true;
      cancel?.();
      await laying;
    },
    state: () => ({ freeBytes: freeNow, isFull: isShort(), detail: detail() }),
  };
};
