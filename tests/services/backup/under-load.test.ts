import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Schedule } from '../../../client/operations.ts';
import { processesOf } from '../../../services/launcher/left-behind.ts';
import { type Served, serve, stagewright } from '../../support/serve.ts';
import { until } from '../../support/until.ts';
import { done, ended, faults, isAt, project, runIds, shelf, start } from './kit.ts';

let dir: string;
let files: string;
let services: Served[] = [];
beforeEach(async () => {
  dir = await project();
  files = await shelf();
});
afterEach(async () => {
  await Promise.all(services.map((service) => service.end('SIGKILL')));
  await until(() => processesOf([join(dir, 'data'), join(files, 'data')]).length === 0);
  services = [];
  await Promise.all([dir, files].map((one) => rm(one, { recursive: true })));
});

const epochOf = (dataDir: string): unknown => {
  const db = new DatabaseSync(join(dataDir, 'stagewright.sqlite'), { readOnly: true });
  const found = db.prepare("SELECT value FROM meta WHERE key = 'epoch'").get()?.value;
  db.close();
  return found;
};
const begin = async (dataDir = join(dir, 'data'), more: string[] = []): Promise<Served> => {
  const service = await serve(dir, ['--data-dir', dataDir, ...more]);
  services.push(service);
  return service;
};

test('a backup taken while runs start, work and are stopped is whole, and its service goes on with them', async () => {
  const service = await begin();
  let isOver = false;
  const load = async (): Promise<void> => {
    while (!isOver) {
      const id = await start(service, 'quick');
      await ended(service, id);
      const held = await start(service, 'held');
      await isAt(
        service,
        held,
        ({ stage, state }) => stage === 'wait' && state.includes('RUNNING'),
      );
      await service.post(`/api/runs/${held}/commands`, { type: 'STOP', grace_ms: 0 });
      await ended(service, held);
    }
  };
  const loading = load();
  await until(async () => (await runIds(service)).length > 3);
  const backups: string[] = [];
  for (const name of ['one', 'two', 'three']) {
    const file = join(files, `${name}.tar.gz`);
    await done(['backup', file, '--data-dir', join(dir, 'data'), '--workspaces']);
    backups.push(file);
  }
  isOver = true;
  await loading;
  for (const [index, file] of backups.entries()) {
    const dataDir = join(files, `data-${index}`);
    await done(['restore', file, '--data-dir', dataDir]);
    expect(await faults(dataDir)).toEqual([]);
  }
  const dataDir = join(files, 'data-2');
  const second = await begin(dataDir);
  for (const id of await runIds(second)) {
    const held = join(dataDir, 'runs', id, 'workspace');
    // What was live goes on, and is let go.
    if (existsSync(held)) await writeFile(join(held, 'go'), '');
    await ended(second, id);
  }
  await ended(second, await start(second, 'quick'));
  expect(await second.end()).toBe(0);
  expect(await faults(dataDir)).toEqual([]);
});

test('a copy that is started beside the original takes over its run, ends none of its processes, and fits none of its cursors', async () => {
  const service = await begin();
  const id = await start(service, 'held');
  await isAt(service, id, ({ stage }) => stage === 'wait');
  const [working] = await until(() => {
    const pids = processesOf([join(dir, 'data')]);
    return pids.length > 0 ? pids : null;
  });
  const file = join(files, 'b');
  await done(['backup', file, '--data-dir', join(dir, 'data'), '--workspaces']);
  const dataDir = join(files, 'data');
  await done(['restore', file, '--data-dir', dataDir, '--paused']);
  const second = await begin(dataDir);
  await writeFile(join(dataDir, 'runs', id, 'workspace/go'), '');
  expect(await ended(second, id)).toMatchObject({ state: 'DONE' });
  expect(processesOf([join(dir, 'data')])).toContain(working);
  expect(epochOf(dataDir)).not.toBe(epochOf(join(dir, 'data')));
  const { items, paused } = await second.get<{ items: Schedule[]; paused: { by: string } }>(
    '/api/schedules',
  );
  expect([items, paused.by]).toEqual([[], 'restore']);
  const events = await second.get<{ items: { msg: string }[] }>('/api/events?limit=1000');
  expect(events.items.map(({ msg }) => msg)).toContainEqual(
    expect.stringContaining('the store was put back as it was at'),
  );
});

