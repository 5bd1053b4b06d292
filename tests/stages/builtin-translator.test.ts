import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetMetadata } from 'hyparquet';
import { openDatabase } from '../../stages/builtin/duckdb.ts';
import * as translator from '../../stages/builtin/translator.ts';
import { dailyCsv, makeProject, parquetBytes, sha256 } from './builtin-kit.ts';

const sample = join(import.meta.dirname, '../../pipelines/data/raw');
const options = { raw: 'raw', out: 'out' };
const header = 'date,open,high,low,close,volume\n';

test.each([
  ['SPX', 'sp500-2000.csv', 5105],
  ['AAPL', 'aapl.csv', 1260],
])(
  'every bar of %s arrives once, with the numbers of the file',
  async (instrument, file, expected) => {
    await using project = await makeProject();
    const result = await project.run(translator, { raw: sample, out: 'out' });
    const lines = (await readFile(join(sample, instrument, file), 'utf8'))
      .trim()
      .split('\n')
      .slice(1);
    const source = lines.map((line) => {
      const [date, open, high, low, close, , volume] = line.split(',');
      const prices = {
        open: Number(open),
        high: Number(high),
        low: Number(low),
        close: Number(close),
      };
      return {
        timestamp: `${date}T00:00:00.000Z`,
        ...prices,
        volume: Number(volume),
        instrument,
        source: file,
        interval: '1d',
        synthetic: false,
      };
    });
    const rows = await project.rows(`out/${instrument}.parquet`);
    expect(rows).toHaveLength(expected);
    expect(rows).toEqual(source);
    expect(result.outputs).toMatchObject({
      instruments: ['AAPL', 'SPX'],
      rows: 6365,
      rejected: 0,
      duplicates: 0,
    });
    const named = result.files!.find(({ path }) => path === `out/${instrument}.parquet`)!;
    expect(named).toMatchObject({
      rows: expected,
      sha256: await sha256(join(project.dir, named.path)),
    });
  },
);

test('the schema is the documented one, in its order, with a timestamp that has no zone', async () => {
  await using project = await makeProject();
  await project.write('raw/X/x.csv', dailyCsv([[1, 2, 1, 2]]));
  await project.run(translator, options);
  const { schema } = parquetMetadata(await parquetBytes(join(project.dir, 'out/X.parquet')));
  const names = 'timestamp open high low close volume instrument source interval synthetic'.split(
    ' ',
  );
  expect(schema.slice(1).map(({ name }) => name)).toEqual(names);
  expect(schema[1]).toMatchObject({
    type: 'INT64',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false },
  });
  expect(schema[6]).toMatchObject({ type: 'INT64' });
});

test('S20: without new input the stage is skipped and not one file is touched', async () => {
  await using project = await makeProject();
  await project.run(translator, { raw: sample, out: 'out' });
  const before = await project.state('out');
  const again = await project.run(translator, { raw: sample, out: 'out' }, { runId: 'run-2' });
  expect(again.skip).toMatch(/^no new input/);
  expect(again.outputs).toMatchObject({ changed: [], rows: 6365 });
  expect(again.files).toHaveLength(2);
  expect(await project.state('out')).toEqual(before);
});

test('S28: an output that is not the recorded one, or has no record, is made again', async () => {
  await using project = await makeProject();
  await project.write('raw/X/x.csv', dailyCsv([[1, 2, 1, 2]]));
  await project.run(translator, options);
  const right = await sha256(join(project.dir, 'out/X.parquet'));
  await project.write('out/X.parquet', 'of yesterday');
  expect((await project.run(translator, options)).skip).toBeUndefined();
  expect(await sha256(join(project.dir, 'out/X.parquet'))).toBe(right);
  await rm(join(project.dir, 'out/manifests/X.json'));
  expect((await project.run(translator, options)).outputs).toMatchObject({ changed: ['X'] });
});

