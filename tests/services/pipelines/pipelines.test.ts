import { execFileSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPipelines } from '../../../services/pipelines/pipelines.ts';

let project: string;
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'stagewright-pipelines-'));
  await mkdir(join(project, 'pipelines'));
});
afterEach(() => rm(project, { recursive: true }));

const load = async (files: Record<string, string>) => {
  for (const [name, text] of Object.entries(files))
    await writeFile(join(project, 'pipelines', name), text);
  return loadPipelines(join(project, 'pipelines'));
};
const valid = (name: string) => `name: ${name}\nstages:\n  - { name: work, run: [echo, hello] }\n`;

test('yaml, yml and json files are loaded, others are left alone', async () => {
  const json = JSON.stringify({ name: 'c', stages: [{ name: 'work', run: ['true'] }] });
  const { pipelines, problems } = await load({
    'a.yaml': valid('a'),
    'b.yml': valid('b'),
    'c.json': json,
    'README.md': '# no',
  });
  expect(problems).toEqual([]);
  expect([...pipelines.keys()]).toEqual(['a', 'b', 'c']);
  expect(pipelines.get('a')).toMatchObject({ file: 'a.yaml', projectDir: project });
});

test('the pipelines that ship with the product hold', async () => {
  const { pipelines, problems } = await loadPipelines(
    new URL('../../../pipelines', import.meta.url).pathname,
  );
  expect(problems).toEqual([]);
  expect([...pipelines.keys()]).toEqual(['demo', 'intraday', 'market-data']);
});

test('a wrong file is told with line and field, and the others are loaded all the same', async () => {
  const broken =
    'name: broken\n# a comment\nstages:\n  - name: work\n    run: [echo]\n    tmeout: 1h\n    grace: soon\n';
  const { pipelines, problems } = await load({ 'a.yaml': broken, 'b.yaml': valid('b') });
  expect([...pipelines.keys()]).toEqual(['b']);
  expect(problems).toEqual([
    {
      file: 'a.yaml',
      line: 7,
      pointer: '/stages/0/grace',
      code: 'invalid',
      detail: expect.stringContaining('expected a duration'),
    },
    {
      file: 'a.yaml',
      line: 6,
      pointer: '/stages/0/tmeout',
      code: 'unknown-key',
      detail: expect.stringContaining('`timeout`'),
    },
  ]);
});

test.each([
  ['a key that stands twice', 'name: a\nname: b\n', 2],
  ['a tab', 'name: a\nstages:\n\t- x\n', 3],
  ['an unknown tag', 'name: a\nstages: !!js/function x\n', 2],
  ['an open bracket', 'name: [a\n', 2],
  ['two documents', 'name: a\n---\nname: b\n', 2],
  ['an alias of nothing', 'name: *gone\n', null],
  ['nothing', '', null],
  ['brackets without end', '['.repeat(60_000), 1],
])('%s is a problem, not a crash', async (_what, text, line) => {
  const { pipelines, problems } = await load({ 'a.yaml': text });
  expect(pipelines.size).toBe(0);
  expect(problems[0]).toMatchObject({ file: 'a.yaml', ...(line !== null && { line }) });
});

test('a bomb of aliases is refused before it grows', async () => {
  const rows = Array.from(
    { length: 12 },
    (_, n) =>
      `k${n}: &k${n} [${Array(10)
        .fill(n === 0 ? 'x' : `*k${n - 1}`)
        .join(', ')}]`,
  );
  const { problems } = await load({ 'a.yaml': `${rows.join('\n')}\n` });
  expect(problems).toEqual([expect.objectContaining({ file: 'a.yaml', code: 'invalid-yaml' })]);
});

test('an object that contains itself is refused', async () => {
  const { problems } = await load({
    'a.yaml': 'name: a\nstages: &s\n  - name: w\n    run: [x]\n    with: { self: *s }\n',
  });
  expect(problems[0]?.detail).toContain('nested deeper');
});

test('a name that two files use is a problem of the second', async () => {
  const { pipelines, problems } = await load({
    'a.yaml': valid('same'),
    'b.yaml': `# first line\n${valid('same')}`,
  });
  expect(pipelines.get('same')?.file).toBe('a.yaml');
  expect(problems).toEqual([
    {
      file: 'b.yaml',
      line: 2,
      pointer: '/name',
      code: 'invalid',
      detail: 'the name same is taken by a.yaml',
    },
  ]);
});

