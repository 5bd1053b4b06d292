import type { WrittenFile } from '../../stages/written-file.ts';

const firstBytes = 64 * 1024;

const seqOf = (line: string): number => {
  try {
    const { seq } = JSON.parse(line) as { seq?: unknown };
    return typeof seq === 'number' ? seq : Number.POSITIVE_INFINITY;
  } catch {
    // A torn last line: it is written again.
    return Number.POSITIVE_INFINITY;
  }
};

/**
 * How much of an archive belongs to a store whose last event is `headSeq`: later lines would be
 * taken for those that it will write itself. Read from the end, where they stand.
 */
export const archiveEnd = async (file: WrittenFile, headSeq: number): Promise<number> => {
  const { size } = file.info;
  for (let length = firstBytes; ; length *= 4) {
    const from = Math.max(0, size - length);
    const tail = Buffer.alloc(size - from);
    const filled = await file.fill(tail, 0 + from);
    let end = tail.subarray(0, filled).lastIndexOf(0x0a) + 1;
    while (end > 0) {
      const start = end === 1 ? 0 : tail.lastIndexOf(0x0a, end - 2) + 1;
      // The first line may begin before what was read.
      if (start === 0 && from > 0) break;
      if (seqOf(tail.toString('utf8', start, end - 1)) <= headSeq) return from + end;
      end = start;
    }
    if (from === 0) return 0;
  }
};
