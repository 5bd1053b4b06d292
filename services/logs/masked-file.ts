import { type FileHandle, open } from 'node:fs/promises';

/**
 * Keeps the length in bytes, so that offsets stay true. `longestBytes`: of the longest secret, 0
 * when there is none.
 */
export type ByteMask = { longestBytes: number; bytes(buffer: Buffer): Buffer };

/** A growing file, seen through a mask. The size is the one at which it was opened. */
export type MaskedFile = {
  readonly size: number;
  /**
   * Exactly the bytes [offset, offset + length), as far as the file goes; a secret that lies across
   * an edge is masked too.
   */
  read(offset: number, length: number): Promise<Buffer>;
};

const readAll = async (file: FileHandle, from: number, length: number): Promise<Buffer> => {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, from + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
};

/** Opens, works, closes. @returns null when there is no such file */
export const withMaskedFile = async <T>(
  path: string,
  mask: ByteMask,
  work: (file: MaskedFile) => Promise<T>,
): Promise<T | null> => {
  const handle = await open(path, 'r').catch((error: { code?: string }) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (!handle) return null;
  try {
    const { size } = await handle.stat();
    const margin = Math.max(0, mask.longestBytes - 1);
    return await work({
      size,
      read: async (offset, length) => {
        const to = Math.min(size, offset + length);
        if (offset >= to) return Buffer.alloc(0);
        const from = Math.max(0, offset - margin);
        const seen = await readAll(handle, from, Math.min(size, to + margin) - from);
        return (margin === 0 ? seen : mask.bytes(seen)).subarray(offset - from, to - from);
      },
    });
  } finally {
    await handle.close();
  }
};
