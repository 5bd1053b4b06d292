import type { MaskedFile } from './masked-file.ts';

const newline = 0x0a;

export const countNewlines = (bytes: Buffer, from = 0, to = bytes.length): number => {
  let count = 0;
  for (let index = from; index < to; index += 1) if (bytes[index] === newline) count += 1;
  return count;
};

/** Where in `bytes` the line after the nth newline begins; -1 when there are fewer. */
const afterNewline = (bytes: Buffer, nth: number): number => {
  let left = nth;
  for (let index = 0; index < bytes.length; index += 1) {
    if (bytes[index] !== newline) continue;
    left -= 1;
    if (left === 0) return index + 1;
  }
  return -1;
};

/**
 * How many newlines lie before the end of each block of a file that only grows: 8 bytes a block,
 * and never counted twice. Masks leave newlines alone, since no secret contains one.
 */
export type LineIndex = {
  /** Newlines before `offset`. */
  newlinesBefore(file: MaskedFile, offset: number, signal?: AbortSignal): Promise<number>;
  /** Where line `line` (from 1) begins; the size of the file when it has fewer lines. */
  offsetOf(file: MaskedFile, line: number, signal?: AbortSignal): Promise<number>;
};

export const createLineIndex = (blockBytes: number): LineIndex => {
  /** totals[i]: newlines in the first i + 1 blocks. */
  const totals: number[] = [];

  const grow = async (file: MaskedFile, signal?: AbortSignal): Promise<void> => {
    // Shorter than what was counted: another file under the same name.
    if (totals.length * blockBytes > file.size) totals.length = 0;
    while ((totals.length + 1) * blockBytes <= file.size) {
      signal?.throwIfAborted();
      const at = totals.length;
      const count = countNewlines(await file.read(at * blockBytes, blockBytes));
      // Two readers may count the same block at the same time.
      if (totals.length === at) totals.push((totals[at - 1] ?? 0) + count);
    }
  };

  return {
    newlinesBefore: async (file, offset, signal) => {
      await grow(file, signal);
      const blocks = Math.min(totals.length, Math.floor(offset / blockBytes));
      const begin = blocks * blockBytes;
      return (totals[blocks - 1] ?? 0) + countNewlines(await file.read(begin, offset - begin));
    },
    offsetOf: async (file, line, signal) => {
      if (line <= 1) return 0;
      await grow(file, signal);
      const wanted = line - 1;
      let low = 0;
      let high = totals.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((totals[middle] as number) >= wanted) high = middle;
        else low = middle + 1;
      }
      const begin = low * blockBytes;
      const within = afterNewline(
        await file.read(begin, blockBytes),
        wanted - (totals[low - 1] ?? 0),
      );
      return within < 0 ? file.size : begin + within;
    },
  };
};
