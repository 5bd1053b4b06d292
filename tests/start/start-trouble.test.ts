import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { HealthReport } from '../../wire/health-report.ts';
import type { Status } from '../../wire/status.ts';
import { type Served, serve, stagewright } from '../support/serve.ts';
import { projectWith } from '../support/service.ts';
import { until } from '../support/until.ts';

const yaml = 'name: job\nstages:\n  - { name: one, run: ["echo", "hello"], timeout: 1m }\n';
const isRoot = process.getuid?.() === 0;

/** A project whose data directory has three runs; each test works on a copy. */
let model: string;
let dir: string;
let store: string;
let services: Served[] = [];
const plain: typeof stagewright = (args, options = {}) =>
  stagewright(args, { isPlain: true, ...options });
const mounted: string[] = [];
const begin = async (more: string[] = []): Promise<Served> => {
  const service = await serve(dir, more, { isPlain: true });
  services.push(service);
  return service;
};
const runOnce = async (service: Served): Promise<string> => {
  const { run_id } = (await (await service.post('/api/pipeline/start')).json()) as Status;
  await until(
    async () => (await service.get<Status>(`/api/runs/${run_id}`)).state === 'DONE',
    60_000,
  );
  return run_id as string;
};
beforeAll(async () => {
  model = await projectWith({ 'job.yaml': yaml });
  const service = await serve(model);
  for (let count = 0; count < 3; count += 1) await runOnce(service);
  expect(await service.end()).toBe(0);
});
afterAll(() => rmSync(model, { recursive: true }));
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stagewright-start-'));
  cpSync(model, dir, { recursive: true });
  // A copy of a folder has the modes of this process; that is another test.
  for (const name of ['.', 'runs', 'archive']) chmodSync(join(dir, 'data', name), 0o700);
  store = join(dir, 'data/stagewright.sqlite');
});
afterEach(async () => {
  for (const service of services)
    if (service.child.exitCode === null && service.child.signalCode === null)
      await service.end('SIGKILL');
  services = [];
  for (const path of mounted.splice(0)) execFileSync('umount', [path]);
  rmSync(dir, { recursive: true, force: true });
});

const overwrite = (path: string, at: number, length: number): void => {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(length, 0xa5), 0, length, at);
};
const change = (sql: string): void => {
  const db = new DatabaseSync(store);
  db.exec(sql);
  db.close();
};
const anew = (sql: string): void => {
  rmSync(store);
  change(sql);
};
const rootPage = (table: string): number => {
  const db = new DatabaseSync(store, { readOnly: true });
  const { rootpage } = db
    .prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?')
    .get(table) as {
    rootpage: number;
  };
  db.close();
  return rootpage;
};
const serveIt = (...more: string[]) =>
  plain([
    'serve',
    '--port',
    '0',
    '--data-dir',
    join(dir, 'data'),
    '--pipelines',
    join(dir, 'pipelines'),
    ...more,
  ]);
/** null = not allowed here. */
const mount = (path: string, options: string): string | null => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'ignore' });
    mounted.push(path);
    return path;
  } catch {
    return null;
  }
};

