import { join } from 'node:path';
import * as analyzer from '../../stages/builtin/analyzer.ts';
import { openDatabase } from '../../stages/builtin/duckdb.ts';
import * as merger from '../../stages/builtin/merger.ts';
import * as translator from '../../stages/builtin/translator.ts';
import type { Progress } from '../../wire/status.ts';
import { dailyCsv, makeProject } from './builtin-kit.ts';

type Project = Awaited<ReturnType<typeof makeProject>>;
const six = ['A', 'B', 'C', 'D', 'E', 'F'];

/** Six instruments, translated; the bars of one of them are spoilt by `select`. */
async function prepare(project: Project, spoil: { name: string; select: string } | null) {
  for (const name of six) await project.write(`raw/${name}/d.csv`, dailyCsv([[1, 2, 1, 2]]));
  await project.run(translator, { raw: 'raw', out: 't' });
  if (!spoil) return;
  const place = {
    workspace: project.dir,
    stage: 's',
    attempt: 1,
    signal: new AbortController().signal,
  };
  const database = await openDatabase(place, 'spoil', { threads: 1, memoryMb: 1000 });
  const file = join(project.dir, 't', `${spoil.name}.parquet`);
  await database.run(
    `COPY (SELECT * REPLACE (${spoil.select}) FROM '${file}') TO '${file}.new' (FORMAT parquet)`,
  );
  await database.close();
  await project.move(`t/${spoil.name}.parquet.new`, `t/${spoil.name}.parquet`);
}
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: { code: string; message: string }) => error,
  );

test('S21: one of six instruments fails; the retry makes that one and touches none of the others', async () => {
  await using project = await makeProject();
  await prepare(project, { name: 'C', select: `'1h' AS interval` });
  expect(await failureOf(project.run(analyzer, { in: 't', out: 'a' }))).toMatchObject({
    code: 'unsupported-interval',
  });
  const before = await project.state('a');
  expect(
    Object.keys(before)
      .filter((path) => path.endsWith('.parquet'))
      .toSorted(),
  ).toEqual(['A', 'B', 'D', 'E', 'F'].map((name) => `a/${name}.parquet`));
  await project.write('raw/C/d.csv', dailyCsv([[1, 2, 1, 1.5]]));
  await project.run(translator, { raw: 'raw', out: 't' });
  const { outputs } = await project.run(analyzer, { in: 't', out: 'a' }, { attempt: 2 });
  expect(outputs).toMatchObject({ changed: ['C'], instruments: six, result: 'complete' });
  expect(await project.state('a')).toMatchObject(before);
});

test('S27: six instruments with two at a time in little memory: the one that needs more fails for want of it, and no other', async () => {
  await using project = await makeProject();
  await prepare(project, { name: 'D', select: `repeat('x', 60000000) AS instrument` });
  const failure = await failureOf(
    project.run(analyzer, { in: 't', out: 'a', workers: 2, memory_mb: 64 }),
  );
  expect(failure).toMatchObject({
    code: 'out-of-memory',
    message: '32 MB of memory do not suffice; raise "memory_mb" or lower "workers" of the stage.',
  });
  expect(project.lines).toEqual([expect.stringContaining('error: D: out-of-memory')]);
  for (const name of six.filter((name) => name !== 'D'))
    expect(await project.rows(`a/${name}.parquet`)).toHaveLength(1);
});

test('by policy a failed instrument makes the stage a success in part, named as such, and the next run makes it', async () => {
  await using project = await makeProject();
  await prepare(project, { name: 'B', select: `'1h' AS interval` });
  const options = { in: 't', out: 'a', on_failure: 'partial' };
  const { outputs, files } = await project.run(analyzer, options);
  expect(outputs).toMatchObject({
    result: 'partial',
    failed: { B: expect.stringContaining('unsupported-interval') },
    instruments: ['A', 'C', 'D', 'E', 'F'],
  });
  expect(files!.map(({ path }) => path)).not.toContain('a/B.parquet');
  expect(project.lines.at(-1)).toBe('warning: partial: B failed; 5 succeeded');
  expect(project.metrics).toMatchObject({ failed: 1 });
  await project.write('raw/B/d.csv', dailyCsv([[1, 2, 1, 1.5]]));
  await project.run(translator, { raw: 'raw', out: 't' });
  expect((await project.run(analyzer, options)).outputs).toMatchObject({
    result: 'complete',
    failed: {},
    changed: ['B'],
  });
});

test('a stage in which every instrument fails has failed, whatever the policy', async () => {
  await using project = await makeProject();
  await prepare(project, null);
  for (const name of six) await project.write(`t/${name}.parquet`, 'not Parquet');
  const failure = await failureOf(
    project.run(analyzer, { in: 't', out: 'a', on_failure: 'partial' }),
  );
  expect(failure).toMatchObject({
    code: 'unreadable-input',
    message: expect.stringContaining('(and 5 more, see the log)'),
  });
});

test('attempts for different instruments that work beside each other do not lose what the other has done', async () => {
  await using project = await makeProject();
  await prepare(project, null);
  const one = (name: string) => project.run(analyzer, { in: 't', out: 'a', instruments: [name] });
  await Promise.all(six.map(one));
  expect((await project.run(analyzer, { in: 't', out: 'a' })).skip).toMatch(/^no new input/);
  await Promise.all(
    six.map((name) => project.run(merger, { in: 'a', out: 'm', instruments: [name] })),
  );
  expect((await project.run(merger, { in: 'a', out: 'm' })).outputs).toMatchObject({
    inserted: 0,
    updated: 0,
    unchanged: 6,
  });
});

test('progress is said at once, at least every second while a query works, and at the end', async () => {
  await using project = await makeProject();
  await prepare(project, null);
  const said: Progress[] = [];
  await project.run(
    analyzer,
    { in: 't', out: 'a', workers: 1 },
    { progress: (progress) => void said.push(progress) },
  );
  expect(said[0]).toMatchObject({ done: 0, total: 6, unit: 'instruments', note: 'A' });
  expect(said.at(-1)).toMatchObject({ done: 6, total: 6 });
  expect(said.map(({ note }) => note)).toEqual(
    expect.arrayContaining(six.map((name) => expect.stringContaining(name))),
  );
});
