import { stat } from 'node:fs/promises';
import { filesOf } from '../../stages/evidence.ts';
import { UnreadableFile } from '../../stages/written-file.ts';
import { attemptDirOf, runDirOf } from '../host/paths.ts';
import { ServiceError } from '../host/service-error.ts';
import type { ByteMask } from '../secrets/byte-mask.ts';
import { countNewlines, createLineIndex, type LineIndex } from './line-index.ts';
import { type MaskedFile, withMaskedFile } from './masked-file.ts';
import { type LogMatches, searchFile } from './search.ts';

export type LogStream = 'stdout' | 'stderr';
export type LogFile = { runId: string; stage: string; attempt: number; stream: LogStream };
/** Bytes [offset, nextOffset) of a file that had `size` bytes then. */
export type LogPart = { bytes: Buffer; offset: number; nextOffset: number; size: number };
/** `cut`: fewer lines than asked for, because they are too long. */
export type LogLines = LogPart & { firstLine: number; totalLines: number; cut: boolean };

/**
 * The output of stages, read from the files they write: bounded memory whatever their size, and
 * never held up for long.
 */
export type Logs = {
  /** The run still has its files: what is not there was never written. */
  isKept(runId: string): Promise<boolean>;
  /** @returns null when there is no such file; so do the others @throws unreadable-log */
  size(file: LogFile): Promise<number | null>;
  /** `tail` begins at the start of a line when there is one in it. */
  read(
    file: LogFile,
    range: { offset: number; limit: number } | { tail: number },
  ): Promise<LogPart | null>;
  /** Lines count from 1. */
  lines(
    file: LogFile,
    range: { fromLine: number; lines: number },
    signal?: AbortSignal,
  ): Promise<LogLines | null>;
  search(
    file: LogFile,
    search: { q: string; offset: number; limit: number; ignoreCase: boolean },
    signal?: AbortSignal,
  ): Promise<LogMatches | null>;
};

const newline = 0x0a;
/** Indexes of the files that were looked at last. */
const maxIndexes = 64;
export type LogSizes = { blockBytes: number; maxSearchBytes: number; maxLinesBytes: number };
/**
 * A block is read in well under a millisecond; a search gives up after what takes about a second.
 */
const defaultSizes: LogSizes = {
  blockBytes: 256 * 1024,
  maxSearchBytes: 256 * 1024 * 1024,
  maxLinesBytes: 1024 * 1024,
};

const partOf = async (file: MaskedFile, offset: number, length: number): Promise<LogPart> => {
  const bytes = await file.read(offset, length);
  return { bytes, offset, nextOffset: offset + bytes.length, size: file.size };
};

const tailOf = async (file: MaskedFile, length: number): Promise<LogPart> => {
  const part = await partOf(file, Math.max(0, file.size - length), length);
  const begin = part.offset === 0 ? 0 : part.bytes.indexOf(newline) + 1;
  if (begin === 0 || begin === part.bytes.length) return part;
  return { ...part, bytes: part.bytes.subarray(begin), offset: part.offset + begin };
};

/** Where in `bytes` the given number of lines ends. */
const endOfLines = (bytes: Buffer, lines: number): number => {
  let end = 0;
  for (let left = lines; left > 0; left -= 1) {
    const next = bytes.indexOf(newline, end);
    if (next < 0) return bytes.length;
    end = next + 1;
  }
  return end;
};

export const createLogs = (
  {
    dataDir,
    maskOf,
    liveAtMs = async () => null,
  }: {
    dataDir: string;
    maskOf: (runId: string) => Promise<ByteMask>;
    /** Now, while the attempt may still write secrets; else null. */
    liveAtMs?: (file: LogFile) => Promise<number | null>;
  },
  sizes: LogSizes = defaultSizes,
): Logs => {
  const indexes = new Map<string, LineIndex>();
  const indexOf = (path: string): LineIndex => {
    const index = indexes.get(path) ?? createLineIndex(sizes.blockBytes);
    // The last one used is the last one to go.
    indexes.delete(path);
    indexes.set(path, index);
    if (indexes.size > maxIndexes) indexes.delete(indexes.keys().next().value as string);
    return index;
  };
  const pathOf = ({ runId, stage, attempt, stream }: LogFile): string =>
    filesOf(attemptDirOf(dataDir, runId, stage, attempt))[stream];
  const open = async <T>(
    file: LogFile,
    work: (masked: MaskedFile, index: LineIndex) => Promise<T>,
  ): Promise<T | null> => {
    const path = pathOf(file);
    try {
      return await withMaskedFile(
        path,
        await maskOf(file.runId),
        (masked) => work(masked, indexOf(path)),
        await liveAtMs(file),
      );
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      throw new ServiceError('unreadable-log', error.message);
    }
  };

  return {
    isKept: async (runId) =>
      stat(runDirOf(dataDir, runId)).then(
        () => true,
        () => false,
      ),
    size: (file) => open(file, async ({ size }) => size),
    read: (file, range) =>
      open(file, (masked) =>
        'tail' in range ? tailOf(masked, range.tail) : partOf(masked, range.offset, range.limit),
      ),
    lines: (file, { fromLine, lines }, signal) =>
      open(file, async (masked, index) => {
        const newlines = await index.newlinesBefore(masked, masked.size, signal);
        const last = await masked.read(masked.size - 1, 1);
        const totalLines = newlines + (masked.size > 0 && last[0] !== newline ? 1 : 0);
        const offset =
          fromLine > totalLines ? masked.size : await index.offsetOf(masked, fromLine, signal);
        const part = await partOf(masked, offset, sizes.maxLinesBytes);
        const end = endOfLines(part.bytes, lines);
        const bytes = part.bytes.subarray(0, end);
        const isWhole = countNewlines(bytes) === lines || offset + end === masked.size;
        return {
          ...part,
          bytes,
          nextOffset: offset + end,
          firstLine: fromLine,
          totalLines,
          cut: !isWhole,
        };
      }),
    search: (file, search, signal) =>
      open(file, (masked, index) =>
        searchFile(
          masked,
          index,
          search,
          { blockBytes: sizes.blockBytes, maxBytes: sizes.maxSearchBytes },
          signal,
        ),
      ),
  };
};