/** One sentence that names the file and says what to do, and nothing of our insides. */
const expectSentence = (err: string, names: RegExp | string): void => {
  const lines = err.trimEnd().split('\n');
  expect(lines).toHaveLength(1);
  expect(err).toMatch(names);
  expect(err).toMatch(/\S: \S.{10,}\n$/);
  expect(err).not.toMatch(/^ +at |Error\b|errcode|undefined|null|\[object/m);
};

describe('REL-9, TRUTH-14: exit 6: the store or its folder is of no use', () => {
  type Case = [what: string, arrange: () => void, names: string, todo: RegExp];
  const copy = /put back a copy that is whole, or start with --new-store/;
  const cases: Case[] = [
    ['a header that is destroyed', () => overwrite(store, 0, 100), 'stagewright.sqlite', copy],
    [
      'a page in the middle that is destroyed',
      () => overwrite(store, (rootPage('journal') - 1) * 4096, 4096),
      'stagewright.sqlite is damaged',
      copy,
    ],
    [
      'a store that was cut in half',
      () => truncateSync(store, statSync(store).size / 2),
      'stagewright.sqlite is damaged',
      copy,
    ],
    ['a text file', () => writeFileSync(store, 'hello\n'), 'stagewright.sqlite', copy],
    [
      'a store of no length beside runs',
      () => truncateSync(store, 0),
      'stagewright.sqlite is empty',
      copy,
    ],
    ['no store beside runs', () => rmSync(store), 'stagewright.sqlite is missing', copy],
    [
      'no store beside an archive',
      () => {
        rmSync(store);
        rmSync(join(dir, 'data/runs'), { recursive: true });
      },
      'stagewright.sqlite is missing',
      copy,
    ],
    [
      'a store without tables, since its log is lost, beside runs',
      () => anew('PRAGMA journal_mode = WAL; CREATE TABLE t (a); DROP TABLE t'),
      'stagewright.sqlite is empty',
      copy,
    ],
    [
      'the log of a store without the store',
      () => {
        rmSync(join(dir, 'data/runs'), { recursive: true });
        rmSync(join(dir, 'data/archive'), { recursive: true });
        renameSync(store, `${store}-wal`);
      },
      'stagewright.sqlite is missing',
      copy,
    ],
    [
      'the database of another program',
      () => anew('CREATE TABLE photos (id)'),
      'stagewright.sqlite is the database of another program',
      /another folder with --data-dir/,
    ],
    [
      'a store of a newer version',
      () => change('PRAGMA user_version = 999'),
      'stagewright.sqlite was written by a newer version \\(schema 999',
      /start that version/,
    ],
    [
      'a folder in the place of the store',
      () => {
        rmSync(store);
        mkdirSync(store);
      },
      'stagewright.sqlite is no file',
      /move it away/,
    ],
    [
      'rubbish in owner.sqlite',
      () => writeFileSync(join(dir, 'data/owner.sqlite'), 'rubbish'.repeat(1000)),
      'owner.sqlite is damaged',
      /remove that file/,
    ],
    [
      'a file in the place of the data directory',
      () => {
        rmSync(join(dir, 'data'), { recursive: true });
        writeFileSync(join(dir, 'data'), '');
      },
      '/data ',
      /--data-dir/,
    ],
    [
      'a link to nowhere in the place of the data directory',
      () => {
        rmSync(join(dir, 'data'), { recursive: true });
        symlinkSync('/nowhere/at/all', join(dir, 'data'));
      },
      '/data ',
      /--data-dir/,
    ],
    [
      'a data directory that may not be written',
      () => {
        rmSync(join(dir, 'data/owner.sqlite'));
        chmodSync(join(dir, 'data'), 0o500);
      },
      '/data',
      /--data-dir/,
    ],
    [
      "another user's data directory",
      () => {
        if (isRoot) chownSync(join(dir, 'data'), 65_534, 65_534);
        chmodSync(join(dir, 'data'), isRoot ? 0o700 : 0o000);
      },
      '/data',
      /--data-dir/,
    ],
    [
      'a store that may not be read',
      () => chmodSync(store, 0o000),
      'stagewright.sqlite cannot be used',
      /--data-dir/,
    ],
  ];

  test.each(cases)('%s', async (_, arrange, names, todo) => {
    arrange();
    const isFile = existsSync(store) && statSync(store).isFile();
    const before = isFile && readFileSync(store);
    const { code, out, err } = await serveIt();
    expect({ code, out }).toEqual({ code: 6, out: '' });
    expectSentence(err, new RegExp(names));
    expect(err).toMatch(todo);
    // Nothing is written over what may be mended.
    if (before) expect(readFileSync(store).equals(before)).toBe(true);

    const doctor = await plain(
      ['doctor', '--json', '--data-dir', join(dir, 'data'), '--pipelines', join(dir, 'pipelines')],
      { env: { STAGEWRIGHT_URL: 'http://127.0.0.1:1' } },
    );
    expect(doctor).toMatchObject({ code: 1, err: '' });
    const findings = doctor.out
      .trimEnd()
      .split('\n')
      .map(
        (line) => JSON.parse(line) as { what: string; level: string; detail: string; todo: string },
      );
    const wrong = findings.filter(({ level }) => level === 'wrong');
    const told = wrong.map(({ detail, todo }) => `${detail}: ${todo}\n`);
    if (names.includes('sqlite')) expect(told).toContain(err);
    else expect(told.join()).toMatch(names);
  });

  test('a full disk', async () => {
    rmSync(join(dir, 'data'), { recursive: true });
    mkdirSync(join(dir, 'data'));
    if (mount(join(dir, 'data'), 'size=64k'))
      // All of it, block by block.
      execFileSync('sh', [
        '-c',
        `dd if=/dev/zero of=${join(dir, 'data/filler')} 2>/dev/null || true`,
      ]);
    // Where no disk may be mounted: a file on which every write finds no space.
    else symlinkSync('/dev/full', join(dir, 'data/owner.json'));
    const { code, err } = await serveIt();
    expect(code).toBe(6);
    expectSentence(err, /no space is left on its disk: make room there/);
  });

  test('a full disk and a store that must be written into its file: it serves, and the log stays', async () => {
    if (!mount(join(dir, 'pipelines'), 'size=3m')) return;
    // The data directory is on the small disk, the pipelines in it for want of another.
    cpSync(join(model, 'pipelines'), join(dir, 'pipelines'), { recursive: true });
    const data = join(dir, 'pipelines/data');
    cpSync(join(model, 'data'), data, { recursive: true });
    const db = new DatabaseSync(join(data, 'stagewright.sqlite'));
    db.exec('CREATE TABLE more (a); INSERT INTO more VALUES (zeroblob(500000))');
    // As after a kill: the log is full, the file is old.
    for (const part of ['', '-wal']) {
      const path = join(data, `stagewright.sqlite${part}`);
      cpSync(path, `${path}.killed`);
    }
    db.close();
    for (const part of ['', '-wal']) {
      const path = join(data, `stagewright.sqlite${part}`);
      renameSync(`${path}.killed`, path);
    }
    rmSync(join(data, 'stagewright.sqlite-shm'), { force: true });
    const args = ['--data-dir', data, '--min-free-disk', '0'];
    const before = statSync(join(data, 'stagewright.sqlite-wal')).size;
    expect(before).toBeGreaterThan(500_000);
    // Room for the memory of the log, and no more.
    execFileSync('sh', [
      '-c',
      `free=$(df -k --output=avail ${data} | tail -1); head -c $(( (free - 200) * 1024 )) /dev/zero > ${data}/filler`,
    ]);
    const service = await begin(args);
    expect((await service.get<{ items: unknown[] }>('/api/runs')).items).toHaveLength(3);
  });

  (isRoot ? test : test.skip)('a file system that may only be read', async () => {
    // Only who may mount one can try: elsewhere the modes above stand for it.
    if (!mount(join(dir, 'data'), 'size=64k,ro')) return;
    const { code, err } = await serveIt();
    expect(code).toBe(6);
    expectSentence(err, '/data/');
  });
});

describe('other reasons not to start are one sentence, too', () => {
  test.each<[string[], Record<string, string>, RegExp]>([
    [['--prot', '1'], {}, /--prot.*did you mean --port/],
    [['--port', 'x'], {}, /--port: expected a port/],
    [['--host', '0.0.0.0'], {}, /--host: only loopback/],
    [['--config', 'none.json'], {}, /none\.json: cannot be read \(ENOENT\)/],
    [['--config', 'bad.json'], {}, /bad\.json: .*JSON/],
    [[], { STAGEWRIGHT_PORT: '-1' }, /STAGEWRIGHT_PORT: expected a port/],
    [[], { STAGEWRIGHT_PROT: '1' }, /STAGEWRIGHT_PROT.*did you mean/],
  ])('exit 2 for %j %j', async (args, env, sentence) => {
    writeFileSync(join(dir, 'bad.json'), '{');
    const { code, out, err } = await plain(['serve', ...args], { cwd: dir, env });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(sentence);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(err).not.toMatch(/^ +at /m);
  });

  test('exit 3 for a directory that is in use, also over a link', async () => {
    const { url, child } = await begin();
    symlinkSync(join(dir, 'data'), join(dir, 'link'));
    const { code, err } = await plain(['serve', '--port', '0', '--data-dir', join(dir, 'link')]);
    expect(code).toBe(3);
    expectSentence(err, new RegExp(`pid \\d+ at ${url}: use that one`));
    expect(child.exitCode).toBeNull();
  });

  test('exit 1 for a port that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, err } = await serveIt('--port', String(port));
    other.close();
    expect(code).toBe(1);
    expectSentence(err, `port ${port} is in use: choose another with --port`);
  });

  test('a pipelines folder that cannot be read is told by health; the service is there', async () => {
    chmodSync(join(dir, 'pipelines'), 0o000);
    const service = await begin();
    const { status, checks } = await service.get<HealthReport>('/api/health');
    chmodSync(join(dir, 'pipelines'), 0o700);
    expect(status).toBe('degraded');
    expect(checks.pipelines?.detail).toContain('the pipelines folder cannot be read (EACCES)');
    expect(service.log()).not.toMatch(/^ +at /m);
  });
});

