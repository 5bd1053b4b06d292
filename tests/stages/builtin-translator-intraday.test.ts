import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parquetMetadata } from 'hyparquet';
import { type SampleOrder, sampleFiles } from '../../stages/builtin/sample-bars/files.ts';
import * as translator from '../../stages/builtin/translator.ts';
import { intradayCsv, makeProject, parquetBytes, rawPath } from './builtin-kit.ts';
import { exchangeTime } from './opening-range-reference.ts';

type Project = Awaited<ReturnType<typeof makeProject>>;
const options = { raw: 'raw', out: 'out', layout: 'intraday' };
const order: SampleOrder = {
  instruments: ['ES'],
  from: '2025-03-06',
  days: 6,
  seed: 3,
  awkward: true,
};
const files = [...sampleFiles(order)];
const rejected = files.reduce((sum, file) => sum + file.rejected, 0);

const put = async (project: Project, path: string, text: string) => {
  await mkdir(dirname(join(project.dir, 'raw', path)), { recursive: true });
  await writeFile(join(project.dir, 'raw', path), text);
};
const translated = async (project: Project) =>
  (await project.allRows('out')) as { timestamp: string; close: number; source: string }[];
/** Contents alone: which run wrote them is another matter. */
const dayFiles = async (project: Project) =>
  Object.fromEntries(
    Object.entries(await project.state('out'))
      .filter(([path]) => path.endsWith('.parquet'))
      .map(([path, state]) => [path, state.split(' ')[0]]),
  );

test('S32: every bar of the samples is once in its trading day, in exchange time, over the change to summer time and a weekend', async () => {
  await using project = await makeProject();
  for (const { path, text } of files) await put(project, path, text);
  const { outputs } = await project.run(translator, options);
  const bars = files.flatMap((file) => file.bars);
  expect(outputs).toMatchObject({ rows: bars.length, rejected });
  const expected = bars.map(({ utc, open, high, low, close, volume }) => ({
    timestamp: new Date(exchangeTime(utc)).toISOString(),
    open,
    high,
    low,
    close,
    volume,
    instrument: 'ES',
    source: `ES_1m_${new Date(utc).toISOString().slice(0, 10)}.csv`,
    interval: '1m',
    synthetic: false,
  }));
  expect(await translated(project)).toEqual(expected);
  // Sunday evening, and every evening from 17:00 on, belong to the next trading day.
  for (const path of Object.keys(await dayFiles(project))) {
    const day = path.slice(-18, -8);
    const times = (await project.rows(path)).map(
      ({ timestamp }) => Date.parse(timestamp as string) + 7 * 3_600_000,
    );
    const dates = new Set(times.map((time) => new Date(time).toISOString().slice(0, 10)));
    if (times.length > 0) expect([...dates]).toEqual([day]);
  }
});

test('S32: in whichever order the files arrive, run by run, the same days come out with the same bytes', async () => {
  await using together = await makeProject();
  for (const { path, text } of files) await put(together, path, text);
  await together.run(translator, options);
  await using apart = await makeProject();
  for (const index of [3, 0, 5, 4, 1, 2]) {
    await put(apart, files[index]!.path, files[index]!.text);
    await apart.run(translator, options);
  }
  expect(await dayFiles(apart)).toEqual(await dayFiles(together));
  expect(await apart.text('out/rejects/ES.csv')).toBe(await together.text('out/rejects/ES.csv'));
  expect((await apart.run(translator, options)).skip).toMatch(/^no new input/);
});

test('a file that arrives later touches the days of its bars and no other; a changed one takes its old bars back', async () => {
  await using project = await makeProject();
  const day = (date: string, ...closes: number[]) =>
    intradayCsv(
      closes.map(
        (close, index) => `${date}T15:0${index}:00Z,${close},${close},${close},${close},1`,
      ),
    );
  await put(project, 'ES/1m/2025/03/ES_1m_2025-03-04.csv', day('2025-03-04', 1, 2));
  await put(project, 'ES/1m/2025/03/ES_1m_2025-03-06.csv', day('2025-03-06', 5));
  await project.run(translator, options);
  const before = await project.state('out');
  // A file that holds a bar of another date than its own: the bar's time counts.
  await put(
    project,
    'ES/1m/2025/03/ES_1m_2025-03-05.csv',
    `${day('2025-03-05', 3)}2025-03-04T15:09:00Z,9,9,9,9,1\n`,
  );
  expect((await project.run(translator, options)).outputs).toMatchObject({ rows: 5 });
  const after = await project.state('out');
  expect(after['out/ES/2025/03/ES_1m_2025-03-06.parquet']).toBe(
    before['out/ES/2025/03/ES_1m_2025-03-06.parquet'],
  );
  expect((await translated(project)).map(({ close }) => close)).toEqual([1, 2, 9, 3, 5]);
  await put(project, 'ES/1m/2025/03/ES_1m_2025-03-05.csv', day('2025-03-05', 4));
  await project.run(translator, options);
  expect((await translated(project)).map(({ close }) => close)).toEqual([1, 2, 4, 5]);
  await rm(join(project.dir, 'raw/ES/1m/2025/03/ES_1m_2025-03-06.csv'));
  await project.run(translator, options);
  expect(await readdir(join(project.dir, 'out/ES/2025/03'))).toEqual([
    'ES_1m_2025-03-04.parquet',
    'ES_1m_2025-03-05.parquet',
  ]);
});

