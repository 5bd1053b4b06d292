import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { sizeText } from '../definition/byte-size.ts';

/** Longer than any disk that still works; a network share that is gone takes minutes. */
const patienceMs = 5000;

/** What a stage left cannot be read. The message is a sentence with the name of the file. */
export class UnreadableFile extends Error {
  /** The disk did not answer; it may later. */
  readonly isLate: boolean;
  constructor(path: string, why: string, isLate = false) {
    super(`${basename(path)} ${why}`);
    this.isLate = isLate;
  }
}

/** A regular file that a stage wrote. Every call answers or gives up within five seconds. */
export type WrittenFile = {
  /** As it was opened. */
  info: Stats;
  /** For streams; closed by `close`. */
  handle: FileHandle;
  size(): Promise<number>;
  /** Fills the buffer from `offset` on, as far as the file goes. @returns how many bytes */
  fill(buffer: Buffer, offset: number): Promise<number>;
  close(): Promise<void>;
};

const inTime = async <T>(
  path: string,
  work: Promise<T>,
  late: (value: T) => void = () => {},
): Promise<T> => {
  const waits = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    work.then(late, () => {});
    waits.reject(new UnreadableFile(path, `could not be read within ${patienceMs / 1000} s`, true));
  }, patienceMs);
  try {
    return await Promise.race([work, waits.promise]);
  } finally {
    clearTimeout(timer);
  }
};

const kindOf = (info: Stats): string => {
  if (info.isDirectory()) return 'a directory';
  if (info.isFIFO()) return 'a named pipe';
  return info.isSocket() ? 'a socket' : 'a device';
};

/** @returns null when there is nothing by this name */
const refused = (path: string, code: string | undefined): UnreadableFile | null => {
  if (code === 'ENOENT' || code === 'ENOTDIR') return null;
  if (code === 'ELOOP') return new UnreadableFile(path, 'is a link, and links are not followed');
  if (code === 'ENXIO') return new UnreadableFile(path, 'is a socket, not a regular file');
  if (code === 'EACCES' || code === 'EPERM')
    return new UnreadableFile(path, `may not be read (${code})`);
  return new UnreadableFile(path, `cannot be read (${code ?? 'unknown'})`);
};

/**
 * The one door to what a stage wrote. A stage may leave anything there: without O_NONBLOCK the open
 * of a named pipe would hold a thread of the pool for ever, and four of them everything.
 * @returns null when there is no such file @throws UnreadableFile for what is no regular file
 */
export const openWritten = async (path: string): Promise<WrittenFile | null> => {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
  let handle: FileHandle;
  try {
    handle = await inTime(path, open(path, flags), (late) => void late.close());
  } catch (error) {
    if (error instanceof UnreadableFile) throw error;
    const trouble = refused(path, (error as { code?: string }).code);
    if (trouble === null) return null;
    throw trouble;
  }
  const asked = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await inTime(path, work);
    } catch (error) {
      throw error instanceof UnreadableFile
        ? error
        : new UnreadableFile(path, `cannot be read (${(error as { code?: string }).code})`);
    }
  };
  // Waits for what was asked before it, so it is not waited for longer than that was.
  const close = (): Promise<void> => inTime(path, handle.close()).catch(() => {});
  try {
    const info = await asked(handle.stat());
    if (!info.isFile()) throw new UnreadableFile(path, `is ${kindOf(info)}, not a regular file`);
    return {
      info,
      handle,
      size: async () => (await asked(handle.stat())).size,
      fill: async (buffer, offset) => {
        let filled = 0;
        while (filled < buffer.length) {
          const { bytesRead } = await asked(
            handle.read(buffer, filled, buffer.length - filled, offset + filled),
          );
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        return filled;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};

/** @returns the whole file, null when there is none @throws UnreadableFile also when it is larger */
const readWritten = async (path: string, maxBytes: number): Promise<Buffer | null> => {
  const file = await openWritten(path);
  if (!file) return null;
  try {
    const tooLarge = () => new UnreadableFile(path, `is larger than ${sizeText(maxBytes)}`);
    if (file.info.size > maxBytes) throw tooLarge();
    // One more than it was: a file that grows meanwhile is noticed.
    const buffer = Buffer.alloc(file.info.size + 1);
    const length = await file.fill(buffer, 0);
    if (length > maxBytes) throw tooLarge();
    return buffer.subarray(0, length);
  } finally {
    await file.close();
  }
};

/**
 * @returns what stands in a JSON file, undefined when there is none. A byte order mark is passed
 * over (RFC 8259, 8.1). @throws UnreadableFile also for what is no JSON in UTF-8
 */
export const readWrittenJson = async (path: string, maxBytes: number): Promise<unknown> => {
  const bytes = await readWritten(path, maxBytes);
  if (bytes === null) return undefined;
  if (bytes.length === 0) throw new UnreadableFile(path, 'is empty');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UnreadableFile(path, 'is not UTF-8');
  }
  if (text.includes('\0')) throw new UnreadableFile(path, 'has NUL bytes in it: it is no text');
  try {
    return JSON.parse(text);
  } catch {
    throw new UnreadableFile(path, 'is not JSON');
  }
};