test('REL-2: an older store costs nobody a log: what came after it is set aside whole', async () => {
  const service = await begin();
  const before = await start(service, 'quick');
  await ended(service, before);
  const file = join(files, 'b');
  const dataDir = join(dir, 'data');
  await done(['backup', file, '--data-dir', dataDir]);
  const after = await start(service, 'quick');
  await ended(service, after);
  const inUse = await stagewright(['restore', file, '--data-dir', dataDir, '--force']);
  expect([inUse.code, inUse.err]).toEqual([1, expect.stringContaining('is in use by the service')]);
  await service.end();
  const occupied = await stagewright(['restore', file, '--data-dir', dataDir]);
  expect([occupied.code, occupied.err]).toEqual([1, expect.stringContaining('--force')]);
  const { aside } = JSON.parse(
    await done(['restore', file, '--data-dir', dataDir, '--force', '--json']),
  ) as { aside: string };
  const second = await begin();
  expect(await runIds(second)).toEqual([before]);
  // All that retention ever removes is what the store has removed by itself.
  expect(await second.get('/api/health')).toMatchObject({ status: 'ok' });
  await second.end();
  for (const [place, id] of [
    [dataDir, before],
    [aside, before],
    [aside, after],
  ] as const) {
    const log = join(place, 'runs', id, 'one/1/stdout.log');
    expect(readFileSync(log, 'utf8')).toBe('said by one\n');
    expect(existsSync(join(place, 'archive', `${id}.jsonl`))).toBe(true);
  }
  // The archive goes on where the copy ended, in one piece.
  const lines = readFileSync(join(dataDir, 'archive/service.jsonl'), 'utf8').trimEnd().split('\n');
  const seqs = lines.map((line) => (JSON.parse(line) as { seq: number }).seq);
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  expect(new Set(seqs).size).toBe(seqs.length);
});

test('workspaces come back with links, modes and empty folders; what is no file is named', async () => {
  const service = await begin();
  const id = await start(service, 'quick');
  await ended(service, id);
  const workspace = join(dir, 'data/runs', id, 'workspace');
  await mkdir(join(workspace, 'empty'));
  await symlink('/etc/hostname', join(workspace, 'link'));
  await writeFile(join(workspace, `${'long-'.repeat(30)}name-ü`), 'x');
  await writeFile(join(workspace, 'program'), '#!/bin/sh\n', { mode: 0o755 });
  const socket = createServer().listen(join(workspace, 's'));
  await until(() => existsSync(join(workspace, 's')));
  const told = await done([
    'backup',
    join(files, 'b'),
    '--data-dir',
    join(dir, 'data'),
    '--workspaces',
  ]);
  socket.close();
  expect(told).toContain(`left out: runs/${id}/workspace/s`);
  const dataDir = join(files, 'data');
  await done(['restore', join(files, 'b'), '--data-dir', dataDir]);
  const copy = join(dataDir, 'runs', id, 'workspace');
  expect(readdirSync(copy).toSorted()).toEqual(
    readdirSync(workspace)
      .filter((name) => name !== 's')
      .toSorted(),
  );
  expect(readlinkSync(join(copy, 'link'))).toBe('/etc/hostname');
  expect(lstatSync(join(copy, 'program')).mode & 0o111).toBeGreaterThan(0);
  expect(lstatSync(join(copy, 'note')).mtimeMs).toBeCloseTo(
    lstatSync(join(workspace, 'note')).mtimeMs,
    -4,
  );
});