test('only the instrument whose file changed is written again', async () => {
  await using project = await makeProject();
  await project.write('raw/A/a.csv', dailyCsv([[1, 2, 1, 2]]));
  await project.write('raw/B/b.csv', dailyCsv([[1, 2, 1, 2]]));
  await project.run(translator, options);
  const before = await project.state('out');
  await project.write('raw/B/b.csv', dailyCsv([[1, 2, 1, 1.5]]));
  expect((await project.run(translator, options)).outputs).toMatchObject({
    changed: ['B'],
    instruments: ['A', 'B'],
  });
  const after = await project.state('out');
  expect(after['out/A.parquet']).toBe(before['out/A.parquet']);
  expect(after['out/B.parquet']).not.toBe(before['out/B.parquet']);
});

test('the same input gives the same bytes in another project and another run', async () => {
  await using one = await makeProject();
  await using two = await makeProject();
  await one.run(translator, { raw: sample, out: 'out' });
  await two.run(translator, { raw: sample, out: 'elsewhere' }, { runId: 'run-9', attempt: 2 });
  expect(await sha256(join(one.dir, 'out/SPX.parquet'))).toBe(
    await sha256(join(two.dir, 'elsewhere/SPX.parquet')),
  );
});

test('S29: what a killed attempt left half written is swept, and the old file stays whole', async () => {
  await using project = await makeProject();
  await project.write('raw/X/x.csv', dailyCsv([[1, 2, 1, 2]]));
  await project.run(translator, options);
  const before = await project.state('out');
  await project.write('out/.X.parquet.tmp', 'PAR1 half');
  await project.write('out/rejects/.X.csv.tmp', 'half');
  expect((await project.run(translator, options)).skip).toBeDefined();
  expect(await project.state('out')).toEqual(before);
});

test('S22: a bad row is set aside with its file, its line and its reason, and the good ones pass', async () => {
  await using project = await makeProject();
  const good = Array.from(
    { length: 1000 },
    (_, index) => `${new Date(index * 86_400_000).toISOString().slice(0, 10)},1,2,0.5,1.5,10\n`,
  );
  const bad: [row: string, reason: string][] = [
    ['2018-13-01,1,2,0.5,1.5,10', 'date is not YYYY-MM-DD'],
    ['2999-01-01,1,2,0.5,1.5,10', 'date is in the future'],
    ['2018-01-01,1_0,2,0.5,1.5,10', 'open is not a number'],
    ['2018-01-01,1,nan,0.5,1.5,10', 'high is not a number'],
    ['2018-01-01,1,2,1.2,1.5,10', 'low is above open or close'],
    ['2018-01-01,1,1.4,0.5,1.5,10', 'high is below open or close'],
    ['2018-01-01,1,2,-0.5,1.5,10', 'negative price'],
    ['2018-01-01,1,2,0.5,1.5,-1', 'negative volume'],
    ['2018-01-01,1,2,0.5,1.5,', 'volume is not a whole number'],
    ['2018-01-01,1,2', 'expected 6 fields, found 3'],
  ];
  await project.write(
    'raw/X/x.csv',
    header + good.join('') + bad.map(([row]) => `${row}\n`).join(''),
  );
  const result = await project.run(translator, { ...options, max_reject_ratio: 0.02 });
  const rejects = bad.map(
    ([row, reason], index) =>
      `X/x.csv,${1002 + index},${reason.includes(',') ? `"${reason}"` : reason},"${row}"\n`,
  );
  expect(await project.text('out/rejects/X.csv')).toBe(
    `file,line,reason,text\n${rejects.join('')}`,
  );
  expect(result.outputs).toMatchObject({ rows: 1000, rejected: 10 });
  expect(project.metrics).toMatchObject({ rows: 1000, rejected: 10, changed: 1 });
});

test('bytes that are no text and unbalanced quotes cost their row and no other', async () => {
  await using project = await makeProject();
  await project.write('raw/X/x.csv', '');
  const rows = Buffer.from(
    `\uFEFF"Date","Open","High","Low","Close","Volume"\r\n2018-01-01,1,2,1,2,5\r\n2018-01-02,"1,2,1,2,5\r\n`,
  );
  const odd = Buffer.concat([
    rows,
    Buffer.from([0xff, 0xfe]),
    Buffer.from('\r\n\r\n"2018-01-03",2,3,1,2,5'),
  ]);
  await writeFile(join(project.dir, 'raw/X/x.csv'), odd);
  expect((await project.run(translator, options)).outputs).toMatchObject({ rows: 3, rejected: 1 });
});