describe('--new-store', () => {
  test.each<[string, () => void]>([
    ['missing', () => rmSync(store)],
    ['empty', () => truncateSync(store, 0)],
    ['damaged', () => overwrite(store, 0, 100)],
  ])(
    'a store that is %s is kept under another name, and the runs it knew are told',
    async (_, spoil) => {
      spoil();
      const old = existsSync(store) ? readFileSync(store) : null;
      const runs = readdirSync(join(dir, 'data/runs'));
      const service = await begin(['--new-store']);
      const health = await service.get<HealthReport>('/api/health');
      expect(health).toMatchObject({ status: 'degraded', ready: true });
      expect(health.checks['unknown-folders']).toMatchObject({
        code: 'unknown-folders',
        detail: expect.stringContaining('3 runs are in runs/ or archive/ and not in the store'),
      });
      await runOnce(service);
      expect(await service.end()).toBe(0);
      expect(readdirSync(join(dir, 'data/runs'))).toEqual(expect.arrayContaining(runs));
      const aside = readdirSync(join(dir, 'data')).filter((name) => name.includes('.aside-'));
      expect(aside).toHaveLength(old ? 1 : 0);
      if (old) expect(readFileSync(join(dir, 'data', aside[0] as string)).equals(old)).toBe(true);
      expect(service.log()).toContain('a new store is begun');
    },
  );

  test('a store that is whole is used all the same: a flag that was forgotten costs nothing', async () => {
    const service = await begin(['--new-store']);
    expect((await service.get<{ items: unknown[] }>('/api/runs')).items).toHaveLength(3);
    expect((await service.get<HealthReport>('/api/health')).status).toBe('ok');
    await service.end();
    expect(service.log()).toContain('--new-store was not needed');
  });

  test.each<[string, () => void]>([
    ['of another program', () => anew('CREATE TABLE photos (id)')],
    ['of a newer version', () => change('PRAGMA user_version = 999')],
  ])('a store %s is not set aside', async (_, make) => {
    make();
    expect((await serveIt('--new-store')).code).toBe(6);
    expect(existsSync(store)).toBe(true);
  });
});

