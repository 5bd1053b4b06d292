import { isAscii } from 'node:buffer';
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { stopped } from '../duckdb.ts';
import { maxLineBytes } from './plain-lines.ts';
import { headerLine } from './translator-layout.ts';

/**
 * `lines` after the header that are not empty. `isOdd`: there are characters that a CSV reader
 * reads more into than is meant. `isPlain`: lines as the engine splits them are lines, see
 * `plainLines`.
 */
export type Inspected = {
  stamp: string;
  bytes: number;
  sha256: string;
  header: string;
  lines: number;
  isOdd: boolean;
  isPlain: boolean;
};

const pieceBytes = 1 << 20;
const piece = Buffer.allocUnsafe(pieceBytes);
const newline = 0x0a;
const carriageReturn = 0x0d;
const underscore = 0x5f;
const quote = 0x22;
/** What lines are split into fields at where there is but one field. */
const splitter = 1;

/**
 * Everything about a raw file that takes a look at each of its bytes, in one look. Synchronous in
 * pieces of 1 MB, because thousands of small files cost more in waiting than in reading.
 * @throws StageFailure `stopped`; what the system says when it cannot be read
 */
export async function inspect(path: string, signal: AbortSignal): Promise<Inspected> {
  const hash = createHash('sha256');
  let header: string | null = null;
  const lines = createLineCount();
  let isOdd = false;
  let isText = true;
  let file: number | null = null;
  try {
    // A pipe in the place of a file would block until somebody writes.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = fstatSync(file, { bigint: true });
    if (!found.isFile()) throw new Error('it is no file');
    const { size, mtimeNs, ino } = found;
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
      isText &&= isAscii(bytes) && !bytes.includes(0) && !bytes.includes(splitter);
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
      isOdd: isOdd || !lines.areEven(),
      isPlain: isText && lines.areEven(),
    };
  } finally {
    if (file !== null) closeSync(file);
  }
}

/**
 * Counts lines that are not empty over the pieces of a file, and looks how they end: even are lines
 * that end alike and are not too long.
 */
function createLineCount() {
  let count = 0;
  let isFilled = false;
  let length = 0;
  let longest = 0;
  let last = newline;
  const ends = { newlines: 0, returns: 0, both: 0 };
  return {
    add(bytes: Buffer): void {
      let start = 0;
      for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, start)) {
        if (isFilled || end - start > 1 || (end > start && bytes[start] !== carriageReturn))
          count += 1;
        longest = Math.max(longest, length + end - start);
        ends.newlines += 1;
        if ((end > 0 ? bytes[end - 1] : last) === carriageReturn) ends.both += 1;
        length = 0;
        isFilled = false;
        start = end + 1;
      }
      length += bytes.length - start;
      isFilled ||=
        bytes.length - start > 1 || (bytes.length > start && bytes[start] !== carriageReturn);
      for (
        let at = bytes.indexOf(carriageReturn);
        at !== -1;
        at = bytes.indexOf(carriageReturn, at + 1)
      )
        ends.returns += 1;
      last = bytes.at(-1) ?? last;
    },
    count: () => count + (isFilled ? 1 : 0),
    areEven: () =>
      Math.max(longest, length) <= maxLineBytes &&
      ends.returns === ends.both &&
      (ends.both === 0 || ends.both === ends.newlines),
  };
}