test('a row dated in the future is looked at again once its day has come, and not before', async () => {
  await using project = await makeProject();
  await project.write('raw/X/x.csv', `${header}2018-01-01,1,2,1,2,5\n2999-01-01,1,2,1,2,5\n`);
  await project.run(translator, options);
  expect((await project.run(translator, options)).skip).toMatch(/^no new input/);
  const manifest = JSON.parse(await project.text('out/manifests/X.json'));
  expect(manifest.recheck_at).toBe(Date.parse('2998-12-31'));
  await project.write(
    'out/manifests/X.json',
    JSON.stringify({ ...manifest, recheck_at: Date.now() - 1 }),
  );
  expect((await project.run(translator, options)).outputs).toMatchObject({
    changed: ['X'],
    rejected: 1,
  });
});

test('too many rejects fail the stage with the first ten, and leave the old file as it was', async () => {
  await using project = await makeProject();
  await project.write('raw/X/x.csv', dailyCsv(Array.from({ length: 100 }, () => [1, 2, 1, 2])));
  await project.write('raw/Y/y.csv', dailyCsv([[1, 2, 1, 2]]));
  await project.run(translator, options);
  const before = await sha256(join(project.dir, 'out/X.parquet'));
  await project.write(
    'raw/X/x.csv',
    dailyCsv(Array.from({ length: 100 }, (_, index) => [1, index < 12 ? 0 : 2, 1, 2])),
  );
  await project.write('raw/Y/y.csv', dailyCsv([[1, 2, 1, 1]]));
  const failure = await project.run(translator, options).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'too-many-rejects', retryable: false });
  expect((failure as Error).message).toContain('12 of 100 rows');
  expect(
    (failure as Error).message.match(/X\/x\.csv:\d+ high is below open or close/g),
  ).toHaveLength(10);
  expect(await sha256(join(project.dir, 'out/X.parquet'))).toBe(before);
  expect((await project.rows('out/Y.parquet'))[0]).toMatchObject({ close: 1 });
});

test('nine bad rows of fifty pass by default, and one is too many when the ratio is 0', async () => {
  await using project = await makeProject();
  await project.write(
    'raw/X/x.csv',
    dailyCsv(Array.from({ length: 50 }, (_, index) => [1, index < 9 ? 0 : 2, 1, 2])),
  );
  expect((await project.run(translator, options)).outputs).toMatchObject({ rows: 41, rejected: 9 });
  await expect(project.run(translator, { ...options, max_reject_ratio: 0 })).rejects.toMatchObject({
    code: 'too-many-rejects',
  });
});

test('a file of times of day is not taken for daily bars', async () => {
  await using project = await makeProject();
  await project.write('raw/X/x.csv', `${header}2018-01-02T09:30,1,2,1,2,5\n`);
  await expect(project.run(translator, options)).rejects.toThrow(/these are intraday bars/);
});

test('a file with a header only becomes a valid, empty output', async () => {
  await using project = await makeProject();
  await project.write('raw/X/x.csv', header);
  expect((await project.run(translator, options)).outputs).toMatchObject({
    instruments: ['X'],
    rows: 0,
    rejected: 0,
  });
  expect(await project.rows('out/X.parquet')).toEqual([]);
});

test('of a day that comes twice the last row is kept, in one file and across files, and the others are counted', async () => {
  await using project = await makeProject();
  await project.write(
    'raw/X/a.csv',
    `${header}2018-01-02,1,9,1,2,5\n2018-01-01,1,9,1,3,5\n2018-01-02,1,9,1,4,5\n`,
  );
  await project.write('raw/X/b.csv', `VOLUME,Date,close,low,high,Open\n7,2018-01-01,5,1,9,1\n`);
  expect((await project.run(translator, options)).outputs).toMatchObject({
    rows: 2,
    duplicates: 2,
    rejected: 0,
  });
  const rows = await project.rows('out/X.parquet');
  expect(
    rows.map(({ timestamp, close, source }) => [String(timestamp).slice(0, 10), close, source]),
  ).toEqual([
    ['2018-01-01', 5, 'b.csv'],
    ['2018-01-02', 4, 'a.csv'],
  ]);
});

