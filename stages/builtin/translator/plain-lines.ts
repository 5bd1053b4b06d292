import { isUtf8 } from 'node:buffer';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openFile } from '../find-files.ts';

/** A longer line is no row of bars: it is rejected with its beginning. */
export const maxLineBytes = 64 * 1024;
const newline = 0x0a;
const carriageReturn = 0x0d;

/**
 * Writes a file again so that the engine splits it into the same lines as everybody else: UTF-8 (a
 * line that is none is taken for latin-1), every line ended by one newline, no control character
 * that means something to a reader, and no line much longer than a row can be. The engine refuses a
 * whole file for one odd byte, guesses at line ends, and has a limit for a line.
 */
export async function writePlainLines(
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const file = await openFile(from);
  try {
    await pipeline(
      file.createReadStream({ highWaterMark: 1 << 18, autoClose: false }),
      plainLines,
      createWriteStream(to, { mode: 0o600 }),
      { signal },
    );
  } finally {
    await file.close();
  }
}

async function* plainLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let pieces: Buffer[] = [];
  let kept = 0;
  let wasReturn = false;
  const keep = (bytes: Buffer): void => {
    // One byte more than allowed says that the line was too long; the rest of it says nothing.
    const some = bytes.subarray(0, maxLineBytes + 1 - kept);
    if (some.length > 0) pieces.push(Buffer.from(some));
    kept += some.length;
  };
  const take = (): string => {
    const line = textOf(Buffer.concat(pieces));
    pieces = [];
    kept = 0;
    return `${line}\n`;
  };
  for await (const chunk of chunks) {
    let start = 0;
    let out = '';
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (byte !== newline && byte !== carriageReturn) {
        wasReturn = false;
        continue;
      }
      keep(chunk.subarray(start, at));
      start = at + 1;
      // The newline of a pair ends nothing that the return before it has not ended.
      if (!(byte === newline && wasReturn)) out += take();
      wasReturn = byte === carriageReturn;
    }
    keep(chunk.subarray(start));
    yield out;
  }
  if (kept > 0) yield take();
}

/** One that was cut has a character for each byte, so that its length shows. */
function textOf(line: Buffer): string {
  const isCut = line.length > maxLineBytes;
  const text = line.toString(!isCut && isUtf8(line) ? 'utf8' : 'latin1');
  return text.replaceAll('\u0000', '\uFFFD').replaceAll('\u0001', '\uFFFD');
}
