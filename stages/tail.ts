import type { Mask } from './mask.ts';
import { createLineFinder } from './protocol-lines.ts';
import { openWritten, UnreadableFile, type WrittenFile } from './written-file.ts';

const chunkBytes = 256 * 1024;
/** One look reads no more than this, so a program that never stops talking is heard in between. */
const maxReadBytes = 16 * 1024 * 1024;
/** So many lines are heard in one turn of the event loop: a few milliseconds. */
const linesATurn = 250;

export type Tail = {
  /** Reads what is new, at most 16 MB of it. @returns whether there was anything */
  read(): Promise<boolean>;
  /** Reads to the end as it is now, and closes. */
  finish(): Promise<void>;
};
/** Where the lines go. */
type Listener = {
  onLine(line: string): void;
  onTooLong(): void;
  /** The file cannot be read, in a sentence; said once. */
  onTrouble(message: string): void;
};

/**
 * Follows a growing file with bounded memory; a protocol line is told once it is whole. A missing
 * file is an empty one. However much there is, others have their turn in between.
 */
export const openTail = (path: string, { onLine, onTooLong, onTrouble }: Listener): Tail => {
  let lines: string[] = [];
  const finder = createLineFinder((line) => lines.push(line), onTooLong);
  let file: WrittenFile | null = null;
  let isTroubled = false;
  let offset = 0;

  const tellLines = async (): Promise<void> => {
    const found = lines;
    lines = [];
    for (const [index, line] of found.entries()) {
      onLine(line);
      if (index % linesATurn === linesATurn - 1)
        await new Promise<void>((resolve) => setImmediate(resolve));
    }
  };

  const readTo = async (end: (size: number) => number): Promise<boolean> => {
    if (isTroubled) return false;
    try {
      file ??= await openWritten(path);
      if (!file) return false;
      const before = offset;
      const to = end(await file.size());
      if (to <= offset) return false;
      const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, to - offset));
      while (offset < to) {
        const read = await file.fill(buffer.subarray(0, to - offset), offset);
        if (read === 0) break;
        offset += read;
        finder.push(buffer.subarray(0, read));
        await tellLines();
      }
      return offset > before;
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      isTroubled = true;
      onTrouble(error.message);
      return false;
    }
  };

  return {
    read: () => readTo((size) => Math.min(size, offset + maxReadBytes)),
    finish: async () => {
      try {
        // Not further than it is now: what got away from the sweep may write on for ever.
        await readTo((size) => size);
        finder.end();
        await tellLines();
      } finally {
        await file?.close();
      }
    },
  };
};

/**
 * The end of a text file: at most `maxBytes` and `maxLines`, without a torn character at its start.
 * Seen through the mask before it is cut; a file that cannot be read has none.
 */
export const readTail = async (
  path: string,
  maxBytes: number,
  maxLines: number,
  mask: Pick<Mask, 'longestBytes' | 'textFrom'>,
): Promise<string> => {
  const file = await openWritten(path).catch(() => null);
  if (!file) return '';
  try {
    const { size } = file.info;
    const from = Math.max(0, size - maxBytes);
    const begin = Math.max(0, from - mask.longestBytes);
    const buffer = Buffer.alloc(size - begin);
    const bytes = buffer.subarray(0, await file.fill(buffer, begin));
    let start = from - begin;
    const end = start + 4;
    while (from > 0 && start < end && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
    return mask.textFrom(bytes, start).trimEnd().split('\n').slice(-maxLines).join('\n');
  } catch (error) {
    if (error instanceof UnreadableFile) return '';
    throw error;
  } finally {
    await file.close();
  }
};