test('S23: a folder that is not understood is one warning each, and the others run', async () => {
  await using project = await makeProject();
  await project.write('raw/X/x.csv', dailyCsv([[1, 2, 1, 2]]));
  await project.write(
    'raw/ES/1m/2018/01/ES_1m_2018-01-02.csv',
    'timestamp_utc,open,high,low,close,volume\n',
  );
  await project.write('raw/NQ/minutes.csv', 'timestamp_utc,open,high,low,close,volume\n');
  await project.write('raw/ODD/odd.csv', 'a;b;c\n');
  await project.write('raw/NONE/readme.txt', 'nothing');
  expect((await project.run(translator, options)).outputs).toMatchObject({ instruments: ['X'] });
  expect(project.lines).toEqual([
    'warning: ES left out: 1m: intraday bars, and this stage reads daily ones',
    'warning: NONE left out: no CSV file in its folder',
    'warning: NQ left out: minutes.csv: intraday bars, and this stage reads daily ones',
    'warning: ODD left out: odd.csv: unknown layout, without date, open, high, low, close, volume',
  ]);
});

test('only the instruments that the run asks for are translated', async () => {
  await using project = await makeProject();
  await project.run(translator, { raw: sample, out: 'out' }, { params: { instruments: ['AAPL'] } });
  expect(Object.keys(await project.state('out'))).toEqual(
    expect.arrayContaining(['out/AAPL.parquet', 'out/manifests/AAPL.json']),
  );
  expect(await project.state('out')).not.toHaveProperty('out/SPX.parquet');
});

test.each([
  ['a raw folder that does not exist', { raw: 'nowhere', out: 'out' }, 'missing-input'],
  ['an output inside the input', { raw: 'raw', out: 'raw/out' }, 'bad-options'],
  ['an unknown option', { raw: 'raw', out: 'out', colums: {} }, 'bad-options'],
  ['no input option', { out: 'out' }, 'bad-options'],
  ['a file where the output folder should be', { raw: 'raw', out: 'raw.txt' }, 'unwritable-target'],
])('%s fails with a code of its own', async (_case, wrong, code) => {
  await using project = await makeProject();
  await project.write('raw/X/x.csv', dailyCsv([[1, 2, 1, 2]]));
  await project.write('raw.txt', 'a file');
  await expect(project.run(translator, wrong)).rejects.toMatchObject({
    code,
    retryable: code === 'unwritable-target',
  });
});

test('paths with the characters of patterns and quotes are taken as they are', async () => {
  await using project = await makeProject();
  await project.write("it's [raw]*/X/day=1 [a].csv", dailyCsv([[1, 2, 1, 2]]));
  await project.run(translator, { raw: "it's [raw]*", out: 'out=[1]' });
  expect(await project.rows('out=[1]/X.parquet')).toHaveLength(1);
});

test('a stage that is told to stop writes nothing and says so', async () => {
  await using project = await makeProject();
  await expect(
    project.run(translator, { raw: sample, out: 'out' }, { signal: AbortSignal.abort() }),
  ).rejects.toMatchObject({
    code: 'stopped',
    retryable: false,
  });
  expect(await readdir(project.dir)).toEqual([]);
});

test('a query that would run for hours ends when it is aborted', async () => {
  await using project = await makeProject();
  const stop = new AbortController();
  const database = await openDatabase({
    workspace: project.dir,
    stage: 's',
    attempt: 1,
    signal: stop.signal,
  });
  const query = database.rows(
    'SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE (a.range * b.range) % 7 = 3',
  );
  const ended = expect(query).rejects.toMatchObject({ code: 'stopped' });
  stop.abort();
  await ended;
  await database.close();
});
