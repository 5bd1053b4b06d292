import { type FileHandle, open } from 'node:fs/promises';

const chunkBytes = 256 * 1024;
/** Longer lines cannot be ours; they are skipped without being kept. */
const maxLineBytes = 64 * 1024;

export type Tail = {
  /** Reads what is new. @returns true when there was anything */
  read(): Promise<boolean>;
  close(): Promise<void>;
};

/** Follows a growing file line by line with bounded memory; a line is told once it is whole. */
export const openTail = (path: string, onLine: (line: string) => void): Tail => {
  let file: FileHandle | null = null;
  let offset = 0;
  let rest = Buffer.alloc(0);
  let skipping = false;
  const buffer = Buffer.allocUnsafe(chunkBytes);

  const take = (chunk: Buffer): void => {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      // Bytes are joined before they are decoded, so a character cut by a chunk stays whole.
      if (!skipping) onLine(Buffer.concat([rest, chunk.subarray(from, end)]).toString('utf8'));
      rest = Buffer.alloc(0);
      skipping = false;
      from = end + 1;
    }
    if (skipping) return;
    rest = Buffer.concat([rest, chunk.subarray(from)]);
    if (rest.length <= maxLineBytes) return;
    rest = Buffer.alloc(0);
    skipping = true;
  };

  return {
    read: async () => {
      file ??= await open(path, 'r').catch(() => null);
      if (!file) return false;
      const before = offset;
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, chunkBytes, offset);
        if (bytesRead === 0) return offset > before;
        offset += bytesRead;
        take(buffer.subarray(0, bytesRead));
      }
    },
    close: async () => {
      if (rest.length > 0 && !skipping) onLine(rest.toString('utf8'));
      await file?.close();
    },
  };
};

/** The end of a text file: at most `maxBytes` and `maxLines`, without a torn character at its start. */
export const readTail = async (path: string, maxBytes: number, maxLines: number): Promise<string> => {
  const file = await open(path, 'r').catch(() => null);
  if (!file) return '';
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - maxBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    let start = 0;
    while (from > 0 && start < 4 && ((buffer[start] ?? 0) & 0xc0) === 0x80) start += 1;
    return buffer.subarray(start, bytesRead).toString('utf8').trimEnd().split('\n').slice(-maxLines).join('\n');
  } finally {
    await file.close();
  }
};
