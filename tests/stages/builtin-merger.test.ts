import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as analyzer from '../../stages/builtin/analyzer.ts';
import { openDatabase } from '../../stages/builtin/duckdb.ts';
import * as merger from '../../stages/builtin/merger.ts';
import * as translator from '../../stages/builtin/translator.ts';
import { dailyCsv, makeProject } from './builtin-kit.ts';

type Bar = [open: number, high: number, low: number, close: number];
type Project = Awaited<ReturnType<typeof makeProject>>;
const sample = join(import.meta.dirname, '../../pipelines/data/raw');
const options = { in: 'a', out: 'm' };
const inside: Bar = [105, 110, 100, 105];
const breaksOut: Bar = [105, 112, 104, 111];
const days = (count: number): Bar[] => Array.from({ length: count }, () => inside);

async function prepare(project: Project, raw = 'raw') {
  await project.run(translator, { raw, out: 't' });
  await project.run(analyzer, { in: 't', out: 'a' });
}

async function write(project: Project, bars: Record<string, Bar[]>) {
  for (const [instrument, list] of Object.entries(bars))
    await project.write(`raw/${instrument}/d.csv`, dailyCsv(list));
  await prepare(project);
}

test('every row of the samples is in the file of its month, once, and in no other', async () => {
  await using project = await makeProject();
  await prepare(project, sample);
  const { outputs, files } = await project.run(merger, options);
  expect(outputs).toMatchObject({
    inserted: 6365,
    updated: 0,
    unchanged: 0,
    rejected: 0,
    files: 305,
    changed: ['AAPL', 'SPX'],
  });
  expect(files).toHaveLength(305);
  const merged: unknown[] = [];
  for (const name of (await readdir(join(project.dir, 'm/SPX/D1'))).toSorted()) {
    const rows = await project.rows(`m/SPX/D1/${name}`);
    expect(new Set(rows.map(({ date }) => `${String(date).slice(0, 7)}.parquet`))).toEqual(
      new Set([name]),
    );
    merged.push(...rows);
  }
  expect(merged).toEqual(await project.rows('a/SPX.parquet'));
});

test.each([
  ['with its manifest', false],
  ['without its manifest', true],
])(
  'merging twice, %s, changes nothing: 0 inserted, 0 updated, the same bytes',
  async (_case, forget) => {
    await using project = await makeProject();
    await write(project, { X: days(70), Y: days(3) });
    await project.run(merger, options);
    const { 'm/manifests/X.json': _, ...before } = await project.state('m');
    if (forget) await rm(join(project.dir, 'm/manifests/X.json'));
    const again = await project.run(merger, options);
    expect(again.skip).toBe('nothing to merge: 0 inserted, 0 updated');
    expect(again.outputs).toMatchObject({ inserted: 0, updated: 0, unchanged: 73, written: 0 });
    const { 'm/manifests/X.json': __, ...after } = await project.state('m');
    expect(after).toEqual(before);
  },
);

test('S31: a trade that was OPEN yesterday and closes today is one update, and only its month is written', async () => {
  await using project = await makeProject();
  await write(project, { X: [...days(35), breaksOut] });
  await project.run(merger, options);
  const before = await project.state('m');
  await write(project, { X: [...days(35), breaksOut, [105, 106, 100, 103]] });
  const { outputs } = await project.run(merger, options);
  expect(outputs).toMatchObject({ inserted: 1, updated: 1, unchanged: 35, written: 1 });
  const after = await project.state('m');
  expect(after['m/X/D1/2018-01.parquet']).toBe(before['m/X/D1/2018-01.parquet']);
  const february = await project.rows('m/X/D1/2018-02.parquet');
  expect(february.map(({ result }) => result).slice(-2)).toEqual(['Loss', 'OPEN']);
});

test('a row that the new input no longer has is kept', async () => {
  await using project = await makeProject();
  await write(project, { X: days(40) });
  await project.run(merger, options);
  await write(project, { X: days(33) });
  await project.run(merger, options);
  expect(await project.rows('m/X/D1/2018-02.parquet')).toHaveLength(9);
});

test('a month file that cannot be read is named and never written over', async () => {
  await using project = await makeProject();
  await write(project, { X: days(40), Y: days(40) });
  await project.run(merger, options);
  await project.write('m/X/D1/2018-02.parquet', 'PAR1 damaged');
  await write(project, { X: days(41), Y: days(41) });
  const failing = project.run(merger, options);
  await expect(failing).rejects.toMatchObject({
    code: 'unreadable-target',
    message: expect.stringContaining('m/X/D1/2018-02.parquet'),
  });
  expect(await project.text('m/X/D1/2018-02.parquet')).toBe('PAR1 damaged');
  expect(await project.rows('m/Y/D1/2018-02.parquet')).toHaveLength(10);
});

