/** Lines that begin with this carry JSON for us; everything else is log. */
export const protocolPrefix = '::stagewright ';
/** Longer lines are not read as protocol, so that what is kept of a log stays small. */
export const maxLineBytes = 64 * 1024;

const prefix = Buffer.from(protocolPrefix);
const nextPrefix = Buffer.from(`\n${protocolPrefix}`);
const newline = 0x0a;

/**
 * Finds protocol lines in a stream of bytes. Ordinary log is searched natively and never split or
 * decoded, so a gigabyte of it costs little; a line is decoded whole, so a character cut by a chunk
 * stays whole.
 */
export const createLineFinder = (onLine: (line: string) => void, onTooLong: () => void) => {
  let rest: Buffer = Buffer.alloc(0);
  let skipping = false;

  const isOurs = (line: Buffer): boolean => line.subarray(0, prefix.length).equals(prefix);
  const mayBecomeOurs = (line: Buffer): boolean => line.equals(prefix.subarray(0, line.length));
  const tell = (line: Buffer): void =>
    line.length > maxLineBytes ? onTooLong() : onLine(line.toString('utf8').trimEnd());

  /** Keeps an unfinished line only when it is, or may become, one of ours. */
  const keep = (line: Buffer): void => {
    const ours = isOurs(line);
    if (ours && line.length > maxLineBytes) onTooLong();
    skipping = line.length > 0 && (ours ? line.length > maxLineBytes : !mayBecomeOurs(line));
    rest = skipping ? Buffer.alloc(0) : Buffer.from(line);
  };

  return {
    /** `chunk` may be reused by the caller afterwards. */
    push: (chunk: Buffer): void => {
      let at = 0;
      if (skipping) {
        at = chunk.indexOf(newline) + 1;
        if (at === 0) return;
        skipping = false;
      }
      const data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
      for (;;) {
        // `at` is always the start of a line.
        const line = data.subarray(at);
        const ours = isOurs(line);
        const end = ours ? line.indexOf(newline) : data.indexOf(nextPrefix, at);
        if (end < 0) {
          keep(ours ? line : data.subarray(Math.max(at, data.lastIndexOf(newline) + 1)));
          return;
        }
        if (ours) tell(line.subarray(0, end));
        at = (ours ? at + end : end) + 1;
      }
    },
    /** The stream is over: a last line without its newline counts. */
    end: (): void => {
      if (isOurs(rest)) tell(rest);
      rest = Buffer.alloc(0);
    },
  };
};
