import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { JournalEvent } from '../machines/events.ts';
import type { Clock } from './clock.ts';
import type { Store } from './store.ts';

export type Archive = {
  /** Something was written to the journal: archive it soon, many events with one sync. */
  wake(): void;
  /** Writes what the journal has and the files do not have yet. */
  tick(): Promise<void>;
  close(): Promise<void>;
};

const position = 'archive_seq';
const pageSize = 500;
/** Nobody reads the archive live; a sync for every event would cost more than the events. */
const delayMs = 250;

/**
 * The journal as JSON lines, one file a run: a cursor over the journal with one writer. Whole lines
 * only; a torn last line (the machine died while writing) is cut off and written again (S40).
 */
export const createArchive = (deps: {
  store: Pick<Store, 'journal' | 'meta' | 'setMeta'>;
  clock: Pick<Clock, 'after'>;
  dir: string;
  log: (message: string, meta: Record<string, unknown>) => void;
}): Archive => {
  const { store, clock, dir, log } = deps;
  /** Files repaired since this start, with the last seq each one holds. */
  const lastSeqs = new Map<string, number>();
  let after: number | null = null;
  let turn: Promise<void> | null = null;
  let again = false;
  let closed = false;
  let cancel: (() => void) | null = null;

  const append = async (name: string, events: JournalEvent[]): Promise<void> => {
    const file = await open(join(dir, name), 'a+', 0o600);
    try {
      const known = lastSeqs.get(name) ?? (await repair(file));
      const lines = events
        .filter(({ seq }) => seq > known)
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
      const byFile = Map.groupBy(events, ({ run_id }) => `${run_id ?? 'service'}.jsonl`);
      for (const [name, some] of byFile) await append(name, some);
      after = events.at(-1)?.seq as number;
      await store.setMeta(position, String(after));
    }
  };

  const tick = (): Promise<void> => {
    if (closed) return Promise.resolve();
    if (turn) {
      again = true;
      return turn;
    }
    turn = catchUp()
      .catch((error) =>
        log('the archive could not be written; it catches up later', { error: String(error) }),
      )
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
    wake: () => {
      if (closed) return;
      cancel ??= clock.after(delayMs, () => {
        cancel = null;
        void tick();
      });
    },
    tick,
    close: async () => {
      cancel?.();
      again = false;
      await turn;
      await tick();
      closed = true;
    },
  };
};

const tailBytes = 1024 * 1024;

/** Cuts a torn last line. @returns the seq of the last whole line, 0 for an empty file */
const repair = async (file: FileHandle): Promise<number> => {
  const { size } = await file.stat();
  const from = Math.max(0, size - tailBytes);
  const tail = Buffer.alloc(size - from);
  await file.read(tail, 0, tail.length, from);
  const end = tail.lastIndexOf(0x0a) + 1;
  if (end < tail.length) await file.truncate(from + end);
  if (end === 0) return 0;
  const start = tail.lastIndexOf(0x0a, end - 2) + 1;
  return (JSON.parse(tail.subarray(start, end).toString('utf8')) as JournalEvent).seq;
};