test('S30: a month that cannot be written fails the stage, the others are written, and the retry finishes the rest', async () => {
  await using project = await makeProject();
  await write(project, { X: days(70) });
  // A folder where the temp file goes: refused to root as well, which a file mode would not be.
  await mkdir(join(project.dir, 'm/X/D1/.2018-02.parquet.tmp/held'), { recursive: true });
  const failing = project.run(merger, options);
  await expect(failing).rejects.toMatchObject({
    code: 'unwritable-target',
    retryable: true,
    message: expect.stringContaining('2018-02'),
  });
  expect(await project.rows('m/X/D1/2018-01.parquet')).toHaveLength(31);
  expect(await project.rows('m/X/D1/2018-03.parquet')).toHaveLength(11);
  expect(await project.rows('a/X.parquet')).toHaveLength(70);
  await rm(join(project.dir, 'm/X/D1/.2018-02.parquet.tmp'), { recursive: true });
  expect((await project.run(merger, options, { attempt: 2 })).outputs).toMatchObject({
    inserted: 28,
    unchanged: 42,
    written: 1,
  });
});

test('S29: a half-written month of a killed attempt is swept and the merge goes on', async () => {
  await using project = await makeProject();
  await write(project, { X: days(3) });
  await project.write('m/X/D1/.2018-01.parquet.tmp', 'PAR1 half');
  await project.run(merger, options);
  expect(await readdir(join(project.dir, 'm/X/D1'))).toEqual(['2018-01.parquet']);
});

test('rows without a whole key, of another instrument or with a session that is no name are rejected; of equal keys the last counts', async () => {
  await using project = await makeProject();
  await write(project, { X: days(3) });
  const database = await openDatabase({
    workspace: project.dir,
    stage: 's',
    attempt: 1,
    signal: new AbortController().signal,
  });
  const [from, to] = [join(project.dir, 'a/X.parquet'), join(project.dir, 'b/X.parquet')];
  await mkdir(join(project.dir, 'b'));
  await database.run(`COPY (FROM '${from}' UNION ALL SELECT * REPLACE (NULL AS slot) FROM '${from}' UNION ALL SELECT * REPLACE ('../..' AS session) FROM '${from}'
    UNION ALL SELECT * REPLACE ('Z' AS instrument) FROM '${from}' UNION ALL SELECT * REPLACE (7.5 AS profit) FROM '${from}') TO '${to}' (FORMAT parquet)`);
  await database.close();
  const { outputs } = await project.run(merger, { in: 'b', out: 'm' });
  expect(outputs).toMatchObject({ rows: 3, rejected: 9, duplicates: 3 });
  const rejects = (await project.text('m/rejects/X.csv')).trim().split('\n');
  expect(rejects).toHaveLength(10);
  expect(rejects.slice(0, 2)).toEqual([
    'file,line,reason,text',
    'X.parquet,4,a part of the key is missing,2018-01-01 D1 X',
  ]);
  // Nine of fifteen are few; of an input in which none is allowed they are too many.
  const strict = project.run(merger, { in: 'b', out: 'm2', max_reject_ratio: 0 });
  await expect(strict).rejects.toMatchObject({
    code: 'too-many-rejects',
    message: expect.stringContaining('9 of 15 rows rejected, all in m2/rejects/X.csv'),
  });
  expect((await project.rows('m/X/D1/2018-01.parquet')).map(({ profit }) => profit)).toEqual([
    7.5, 7.5, 7.5,
  ]);
});

test('months with other columns than the new rows are refused, not mixed', async () => {
  await using project = await makeProject();
  await write(project, { X: days(3) });
  await project.run(merger, options);
  await project.run(analyzer, { in: 't', out: 'a', window: 5 });
  await expect(project.run(merger, options)).rejects.toMatchObject({
    code: 'schema-mismatch',
    retryable: false,
  });
});

test('the manifest names run, attempt, inputs and every month with its rows', async () => {
  await using project = await makeProject();
  await write(project, { X: days(33) });
  await project.run(merger, options, { attempt: 2 });
  const unit = JSON.parse(await readFile(join(project.dir, 'm/manifests/X.json'), 'utf8'));
  expect(unit).toMatchObject({
    written_by: { run: 'run-1', attempt: 2 },
    inputs: { 'X.parquet': expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
  expect(unit.files.map(({ path, rows }: { path: string; rows: number }) => [path, rows])).toEqual([
    ['X/D1/2018-01.parquet', 31],
    ['X/D1/2018-02.parquet', 2],
  ]);
});
