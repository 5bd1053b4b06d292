import { openWritten } from '../../stages/written-file.ts';
import type { ByteMask } from '../secrets/byte-mask.ts';

/** A growing file, seen through a mask. The size is the one at which it was opened. */
export type MaskedFile = {
  readonly size: number;
  /**
   * Exactly the bytes [offset, offset + length), as far as the file goes; a secret that lies across
   * an edge is masked too.
   */
  read(offset: number, length: number): Promise<Buffer>;
};

const newline = 0x0a;
/** What was written last may be half a secret, for so long. */
const heldMs = 1000;

/**
 * Opens, works, closes. `liveAtMs`: now, for a file that is still written; its end is held back
 * until a newline ends it, or it has stood for a second.
 * @returns null when there is no such file @throws UnreadableFile when it is no regular file
 */
export const withMaskedFile = async <T>(
  path: string,
  mask: ByteMask,
  work: (file: MaskedFile) => Promise<T>,
  liveAtMs: number | null = null,
): Promise<T | null> => {
  const file = await openWritten(path);
  if (!file) return null;
  try {
    const margin = Math.max(0, mask.longestBytes - 1);
    const bytesAt = async (from: number, to: number): Promise<Buffer> => {
      const buffer = Buffer.allocUnsafe(to - from);
      return buffer.subarray(0, await file.fill(buffer, from));
    };
    const { size: whole, mtimeMs } = file.info;
    let size = whole;
    if (margin > 0 && liveAtMs !== null && liveAtMs - mtimeMs < heldMs) {
      const begin = Math.max(0, whole - margin);
      size = begin + (await bytesAt(begin, whole)).lastIndexOf(newline) + 1;
    }
    return await work({
      size,
      read: async (offset, length) => {
        const to = Math.min(size, offset + length);
        if (offset >= to) return Buffer.alloc(0);
        const from = Math.max(0, offset - margin);
        const seen = await bytesAt(from, Math.min(whole, to + margin));
        return (margin === 0 ? seen : mask.bytes(seen)).subarray(offset - from, to - from);
      },
    });
  } finally {
    await file.close();
  }
};
