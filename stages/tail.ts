import { type FileHandle, open } from 'node:fs/promises';
import { createLineFinder } from './protocol-lines.ts';

const chunkBytes = 256 * 1024;
/** One look reads no more than this, so a program that never stops talking is heard in between. */
const maxReadBytes = 16 * 1024 * 1024;

export type Tail = {
  /** Reads what is new, at most 16 MB of it. @returns whether there was anything */
  read(): Promise<boolean>;
  /** Reads to the end, which must be final, and closes. */
  finish(): Promise<void>;
};

/**
 * Follows a growing file with bounded memory; a protocol line is told once it is whole. A missing
 * file is an empty one.
 */
export const openTail = (
  path: string,
  onLine: (line: string) => void,
  onTooLong: () => void,
): Tail => {
  const finder = createLineFinder(onLine, onTooLong);
  let file: FileHandle | null = null;
  let offset = 0;

  const read = async (): Promise<boolean> => {
    file ??= await open(path, 'r').catch((error) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (!file) return false;
    const before = offset;
    const { size } = await file.stat();
    if (size <= offset) return false;
    const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, size - offset));
    while (offset - before < maxReadBytes) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
      if (bytesRead === 0) break;
      offset += bytesRead;
      finder.push(buffer.subarray(0, bytesRead));
    }
    return offset > before;
  };

  return {
    read,
    finish: async () => {
      try {
        while (await read());
        finder.end();
      } finally {
        await file?.close();
      }
    },
  };
};

/**
 * The end of a text file: at most `maxBytes` and `maxLines`, without a torn character at its start.
 */
export const readTail = async (
  path: string,
  maxBytes: number,
  maxLines: number,
): Promise<string> => {
  const file = await open(path, 'r').catch(() => null);
  if (!file) return '';
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - maxBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    let start = 0;
    while (from > 0 && start < 4 && ((buffer[start] ?? 0) & 0xc0) === 0x80) start += 1;
    return buffer
      .subarray(start, bytesRead)
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .slice(-maxLines)
      .join('\n');
  } finally {
    await file.close();
  }
};