test('REL-2: killed, and its log lost: what the older store does not know stays, and health says so', async () => {
  rmSync(join(dir, 'data'), { recursive: true });
  const first = await begin();
  const runs = [await runOnce(first), await runOnce(first)];
  // The archive is written beside the runs, and its folder with the first line.
  const archived = (id: string) => existsSync(join(dir, `data/archive/${id}.jsonl`));
  await until(() => runs.every(archived));
  await first.end('SIGKILL');
  rmSync(`${store}-wal`);
  rmSync(`${store}-shm`, { force: true });

  const second = await begin(['--retention-runs', '1', '--retention-age', '1s']);
  const health = await second.get<HealthReport>('/api/health');
  expect(health).toMatchObject({ status: 'degraded', ready: true });
  expect(health.checks['unknown-folders']?.detail).toContain(
    `2 runs are in runs/ or archive/ and not in the store (${runs.toSorted().join(', ')})`,
  );
  expect(second.log()).toContain('nothing of them is removed');
  await runOnce(second);
  await second.end();
  expect(readdirSync(join(dir, 'data/runs'))).toEqual(expect.arrayContaining(runs));
  expect(runs.filter(archived)).toEqual(runs);

  // Moved elsewhere by a person: all is well at the next start.
  for (const id of runs) {
    rmSync(join(dir, 'data/runs', id), { recursive: true });
    rmSync(join(dir, `data/archive/${id}.jsonl`));
  }
  const third = await begin();
  expect((await third.get<HealthReport>('/api/health')).checks['unknown-folders']?.status).toBe(
    'ok',
  );
});

test('the store file alone is the whole store after a start and after an end', async () => {
  const wal = () => statSync(`${store}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  expect(wal()).toBe(0);
  const service = await begin(['--watchdog-interval', '1s']);
  await runOnce(service);
  expect(wal()).toBeGreaterThan(0);
  // While nothing works, at the next look of the watchdog.
  await until(() => wal() === 0, 60_000);
  cpSync(store, join(dir, 'copy.sqlite'));
  const db = new DatabaseSync(join(dir, 'copy.sqlite'), { readOnly: true });
  expect(db.prepare('SELECT count(*) AS n FROM runs').get()).toEqual({ n: 4 });
  db.close();
});

test('a store that is moved under the running service is noticed, takes nothing new, and is well when it is back', async () => {
  const service = await begin();
  const health = () => service.get<HealthReport>('/api/health');
  renameSync(store, `${store}.away`);
  expect(await health()).toMatchObject({
    status: 'degraded',
    ready: false,
    checks: {
      store: { code: 'store-unavailable', detail: expect.stringContaining('moved or removed') },
    },
  });
  const refused = await service.post('/api/pipeline/start');
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ code: 'store-unavailable' });
  writeFileSync(store, '');
  expect((await health()).checks.store?.detail).toContain('was replaced');
  renameSync(`${store}.away`, store);
  expect((await health()).status).toBe('ok');
  await runOnce(service);
});