test('S32: the repeated hour of the night in November keeps its order, and no bar of it is lost', async () => {
  await using project = await makeProject();
  const rows = ['05:30', '06:30', '07:30'].map(
    (time, index) => `2025-11-02T${time}:00Z,${index},${index},${index},${index},1`,
  );
  await project.write(rawPath('ES', '2025-11-02'), intradayCsv(rows));
  await project.run(translator, { ...options, day_starts: '00:00' });
  const bars = await translated(project);
  expect(bars.map(({ timestamp, close }) => [timestamp.slice(11, 16), close])).toEqual([
    ['00:30', 0],
    ['01:30', 1],
    ['01:30', 2],
  ]);
});

test.each([
  ['2025-03-03T22:59:00Z', '17:00', '2025-03-03'],
  ['2025-03-03T23:00:00Z', '17:00', '2025-03-04'],
  ['2025-03-03T23:00:00Z', '00:00', '2025-03-03'],
  ['2025-03-04T05:59:00Z', '00:00', '2025-03-03'],
  ['2025-03-09T22:30:00Z', '17:00', '2025-03-10'],
  ['2025-03-07T23:30:00Z', '17:00', '2025-03-10'],
  ['2025-07-03T22:00:00Z', '17:00', '2025-07-04'],
])('a bar of %s belongs, when days start at %s, to %s', async (stamp, day_starts, day) => {
  await using project = await makeProject();
  await project.write(rawPath('ES', '2025-03-03'), intradayCsv([`${stamp},1,1,1,1,1`]));
  await project.run(translator, { ...options, day_starts });
  expect(Object.keys(await dayFiles(project))).toEqual([
    `out/ES/${day.slice(0, 4)}/${day.slice(5, 7)}/ES_1m_${day}.parquet`,
  ]);
});

test('S22: one invalid row in 900,000 is set aside with its file, line and reason, and every other one passes', async () => {
  await using project = await makeProject();
  const stamp = (minute: number) =>
    `${new Date(Date.UTC(2023, 0, 2) + minute * 60_000).toISOString().slice(0, 19)}Z`;
  const bad = `${stamp(777_776)},100,99,101,100,7`;
  for (let file = 0; file < 30; file += 1) {
    const rows = Array.from(
      { length: 30_000 },
      (_, row) => `${stamp(file * 30_000 + row)},100,101,99,100,${row % 50}`,
    );
    if (file === 25) rows[27_776] = bad;
    await project.write(`raw/ES/1m/part-${10 + file}.csv`, intradayCsv(rows));
  }
  const { outputs } = await project.run(translator, options);
  expect(outputs).toMatchObject({ rows: 899_999, rejected: 1, duplicates: 0 });
  expect(await project.text('out/rejects/ES.csv')).toBe(
    `file,line,reason,text\nES/1m/part-35.csv,27778,low is above open or close,"${bad}"\n`,
  );
});

