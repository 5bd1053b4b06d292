import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import type { Status } from '../../wire/status.ts';
import { type Served, serve, stagewright } from '../support/serve.ts';
import { projectWith } from '../support/service.ts';
import { until } from '../support/until.ts';

const pipeline = `name: job
stages:
  - { name: one, timeout: 1m, run: [sh, -c, "umask > said; echo x > made-by-program; echo '{}' > $STAGEWRIGHT_OUTPUTS"] }
  - { name: two, timeout: 1m, uses: ./made.ts }
`;
const module = `import { writeFileSync } from 'node:fs';
export const run = async () => { writeFileSync(import.meta.dirname + '/made-by-module', 'x'); };
`;
let dir: string;
let service: Served | null = null;
beforeEach(async () => {
  dir = await projectWith({ 'job.yaml': pipeline });
  writeFileSync(join(dir, 'made.ts'), module);
});
afterEach(async () => {
  await service?.end('SIGKILL');
  service = null;
  rmSync(dir, { recursive: true });
});

const begin = async (umask: string): Promise<Served> => {
  service = await serve(dir, ['--ballast', '1MB'], {
    argv: (command) => ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh', ...command],
  });
  return service;
};
const end = async (): Promise<void> => {
  const code = await service?.end();
  service = null;
  expect(code).toBe(0);
};
const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);
const open = (): string[] =>
  readdirSync(join(dir, 'data'), { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => (statSync(path).mode & 0o077) !== 0)
    .map((path) => relative(dir, path));

test.each([
  ['022', '644'],
  ['002', '664'],
  ['000', '666'],
  ['077', '600'],
])(
  'started with umask %s: the service keeps its files to itself, its stages do not notice',
  async (umask, mode) => {
    const { post, get } = await begin(umask);
    const { run_id } = (await (await post('/api/pipeline/start')).json()) as Status;
    const done = await until(async () => {
      const status = await get<Status>(`/api/runs/${run_id}`);
      return status.ended_at === null ? null : status;
    }, 60_000);
    expect(done.error).toBeNull();
    expect(readFileSync(join(dir, 'said'), 'utf8').trim()).toBe(`0${umask}`);
    expect(modeOf(join(dir, 'made-by-program'))).toBe(mode);
    expect(modeOf(join(dir, 'made-by-module'))).toBe(mode);
    await until(() => readdirSync(join(dir, 'data')).includes('ballast'));
    expect(readdirSync(join(dir, 'data'))).toEqual(
      expect.arrayContaining(['stagewright.sqlite', 'stagewright.sqlite-wal', 'owner.sqlite']),
    );
    // What a stage writes itself lies in folders that are closed.
    const own = /runs\/[^/]+\/one\/1\/outputs\.json$/;
    expect(open().filter((path) => !own.test(path))).toEqual([]);
    expect(modeOf(join(dir, 'data'))).toBe('700');
    await end();
  },
);

test('REL-13: a data directory that was open to others is closed at the start, with a warning; doctor sees it before', async () => {
  await begin('022');
  await end();
  const wide: [name: string, mode: number][] = [
    ['.', 0o755],
    ['stagewright.sqlite', 0o644],
    ['owner.sqlite', 0o664],
    ['owner.json', 0o604],
    ['runs', 0o755],
  ];
  mkdirSync(join(dir, 'data/runs'), { recursive: true });
  for (const [name, mode] of wide) chmodSync(join(dir, 'data', name), mode);
  const ask = () =>
    stagewright(['doctor', '--data-dir', join(dir, 'data'), '--pipelines', join(dir, 'pipelines')]);
  expect((await ask()).out).toMatch(
    /warn +modes +other users may open \., runs, stagewright\.sqlite, owner\.sqlite, owner\.json in/,
  );
  const { log } = await begin('022');
  expect(wide.map(([name]) => modeOf(join(dir, 'data', name)))).toEqual([
    '700',
    '600',
    '600',
    '600',
    '700',
  ]);
  expect(log()).toMatch(/other users could open \., runs.*; closed to them now/);
  await end();
  expect((await ask()).out).toMatch(/ok +modes +closed to other users/);
});

test('a folder that is shared by all users is not closed to them, and that is said', async () => {
  mkdirSync(join(dir, 'data'));
  chmodSync(join(dir, 'data'), 0o1777);
  const { log } = await begin('022');
  expect(modeOf(join(dir, 'data'))).toBe('1777');
  expect(log()).toContain('is shared by all users and stays so');
  expect(modeOf(join(dir, 'data/stagewright.sqlite'))).toBe('600');
  await end();
});
