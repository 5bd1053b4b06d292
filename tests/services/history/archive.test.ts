import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createArchive } from '../../../services/history/archive.ts';
import { systemClock } from '../../../services/host/clock.ts';
import { openSqliteStore } from '../../../services/sqlite/sqlite-store.ts';
import type { Store } from '../../../services/store/store.ts';
import type { JournalEvent } from '../../../wire/events.ts';
import { ended, runService, startRequest } from '../../support/service.ts';
import { openSmallDisk } from '../../support/small-disk.ts';
import { until } from '../../support/until.ts';

let dir: string;
let store: Store;
const openStore = (name: string): Store =>
  openSqliteStore({ path: join(dir, name), synchronous: 'NORMAL', clock: systemClock });
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stagewright-archive-'));
  store = openStore('db.sqlite');
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
const archived = async (name = 'service.jsonl'): Promise<JournalEvent[]> => {
  const text = await readFile(join(dir, 'archive', name), 'utf8');
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

const said = async (name?: string) => (await archived(name)).map(({ msg }) => msg);
/** What was set aside. */
const aside = async (): Promise<string> => {
  const others = (await readdir(join(dir, 'archive'))).filter((name) => name !== 'service.jsonl');
  expect(others).toEqual([expect.stringMatching(/^service\.before-\d+\.jsonl$/)]);
  return others[0] as string;
};

test('a store that began anew goes on in a new file: none of its events is dropped, and the old lines stay', async () => {
  for (const msg of ['one', 'two', 'three']) await say(msg);
  await archive().close();
  await store.close();
  store = openStore('anew.sqlite');
  await say('first again');
  const writer = archive();
  await writer.tick();
  await say('second again');
  await writer.close();
  expect(await said()).toEqual(['first again', 'second again']);
  expect(await said(await aside())).toEqual(['one', 'two', 'three']);
});

test('a store that came back from a copy, with other events under the same numbers, loses none of them', async () => {
  await say('one');
  await archive().close();
  await store.close();
  await copyFile(join(dir, 'db.sqlite'), join(dir, 'copy.sqlite'));
  store = openStore('db.sqlite');
  for (const msg of ['two', 'three']) await say(msg);
  await archive().close();
  await store.close();
  store = openStore('copy.sqlite');
  for (const msg of ['two, otherwise', 'three, otherwise']) await say(msg);
  await archive().close();
  expect(await said()).toEqual(['two, otherwise', 'three, otherwise']);
  expect(await said(await aside())).toEqual(['one', 'two', 'three']);
});

test.each(['spilled\n', 'null\n', '{"seq":"one"}\n'])(
  'a file whose last line is no event, %j, does not hold up the archive: it is kept beside a new one',
  async (spilled) => {
    await mkdir(join(dir, 'archive'));
    await writeFile(join(dir, 'archive/service.jsonl'), spilled);
    await say('one');
    await archive().close();
    expect(await said()).toEqual(['one']);
    expect(await readFile(join(dir, 'archive', await aside()), 'utf8')).toBe(spilled);
  },
);

test('an archive on a disk that is full says so, leaves no torn line behind, and holds everything when there is room', async () => {
  const disk = await openSmallDisk({});
  try {
    if (!disk.isReal) return;
    const writer = createArchive({
      store,
      clock: systemClock,
      dir: join(disk.dir, 'archive'),
      log: () => {},
    });
    await say('one');
    await writer.tick();
    expect(writer.error()).toBeNull();
    disk.fill();
    // What is left of the last page takes the first of these, and a part of a line.
    for (let n = 0; n < 100; n += 1) await say(`more ${n}`);
    await writer.tick();
    await writer.tick();
    expect(writer.error()).toMatch(/ENOSPC/);
    expect(Number(await store.meta('archive_seq'))).toBe(1);
    await disk.clear();
    await writer.tick();
    expect(writer.error()).toBeNull();
    await writer.close();
    const text = await readFile(join(disk.dir, 'archive/service.jsonl'), 'utf8');
    const seqs = text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as JournalEvent).seq);
    expect(seqs).toEqual(Array.from({ length: 101 }, (_, index) => index + 1));
  } finally {
    await disk.remove();
  }
});

test('REL-10: an archive that cannot be written degrades the health, once, recovers by itself, and then holds the whole journal', async () => {
  const home = join(dir, 'home');
  await mkdir(join(home, 'pipelines'), { recursive: true });
  await mkdir(join(home, 'data'));
  await writeFile(
    join(home, 'pipelines/p.yaml'),
    'name: p\nstages:\n  - { name: one, run: ["true"] }\n',
  );
  const folder = join(home, 'data/archive');
  await writeFile(folder, 'a file where the folder belongs');
  const on = await runService({ dir: home, service: { watchdogIntervalMs: 50 } });
  const check = () => on.orchestrator.health().checks.archive;
  try {
    const { status } = await on.orchestrator.start(startRequest('p'));
    expect((await ended(on.orchestrator, status.run_id as string)).state).toBe('DONE');
    await until(() => check()?.code === 'archive-not-written');
    expect(check()?.detail).toMatch(/^mkdir failed \(EEXIST\); nothing is lost/);
    const told = async () =>
      (await on.orchestrator.events({ stage: 'system', after: 0, limit: 100 })).items
        .filter(({ data }) => data.check === 'archive')
        .map(({ event }) => event);
    await until(async () => (await told()).length > 0);
    await rm(folder);
    await until(() => check()?.status === 'ok');
    await until(async () => (await told()).length > 1);
    expect(await told()).toEqual(['warning', 'recovered']);
  } finally {
    await on.close();
  }
  const lines = await Promise.all(
    (await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')),
  );
  const seqs = lines
    .flatMap((text) => text.trimEnd().split('\n'))
    .map((line) => (JSON.parse(line) as JournalEvent).seq)
    .toSorted((a, b) => a - b);
  expect(seqs.length).toBeGreaterThan(5);
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
});