test('a row that is no bar has its reason, and of a time that comes twice the last line is kept', async () => {
  await using project = await makeProject();
  const minuteIn = (minutes: number) =>
    new Date(Math.floor(Date.now() / 60_000 + minutes) * 60_000).toISOString();
  const far = minuteIn(7);
  const near = minuteIn(4);
  const bad: [row: string, reason: string][] = [
    ['2025-03-04T15:00:00,1,2,1,1,5', 'timestamp has no time zone'],
    ['2025-03-04 15:00,1,2,1,1,5', 'timestamp has no time zone'],
    ['2025-03-04,1,2,1,1,5', 'timestamp has no time zone'],
    ['yesterday,1,2,1,1,5', 'timestamp is not ISO 8601 with a time zone'],
    ['2025-13-04T15:00:00Z,1,2,1,1,5', 'timestamp is not ISO 8601 with a time zone'],
    [`${far},1,2,1,1,5`, 'timestamp is more than 5 minutes in the future'],
    ['2025-03-04T15:00:00Z,1_0,2,1,1,5', 'open is not a number'],
    ['2025-03-04T15:00:00Z,1,inf,1,1,5', 'high is not a number'],
    ['2025-03-04T15:00:00Z,1,2,-1,1,5', 'negative price'],
    ['2025-03-04T15:00:00Z,1,2,1,1,5.5', 'volume is not a whole number'],
    ['2025-03-04T15:00:00Z,1,2,1', 'expected 6 fields, found 4'],
  ];
  const good = [
    `${near},1,2,1,1,5`,
    '2025-03-04T15:00:00+00:00,1,2,1,1,5',
    '2025-03-04T16:30:00+01:00,1,2,1,1.5,5',
    '2025-03-04T15:00:00.000Z,1,2,1,2,6',
  ];
  await project.write(
    rawPath('ES', '2025-03-04'),
    intradayCsv([...good, ...bad.map(([row]) => row)]),
  );
  const { outputs } = await project.run(translator, { ...options, max_reject_ratio: 0.9 });
  expect(outputs).toMatchObject({ rows: 3, rejected: 11, duplicates: 1 });
  const listed = (await project.text('out/rejects/ES.csv')).trim().split('\n').slice(1);
  const expected = bad.map(
    ([row, reason], index) =>
      `ES/1m/2025/03/ES_1m_2025-03-04.csv,${index + 6},${reason.includes(',') ? `"${reason}"` : reason},"${row}"`,
  );
  expect(listed).toEqual(expected);
  expect(
    (await translated(project))
      .slice(0, 2)
      .map(({ timestamp, close }) => [timestamp.slice(11, 16), close]),
  ).toEqual([
    ['09:00', 2],
    ['09:30', 1.5],
  ]);
});

test('a clean file and the same file with one bad row give the same bars: both ways of reading agree', async () => {
  await using clean = await makeProject();
  await using odd = await makeProject();
  const [file] = sampleFiles({ ...order, awkward: false, days: 1 });
  await put(clean, file!.path, file!.text);
  await put(odd, file!.path, `${file!.text}"2025-03-06T99:00:00Z",1,1,1,1,1\n`);
  await clean.run(translator, options);
  expect((await odd.run(translator, options)).outputs).toMatchObject({ rejected: 1 });
  expect(await dayFiles(odd)).toEqual(await dayFiles(clean));
});

test('too many rejects in one file fail the instrument with the first ten, and leave its days as they were', async () => {
  await using project = await makeProject();
  const text = (bad: number) =>
    intradayCsv(
      Array.from(
        { length: 60 },
        (_, n) => `2025-03-04T15:${String(n).padStart(2, '0')}:00${n < bad ? '' : 'Z'},1,1,1,1,1`,
      ),
    );
  await project.write(rawPath('ES', '2025-03-04'), text(9));
  expect((await project.run(translator, options)).outputs).toMatchObject({ rows: 51, rejected: 9 });
  const before = await dayFiles(project);
  await project.write(rawPath('ES', '2025-03-04'), text(12));
  const failure = await project.run(translator, options).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: 'too-many-rejects',
    retryable: false,
    message: expect.stringContaining('12 of 60 rows'),
  });
  expect((failure as Error).message.match(/timestamp has no time zone/g)).toHaveLength(10);
  expect(await dayFiles(project)).toEqual(before);
});

test('a file with a header only becomes a valid, empty day with the documented columns', async () => {
  await using project = await makeProject();
  await project.write(rawPath('ES', '2025-12-25'), intradayCsv([]));
  expect((await project.run(translator, options)).outputs).toMatchObject({
    instruments: ['ES'],
    rows: 0,
    rejected: 0,
    files: 1,
  });
  const path = 'out/ES/2025/12/ES_1m_2025-12-25.parquet';
  expect(await project.rows(path)).toEqual([]);
  const { schema } = parquetMetadata(await parquetBytes(join(project.dir, path)));
  const names = 'timestamp open high low close volume instrument source interval synthetic'.split(
    ' ',
  );
  expect(schema.slice(1).map(({ name }) => name)).toEqual(names);
  expect(schema[1]).toMatchObject({
    type: 'INT64',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false },
  });
  expect((await project.run(translator, options)).skip).toMatch(/^no new input/);
});