test('a module is looked for in the project, and a missing one is a problem', async () => {
  const uses = (path: string) => `name: a\nstages:\n  - name: work\n    uses: ${path}\n`;
  expect((await load({ 'a.yaml': uses('./stages/mine.ts') })).problems).toEqual([
    {
      file: 'a.yaml',
      line: 4,
      pointer: '/stages/0/uses',
      code: 'invalid',
      detail: 'there is no file ./stages/mine.ts in the project',
    },
  ]);
  await mkdir(join(project, 'stages'));
  await writeFile(join(project, 'stages/mine.ts'), '');
  expect((await load({})).problems).toEqual([]);
});

test('a built-in stage is looked for among those that come with us, and one of another name is a problem with the nearest', async () => {
  const uses = (path: string) => `name: a\nstages:\n  - name: work\n    uses: ${path}\n`;
  expect((await load({ 'a.yaml': uses('builtin:mergre') })).problems).toMatchObject([
    {
      line: 4,
      pointer: '/stages/0/uses',
      code: 'invalid',
      detail: expect.stringContaining('did you mean builtin:merger?'),
    },
  ]);
  for (const none of ['builtin:other', 'builtin:duckdb', 'builtin:options'])
    expect((await load({ 'a.yaml': uses(none) })).problems).toMatchObject([
      { detail: expect.stringContaining('there is no built-in stage') },
    ]);
  expect((await load({ 'a.yaml': uses('builtin:report') })).problems).toEqual([]);
});

test('a folder that is called like a file, and a file that may not be read, are problems', async () => {
  await mkdir(join(project, 'pipelines', 'folder.yaml'));
  const { pipelines, problems } = await load({ 'b.yaml': valid('b') });
  expect(problems).toEqual([
    {
      file: 'folder.yaml',
      line: null,
      pointer: '',
      code: 'unreadable',
      detail: 'is not a regular file',
    },
  ]);
  expect([...pipelines.keys()]).toEqual(['b']);
});

test('a file that is far too long is not read as YAML', async () => {
  const { problems } = await load({ 'a.yaml': `${valid('a')}#${'x'.repeat(600_000)}\n` });
  expect(problems[0]).toMatchObject({ code: 'unreadable' });
});

test('a folder that does not exist is a problem', async () => {
  const { pipelines, problems } = await loadPipelines(join(project, 'gone'));
  expect(pipelines.size).toBe(0);
  expect(problems).toEqual([
    {
      file: 'gone',
      line: null,
      pointer: '',
      code: 'unreadable',
      detail:
        'the pipelines folder cannot be read (ENOENT): stagewright init writes a first pipeline, or name another folder with --pipelines',
    },
  ]);
});

test.each([
  ['a pipe', (path: string) => execFileSync('mkfifo', [path]), 'is not a regular file'],
  ['a link to nothing', (path: string) => symlinkSync('nowhere', path), 'cannot be read (ENOENT)'],
  ['a link to a device', (path: string) => symlinkSync('/dev/zero', path), 'is not a regular file'],
  [
    'a file beyond the limit',
    (path: string) => writeFileSync(path, '# x\n'.repeat(200_000)),
    'is larger than 524288 bytes',
  ],
])(
  '%s in the folder is a problem that names it, and the others are loaded',
  async (_, make, detail) => {
    make(join(project, 'pipelines', 'odd.yaml'));
    const { pipelines, problems } = await load({ 'b.yaml': valid('b') });
    expect(problems).toEqual([
      { file: 'odd.yaml', line: null, pointer: '', code: 'unreadable', detail },
    ]);
    expect([...pipelines.keys()]).toEqual(['b']);
  },
);

test('a link to a file is followed', async () => {
  writeFileSync(join(project, 'shared.txt'), valid('a'));
  symlinkSync('../shared.txt', join(project, 'pipelines', 'a.yaml'));
  expect([...(await load({})).pipelines.keys()]).toEqual(['a']);
});

test.each([
  ['quotes', '"'.repeat(100_000)],
  ['brackets', '['.repeat(100_000)],
  ['braces', '{'.repeat(60_000)],
  ['keys', `name: x\n${Array.from({ length: 6_000 }, (_, n) => `key-${n}: 1`).join('\n')}`],
])(
  'SEC-18: while a file of %s is read the service has its turns, and the file is refused',
  async (_, text) => {
    let turns = 0;
    let isOver = false;
    const turn = (): void => {
      turns += 1;
      if (!isOver) setImmediate(turn);
    };
    turn();
    const { pipelines, problems } = await load({ 'a.yaml': text, 'b.yaml': valid('b') });
    isOver = true;
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.every(({ file }) => file === 'a.yaml')).toBe(true);
    expect([...pipelines.keys()]).toEqual(['b']);
    // Read here, it would be one long turn with a handful of others around it.
    expect(turns).toBeGreaterThan(100);
  },
);
