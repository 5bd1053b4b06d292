import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { JournalEvent } from '../../wire/events.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/logger.ts';
import { plainError } from '../host/plain-error.ts';
import type { Store } from '../store/store.ts';

export type Archive = {
  /** Something was written to the journal: archive it soon, many events with one sync. */
  wake(): void;
  /** Writes what the journal has and the files do not have yet. */
  tick(): Promise<void>;
  /** What keeps it from being written; null when nothing does. */
  error(): string | null;
  close(): Promise<void>;
};

const position = 'archive_seq';
const suffix = '.jsonl';
const pageSize = 500;
/** Nobody reads the archive live; a sync for every event would cost more than the events. */
const delayMs = 250;
/** Whatever keeps it from being written is mended by somebody, who does not wait for an event. */
const againMs = [1000, 2000, 5000, 10_000, 30_000];

/**
 * The journal as JSON lines, one file a run: a cursor over the journal with one writer. Whole lines
 * only; a torn last line (the machine died while writing) is cut off and written again (S40).
 */
export const createArchive = (deps: {
  store: Pick<Store, 'journal' | 'meta' | 'setMeta'>;
  clock: Pick<Clock, 'after' | 'wallMs'>;
  dir: string;
  /** It could not be written, and now all of it is. */
  caughtUp?: () => void;
  log: Log;
}): Archive => {
  const { store, clock, dir, log } = deps;
  /** Files repaired since this start, with the last seq each one holds. */
  const lastSeqs = new Map<string, number>();
  let after: number | null = null;
  let turn: Promise<void> | null = null;
  let again = false;
  let closed = false;
  let cancel: (() => void) | null = null;
  let failures = 0;
  let problem: string | null = null;

  /**
   * The seq that a file goes on from; null when its last line is of no event of this journal. A
   * store that began anew, or came back from a copy, counts from where it stands: by its number
   * alone a new event would look written already.
   */
  const seqOf = async (last: string | null): Promise<number | null> => {
    if (last === null) return 0;
    const { seq, timestamp, msg } = eventIn(last);
    if (seq === undefined) return null;
    if (seq <= (after ?? 0)) return seq;
    const [same] = await store.journal({ after: seq - 1, limit: 1 });
    return same?.seq === seq && same.timestamp === timestamp && same.msg === msg ? seq : null;
  };

  const append = async (name: string, events: JournalEvent[]): Promise<void> => {
    const path = join(dir, name);
    let file = await open(path, 'a+', 0o600);
    try {
      let known = lastSeqs.get(name) ?? (await seqOf(await repair(file)));
      // Asked again if this try fails: it may leave a torn line.
      lastSeqs.delete(name);
      if (known === null) {
        // Lines of another journal are kept, under another name.
        await file.close();
        await rename(path, `${path.slice(0, -suffix.length)}.before-${clock.wallMs()}${suffix}`);
        file = await open(path, 'a+', 0o600);
        known = 0;
      }
      const from = known;
      const lines = events
        .filter(({ seq }) => seq > from)
        .map((event) => `${JSON.stringify(event)}\n`);
      await file.appendFile(lines.join(''));
      await file.datasync();
      if (lastSeqs.size > 1000) lastSeqs.clear();
      lastSeqs.set(name, Math.max(known, events.at(-1)?.seq ?? 0));
    } finally {
      await file.close();
    }
  };

  const catchUp = async (): Promise<void> => {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    after ??= Number((await store.meta(position)) ?? 0);
    for (;;) {
      const events = await store.journal({ after, limit: pageSize });
      if (events.length === 0) return;
      const byFile = Map.groupBy(events, ({ run_id }) => `${run_id ?? 'service'}${suffix}`);
      for (const [name, some] of byFile) await append(name, some);
      const reached = events.at(-1)?.seq as number;
      await store.setMeta(position, String(reached));
      after = reached;
    }
  };

  const wakeIn = (ms: number): void => {
    if (closed) return;
    cancel ??= clock.after(ms, () => {
      cancel = null;
      void tick();
    });
  };
  const failed = (error: unknown): void => {
    problem = plainError(error);
    if (failures === 0)
      log('the archive could not be written; it catches up later', { error: String(error) });
    wakeIn(againMs[Math.min(failures, againMs.length - 1)] as number);
    failures += 1;
  };
  const written = (): void => {
    if (failures === 0) return;
    failures = 0;
    problem = null;
    deps.caughtUp?.();
  };

  const tick = (): Promise<void> => {
    if (closed) return Promise.resolve();
    if (turn) {
      again = true;
      return turn;
    }
    turn = catchUp()
      .then(written, failed)
      .finally(() => {
        turn = null;
        if (again) {
          again = false;
          void tick();
        }
      });
    return turn;
  };
  return {
    wake: () => wakeIn(delayMs),
    tick,
    error: () => problem,
    close: async () => {
      cancel?.();
      again = false;
      await turn;
      await tick();
      closed = true;
      cancel?.();
    },
  };
};

/** Nothing of it is sure: the line may have been written by anybody. */
const eventIn = (line: string): Partial<JournalEvent> => {
  try {
    const found = JSON.parse(line) as Partial<JournalEvent> | null;
    return Number.isSafeInteger(found?.seq) ? (found as JournalEvent) : {};
  } catch {
    return {};
  }
};

const tailBytes = 1024 * 1024;

/** Cuts a torn last line. @returns the last whole line as it stands, null for an empty file */
const repair = async (file: FileHandle): Promise<string | null> => {
  const { size } = await file.stat();
  const from = Math.max(0, size - tailBytes);
  const tail = Buffer.alloc(size - from);
  await file.read(tail, 0, tail.length, from);
  const end = tail.lastIndexOf(0x0a) + 1;
  if (end < tail.length) await file.truncate(from + end);
  if (end === 0) return null;
  const start = tail.lastIndexOf(0x0a, end - 2) + 1;
  return tail.subarray(start, end - 1).toString('utf8');
};
