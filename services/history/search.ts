import { countNewlines, type LineIndex } from './line-index.ts';
import type { MaskedFile } from './masked-file.ts';

type LogMatch = { line: number; offset: number; text: string };
export type LogMatches = {
  matches: LogMatch[];
  nextOffset: number | null;
  size: number;
  searchedTo: number;
};

const newline = 0x0a;
const textBytes = 500;

/** ASCII only, so that the length stays. */
const folded = (bytes: Buffer): Buffer => {
  const copy = Buffer.from(bytes);
  for (let index = 0; index < copy.length; index += 1) {
    const byte = copy[index] as number;
    if (byte >= 0x41 && byte <= 0x5a) copy[index] = byte + 32;
  }
  return copy;
};

/** The line around a match, at most 500 bytes of it, as text. */
const lineAround = async (file: MaskedFile, offset: number, length: number): Promise<string> => {
  const from = Math.max(0, offset - textBytes / 2);
  const bytes = await file.read(from, offset - from + Math.max(length, textBytes / 2));
  const at = offset - from;
  const begin = bytes.lastIndexOf(newline, Math.max(0, at - 1)) + 1;
  const end = bytes.indexOf(newline, at);
  // A character cut in half at either end is left out.
  return bytes
    .subarray(begin > at ? at : begin, end < 0 ? undefined : end)
    .toString('utf8')
    .replaceAll(/^\ufffd+|\ufffd+$|\r$/g, '');
};

/**
 * Looks for a literal text from `offset` on; a line counts once. Searched is what readers see, so a
 * secret cannot be found by asking for it. Stops after `limit` matches or `maxBytes`.
 */
export const searchFile = async (
  file: MaskedFile,
  index: LineIndex,
  search: { q: string; offset: number; limit: number; ignoreCase: boolean },
  sizes: { blockBytes: number; maxBytes: number },
  signal?: AbortSignal,
): Promise<LogMatches> => {
  const { size } = file;
  const needle = search.ignoreCase ? folded(Buffer.from(search.q)) : Buffer.from(search.q);
  const end = Math.min(size, search.offset + sizes.maxBytes);
  const matches: LogMatch[] = [];
  let line = 0;
  let isSkipping = false;
  let position = Math.min(search.offset, size);
  if (position < size) line = (await index.newlinesBefore(file, position, signal)) + 1;

  while (position < end) {
    signal?.throwIfAborted();
    const raw = await file.read(
      position,
      Math.min(sizes.blockBytes, end - position) + needle.length - 1,
    );
    const block = Math.min(sizes.blockBytes, end - position, raw.length);
    const hay = search.ignoreCase ? folded(raw) : raw;
    let from = 0;
    let counted = 0;
    while (from < block) {
      if (isSkipping) {
        const next = raw.indexOf(newline, from);
        if (next < 0 || next >= block) break;
        isSkipping = false;
        from = next + 1;
        continue;
      }
      const at = hay.indexOf(needle, from);
      if (at < 0 || at >= block) break;
      line += countNewlines(raw, counted, at);
      counted = at;
      const offset = position + at;
      matches.push({ line, offset, text: await lineAround(file, offset, needle.length) });
      isSkipping = true;
      from = at;
      if (matches.length === search.limit) {
        const nextLine = await index.offsetOf(file, line + 1, signal);
        return {
          matches,
          nextOffset: nextLine < size ? nextLine : null,
          size,
          searchedTo: nextLine,
        };
      }
    }
    line += countNewlines(raw, counted, block);
    position += block;
    if (block === 0) break;
  }
  return { matches, nextOffset: position < size ? position : null, size, searchedTo: position };
};
