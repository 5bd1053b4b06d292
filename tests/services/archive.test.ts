import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JournalEvent } from '../../machines/events.ts';
import { createArchive } from '../../services/archive.ts';
import { systemClock } from '../../services/clock.ts';
import { openSqliteStore } from '../../services/sqlite/sqlite-store.ts';
import type { Store } from '../../services/store.ts';

let dir: string;
let store: Store;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stagewright-archive-'));
  store = openSqliteStore({
    path: join(dir, 'db.sqlite'),
    synchronous: 'NORMAL',
    clock: systemClock,
  });
});
afterEach(async () => {
  await store.close();
  await rm(dir, { recursive: true });
});

const archive = () =>
  createArchive({
    store,
    clock: systemClock,
    dir: join(dir, 'archive'),
    log: (message, meta) => fail(`${message} ${JSON.stringify(meta)}`),
  });
const fail = (message: string): never => {
  throw new Error(message);
};
const say = (msg: string) =>
  store.note(
    {
      runId: null,
      pipeline: null,
      stage: 'system',
      event: 'warning',
      severity: 'info',
      msg,
      data: {},
    },
    1,
  );
const archived = async (): Promise<JournalEvent[]> => {
  const text = await readFile(join(dir, 'archive/service.jsonl'), 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as JournalEvent);
};

test('S40: ten thousand events written while the archive follows are ten thousand whole lines in order', async () => {
  const writer = archive();
  const workers = Array.from({ length: 4 }, async (_, worker) => {
    for (let i = 0; i < 2500; i += 1) {
      await say(`${worker}/${i}`);
      if (i % 50 === 0) void writer.tick();
    }
  });
  await Promise.all(workers);
  await writer.close();
  const seqs = (await archived()).map(({ seq }) => seq);
  expect(seqs).toEqual(Array.from({ length: 10_000 }, (_, index) => index + 1));
});

test('S40: a torn last line after a crash is cut off and written again, and nothing is doubled', async () => {
  for (const msg of ['one', 'two', 'three']) await say(msg);
  const first = archive();
  await first.close();
  // The machine died while the fourth event was written, and before the position was.
  await say('four');
  await appendFile(join(dir, 'archive/service.jsonl'), '{"v":1,"id":"e_4","se');
  await store.setMeta('archive_seq', '2');

  const second = archive();
  await second.close();

  expect((await archived()).map(({ msg }) => msg)).toEqual(['one', 'two', 'three', 'four']);
  expect(await readdir(join(dir, 'archive'))).toEqual(['service.jsonl']);
});
