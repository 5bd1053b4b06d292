import { createReadStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import { unpackTar } from 'modern-tar/fs';
import { verifyStore } from '../../services/backup/verify-store.ts';
import type { JournalEvent } from '../../wire/events.ts';
import type { Status } from '../../wire/status.ts';
import { type Served, serve, stagewright } from '../support/serve.ts';
import { projectWith } from '../support/service.ts';
import { until } from '../support/until.ts';

/** As they were when the data directories were made (tests/fixtures/README.md). */
const pipelines = {
  'held.yaml': `name: held
stages:
  - { name: first, run: ["true"] }
  - { name: wait, run: ["sh", "-c", "until [ -e $STAGEWRIGHT_WORKSPACE/go ]; do sleep 0.05; done"], retry: { limit: 3 } }
  - { name: last, run: ["true"] }
`,
  'quick.yaml':
    'name: quick\nstages:\n  - { name: one, run: ["echo", "said by one"] }\nschedules:\n  - { id: yearly, cron: "0 0 1 1 *" }\n',
  'broken.yaml': 'name: broken\nstages:\n  - { name: one, run: ["false"] }\n',
};
let dir: string;
let service: Served | null = null;
afterEach(async () => {
  await service?.end('SIGKILL');
  service = null;
  await rm(dir, { recursive: true });
});

const unpacked = async (name: string): Promise<void> => {
  dir = await projectWith(pipelines);
  const dataDir = join(dir, 'data');
  await mkdir(dataDir, { mode: 0o700 });
  const file = fileURLToPath(new URL(`../fixtures/${name}.tar.gz`, import.meta.url));
  await pipeline(createReadStream(file), createGunzip(), unpackTar(dataDir));
  const db = new DatabaseSync(join(dataDir, 'stagewright.sqlite'));
  db.prepare("UPDATE runs SET spec = replace(spec, '/srv/project', ?)").run(dir);
  db.close();
};
const latest = async (name: string): Promise<Status> =>
  (service as Served).get(`/api/pipeline/status?pipeline=${name}`);
const ended = (name: string): Promise<Status> =>
  until(async () => {
    const status = await latest(name);
    return status.ended_at === null ? null : status;
  });

test.each(['data-of-f1c03a1', 'data-of-0.1.0'])(
  'a service of this version goes on with %s: its live run ends as it should, its history is there, its numbers go on',
  async (name) => {
    await unpacked(name);
    service = await serve(dir);
    const held = await latest('held');
    expect(held).toMatchObject({
      number: 1,
      ended_at: null,
      stages: [{ state: 'succeeded' }, {}, {}],
    });
    await writeFile(join(dir, 'data/runs', held.run_id as string, 'workspace/go'), '');
    const done = await ended('held');
    expect(done).toMatchObject({ run_id: held.run_id, state: 'DONE' });
    // What was finished is not done again, and the interruption has taken no retry away.
    expect(done.stages.map(({ attempt }) => attempt)).toEqual([1, 2, 1]);
    const { items } = await service.get<{ items: Status[] }>('/api/runs?limit=100');
    expect(items.map(({ pipeline: of, number, state }) => `${of} ${number} ${state}`)).toEqual(
      expect.arrayContaining(['quick 1 DONE', 'quick 2 DONE', 'broken 1 FAILED', 'held 1 DONE']),
    );
    const first = items.find((run) => run.pipeline === 'quick' && run.number === 1) as Status;
    const events = await service.get<{ items: JournalEvent[] }>(
      `/api/events?run_id=${first.run_id}&after=0&limit=100`,
    );
    expect(events.items.map(({ run_seq }) => run_seq)).toEqual(events.items.map((_, at) => at + 1));
    const log = await fetch(new URL(`/api/runs/${first.run_id}/logs/one/1`, service.url));
    expect([log.status, await log.text()]).toEqual([200, expect.stringContaining('said by one')]);
    await service.post('/api/pipelines/quick/runs');
    expect((await ended('quick')).number).toBeGreaterThan(2);
    expect(await service.get('/api/health')).toMatchObject({ status: 'ok' });
    expect(await service.end()).toBe(0);
    service = null;
    expect((await verifyStore(join(dir, 'data'))).findings).toEqual([]);
  },
);

test('a backup of an older version is put back by this one; a store of a newer version is refused by name', async () => {
  await unpacked('data-of-0.1.0');
  const dataDir = join(dir, 'data');
  const file = join(dir, 'b');
  const made = await stagewright(['backup', file, '--data-dir', dataDir, '--workspaces']);
  expect([made.code, made.err]).toEqual([0, '']);
  const put = await stagewright(['restore', file, '--data-dir', dataDir, '--force']);
  expect([put.code, put.err]).toEqual([0, '']);
  service = await serve(dir);
  const { run_id: id } = await latest('held');
  await writeFile(join(dataDir, 'runs', id as string, 'workspace/go'), '');
  expect(await ended('held')).toMatchObject({ state: 'DONE' });
  await service.end();
  service = null;
  const db = new DatabaseSync(join(dataDir, 'stagewright.sqlite'));
  db.exec('PRAGMA user_version = 9999');
  db.close();
  const refused = await stagewright(['serve', '--data-dir', dataDir, '--port', '0']);
  expect([refused.code, refused.err]).toEqual([
    6,
    expect.stringContaining('written by a newer version'),
  ]);
});