test('S23: the folder of a new instrument is one warning, and the others run', async () => {
  await using project = await makeProject();
  await project.write(rawPath('ES', '2025-03-04'), intradayCsv(['2025-03-04T15:00:00Z,1,1,1,1,1']));
  await project.write(rawPath('XX', '2025-03-04'), intradayCsv(['2025-03-04T15:00:00Z,1,1,1,1,1']));
  expect((await project.run(translator, options)).outputs).toMatchObject({
    instruments: ['ES'],
    rows: 1,
  });
  expect(project.lines).toEqual([
    'warning: XX left out: not a known instrument; name it in "instruments" to take it',
  ]);
  const named = await project.run(translator, { ...options, instruments: ['XX'] });
  expect(named.outputs).toMatchObject({ instruments: ['XX'], rows: 1 });
});

test('columns are found by a map, in any order and with columns that nobody needs between them', async () => {
  await using project = await makeProject();
  await project.write(
    rawPath('ES', '2025-03-04'),
    'Vol,Last,When,O,H,L,Note\n7,3,2025-03-04T15:00:00Z,2,4,1,x\n',
  );
  const columns = {
    timestamp_utc: 'When',
    open: 'O',
    high: 'H',
    low: 'L',
    close: 'Last',
    volume: 'Vol',
  };
  await project.run(translator, { ...options, columns, synthetic: true });
  expect(await translated(project)).toMatchObject([
    { open: 2, high: 4, low: 1, close: 3, volume: 7, synthetic: true },
  ]);
});

test('S28: a day whose file was changed or removed is made again, and the others are left', async () => {
  await using project = await makeProject();
  for (const { path, text } of files) await put(project, path, text);
  await project.run(translator, options);
  const right = await dayFiles(project);
  const before = await project.state('out');
  await project.write('out/ES/2025/03/ES_1m_2025-03-07.parquet', 'of yesterday');
  await rm(join(project.dir, 'out/ES/2025/03/ES_1m_2025-03-10.parquet'));
  expect((await project.run(translator, options)).skip).toBeUndefined();
  expect(await dayFiles(project)).toEqual(right);
  const kept = 'out/ES/2025/03/ES_1m_2025-03-12.parquet';
  expect((await project.state('out'))[kept]).toBe(before[kept]);
});

test('what is read in many small chunks is what is read at once, though a file far behind holds a bar of the first day', async () => {
  await using project = await makeProject();
  for (const { path, text } of files) await put(project, path, text);
  await put(
    project,
    'ES/1m/2025/06/ES_1m_2025-06-02.csv',
    intradayCsv(['2025-03-06T14:30:00Z,1,1,1,1,1']),
  );
  await project.run(translator, options);
  await project.run(translator, { ...options, out: 'small', chunk_mb: 0.1 });
  expect(await project.allRows('small')).toEqual(await project.allRows('out'));
  expect(await project.text('small/rejects/ES.csv')).toBe(await project.text('out/rejects/ES.csv'));
});

test('a crash between two chunks loses no bar: days that were waiting are not vouched for', async () => {
  await using project = await makeProject();
  for (const { path, text } of files) await put(project, path, text);
  await project.run(translator, options);
  const right = await dayFiles(project);
  // As after a crash: the first chunk is recorded, its last days were waiting for the second one,
  // whose files are not read.
  const manifest = JSON.parse(await project.text('out/manifests/ES.json'));
  const isEarly = (path: string) => /2025-03-0[67]/.test(path);
  const notes = {
    ...manifest.notes,
    files: Object.fromEntries(
      Object.entries(manifest.notes.files).filter(([path]) => isEarly(path)),
    ),
  };
  const vouched = manifest.files.filter(({ path }: { path: string }) =>
    path.endsWith('2025-03-06.parquet'),
  );
  await project.write(
    'out/manifests/ES.json',
    JSON.stringify({ ...manifest, key: 'unfinished', notes, files: vouched }),
  );
  await project.write('out/ES/2025/03/ES_1m_2025-03-10.parquet', 'of another time');
  await project.write('out/ES/2024/01/ES_1m_2024-01-02.parquet', 'nobody speaks of it');
  await project.run(translator, options);
  expect(await dayFiles(project)).toEqual(right);
});

test('a raw file that is taken away takes its rejects with it', async () => {
  await using project = await makeProject();
  const one = (date: string) =>
    intradayCsv([`${date}T15:00:00Z,1,1,1,1,1`, `${date}T15:01:00,1,1,1,1,1`]);
  for (const date of ['2025-03-04', '2025-03-05'])
    await project.write(rawPath('ES', date), one(date));
  await project.run(translator, options);
  await rm(join(project.dir, rawPath('ES', '2025-03-04')));
  expect((await project.run(translator, options)).outputs).toMatchObject({ rows: 1, rejected: 1 });
  expect((await project.text('out/rejects/ES.csv')).trim().split('\n')).toEqual([
    'file,line,reason,text',
    expect.stringContaining('2025-03-05.csv,3'),
  ]);
});
