import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { StageFailure } from '../../contract.ts';
import { stopped } from '../duckdb.ts';
import { headerLine } from './layout.ts';

/**
 * `lines` after the header that are not empty. `isOdd`: there are characters that a CSV reader
 * reads more into than is meant.
 */
export type Inspected = {
  stamp: string;
  bytes: number;
  sha256: string;
  header: string;
  lines: number;
  isOdd: boolean;
};

const pieceBytes = 1 << 20;
const piece = Buffer.allocUnsafe(pieceBytes);
const newline = 0x0a;
const carriageReturn = 0x0d;
const underscore = 0x5f;
const quote = 0x22;

/**
 * Everything about a raw file that takes a look at each of its bytes, in one look. Synchronous in
 * pieces of 1 MB, because thousands of small files cost more in waiting than in reading.
 * @throws StageFailure `unreadable-input`, `stopped`
 */
export async function inspect(path: string, signal: AbortSignal): Promise<Inspected> {
  const hash = createHash('sha256');
  let header: string | null = null;
  const lines = createLineCount();
  let isOdd = false;
  let file: number | null = null;
  try {
    file = openSync(path, 'r');
    const { size, mtimeNs, ino } = fstatSync(file, { bigint: true });
    for (let length = readSync(file, piece); length > 0; length = readSync(file, piece)) {
      const bytes = piece.subarray(0, length);
      hash.update(bytes);
      let body = bytes;
      if (header === null) {
        const end = bytes.findIndex((byte) => byte === newline || byte === carriageReturn);
        header = headerLine(end === -1 ? bytes : bytes.subarray(0, end));
        body = end === -1 ? bytes.subarray(length) : bytes.subarray(end);
      }
      lines.add(body);
      isOdd ||= body.includes(underscore) || body.includes(quote);
      if (length === pieceBytes) await setImmediate();
      if (signal.aborted) throw stopped();
    }
    return {
      stamp: `${size} ${mtimeNs} ${ino}`,
      bytes: Number(size),
      sha256: hash.digest('hex'),
      header: header ?? '',
      lines: lines.count(),
      isOdd,
    };
  } catch (error) {
    if (error instanceof StageFailure) throw error;
    throw new StageFailure('unreadable-input', `Cannot read ${path}: ${(error as Error).message}`);
  } finally {
    if (file !== null) closeSync(file);
  }
}

/** Counts lines that are not empty over the pieces of a file. */
function createLineCount() {
  let count = 0;
  let isFilled = false;
  return {
    add(bytes: Buffer): void {
      let start = 0;
      for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, start)) {
        if (isFilled || end - start > 1 || (end > start && bytes[start] !== carriageReturn))
          count += 1;
        isFilled = false;
        start = end + 1;
      }
      isFilled ||=
        bytes.length - start > 1 || (bytes.length > start && bytes[start] !== carriageReturn);
    },
    count: () => count + (isFilled ? 1 : 0),
  };
}
