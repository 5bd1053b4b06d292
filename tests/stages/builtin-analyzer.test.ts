import { join } from 'node:path';
import * as analyzer from '../../stages/builtin/analyzer.ts';
import { openDatabase } from '../../stages/builtin/duckdb.ts';
import * as translator from '../../stages/builtin/translator.ts';
import { dailyCsv, makeProject } from './builtin-kit.ts';

type Bar = [open: number, high: number, low: number, close: number];
type Project = Awaited<ReturnType<typeof makeProject>>;
const sample = join(import.meta.dirname, '../../pipelines/data/raw');

async function analyze(project: Project, bars: Bar[]) {
  await project.write('raw/X/x.csv', dailyCsv(bars));
  await project.run(translator, { raw: 'raw', out: 't' });
  await project.run(analyzer, { in: 't', out: 'a' });
  return project.rows('a/X.parquet');
}

// Previous range 100–110: long enters at 110.01 with target 115.01 and stop 100.01, short mirrors
// it at 99.99; 65 % is 3.25.
const before: Bar = [105, 110, 100, 105];
test.each<[string, Bar[], string | null, string, number | null, number | null, number | null]>([
  [
    'the target in the bar of the entry is a Win',
    [[105, 116, 104, 115]],
    'Long',
    'Win',
    110.01,
    115.01,
    5,
  ],
  ['a short to its target is a Win', [[105, 106, 94, 95]], 'Short', 'Win', 99.99, 94.99, 5],
  ['both sides in one bar are no trade', [[105, 111, 99, 105]], null, 'NoTrade', null, null, 0],
  ['a bar inside the range is no trade', [[105, 110, 100, 105]], null, 'NoTrade', null, null, 0],
  [
    'the target in the next bar is a Win',
    [
      [105, 112, 104, 111],
      [111, 116, 110.5, 115],
    ],
    'Long',
    'Win',
    110.01,
    115.01,
    5,
  ],
  [
    'a stop moved by 65 % of the target is BE',
    [
      [105, 114, 104, 113],
      [112, 113, 109, 111],
    ],
    'Long',
    'BE',
    110.01,
    110,
    -0.01,
  ],
  [
    'a stop that was not moved is a Loss',
    [
      [105, 112, 104, 111],
      [105, 106, 100, 103],
    ],
    'Long',
    'Loss',
    110.01,
    100.01,
    -10,
  ],
  [
    'a short stopped in the next bar is a Loss',
    [
      [105, 106, 98, 99],
      [105, 111, 104, 105],
    ],
    'Short',
    'Loss',
    99.99,
    109.99,
    -10,
  ],
  [
    'neither level by the next close is TIME',
    [
      [105, 112, 104, 111],
      [111, 112, 105, 111.5],
    ],
    'Long',
    'TIME',
    110.01,
    111.5,
    1.49,
  ],
  ['no next bar yet is OPEN', [[105, 112, 104, 111]], 'Long', 'OPEN', 110.01, null, null],
  [
    'an open beyond the level enters at the open',
    [[112, 113, 111, 112]],
    'Long',
    'OPEN',
    112,
    null,
    null,
  ],
  [
    'an open beyond the stop fills at the open',
    [
      [105, 112, 104, 111],
      [98, 99, 97, 98],
    ],
    'Long',
    'Loss',
    110.01,
    98,
    -12.01,
  ],
  [
    'both levels in one bar: the one nearer to the close',
    [[111, 117, 100.5, 115]],
    'Long',
    'Win',
    111,
    116,
    5,
  ],
  ['both levels equally near: the stop', [[111, 117, 100.5, 108.5]], 'Long', 'Loss', 111, 101, -10],
])('%s', async (_title, bars, direction, result, entry, exit, profit) => {
  await using project = await makeProject();
  const row = (await analyze(project, [before, ...bars]))[1]!;
  const close = (value: number | null) => (value === null ? null : expect.closeTo(value, 9));
  expect(row).toMatchObject({
    direction,
    result,
    entry_price: close(entry),
    exit_price: close(exit),
    profit: close(profit),
    range: 10,
  });
  expect(row['exit_time']).toBe(exit === null ? null : `2018-01-0${bars.length + 1}T00:00:00.000Z`);
});

test('each day of the samples has one row, in the documented columns', async () => {
  await using project = await makeProject();
  await project.run(translator, { raw: sample, out: 't' });
  const { outputs } = await project.run(analyzer, { in: 't', out: 'a' });
  const rows = await project.rows('a/SPX.parquet');
  expect(rows).toHaveLength(5105);
  expect(new Set(rows.map(({ date }) => date)).size).toBe(5105);
  expect(Object.keys(rows[0]!).join(' ')).toBe(
    'date slot session instrument stream direction entry_time entry_price exit_time exit_price stop target peak range result profit return_20d volatility_20d drawdown',
  );
  expect(rows[0]).toMatchObject({
    date: '2000-01-03T00:00:00.000Z',
    session: 'D1',
    instrument: 'SPX',
    result: 'NoTrade',
    range: null,
  });
  expect(outputs).toMatchObject({ instruments: ['AAPL', 'SPX'], rows: 6365 });
  for (const row of rows.filter(({ result }) => result === 'Win'))
    expect(row['profit']).toBeGreaterThan(0);
  for (const row of rows.filter(({ result }) => result === 'Loss'))
    expect(row['profit']).toBeLessThan(0);
});

test('return, volatility and drawdown are those of their formulas', async () => {
  await using project = await makeProject();
  await project.run(translator, { raw: sample, out: 't' });
  await project.run(analyzer, { in: 't', out: 'a' });
  const closes = (await project.rows('t/AAPL.parquet')).map(({ close }) => close as number);
  const rows = await project.rows('a/AAPL.parquet');
  const daily = closes.map((close, index) => (index === 0 ? 0 : close / closes[index - 1]! - 1));
  let highest = 0;
  for (const [index, close] of closes.entries()) {
    highest = Math.max(highest, close);
    expect(rows[index]!['drawdown']).toBeCloseTo(close / highest - 1, 10);
    if (index < 20) {
      expect(rows[index]).toMatchObject({ return_20d: null, volatility_20d: null });
      continue;
    }
    const last = daily.slice(index - 19, index + 1);
    const mean = last.reduce((sum, value) => sum + value, 0) / 20;
    const deviation = Math.sqrt(last.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 19);
    expect(rows[index]!['return_20d']).toBeCloseTo(close / closes[index - 20]! - 1, 10);
    expect(rows[index]!['volatility_20d']).toBeCloseTo(deviation * Math.sqrt(252), 10);
  }
});

test('S20: unchanged input is skipped; another window is not unchanged', async () => {
  await using project = await makeProject();
  await analyze(project, [before, before, before]);
  const state = await project.state('a');
  expect((await project.run(analyzer, { in: 't', out: 'a' })).skip).toMatch(/^no new input/);
  expect(await project.state('a')).toEqual(state);
  expect((await project.run(analyzer, { in: 't', out: 'a', window: 2 })).outputs).toMatchObject({
    changed: ['X'],
  });
  expect((await project.rows('a/X.parquet'))[2]).toMatchObject({ return_2d: 0, volatility_2d: 0 });
});

test('S21: one instrument that cannot be read fails the stage, the others are done and not done again', async () => {
  await using project = await makeProject();
  await analyze(project, [before]);
  await project.write('t/BAD.parquet', 'not Parquet');
  await project.write('raw/X/x.csv', dailyCsv([before, before]));
  await project.run(translator, { raw: 'raw', out: 't' });
  const failing = project.run(analyzer, { in: 't', out: 'a' });
  await expect(failing).rejects.toMatchObject({
    code: 'unreadable-input',
    message: expect.stringContaining('BAD.parquet'),
  });
  expect(await project.rows('a/X.parquet')).toHaveLength(2);
  const state = await project.state('a');
  await expect(project.run(analyzer, { in: 't', out: 'a' }, { attempt: 2 })).rejects.toMatchObject({
    code: 'unreadable-input',
  });
  expect(await project.state('a')).toEqual(state);
});

test('bars of a minute are refused, not analysed as days', async () => {
  await using project = await makeProject();
  await analyze(project, [before]);
  const database = await openDatabase({
    workspace: project.dir,
    stage: 's',
    attempt: 1,
    signal: new AbortController().signal,
  });
  await database.run(
    `COPY (SELECT * REPLACE ('1m' AS interval) FROM '${project.dir}/t/X.parquet') TO '${project.dir}/t/ES.parquet'`,
  );
  await database.close();
  await expect(project.run(analyzer, { in: 't', out: 'a' })).rejects.toMatchObject({
    code: 'unsupported-interval',
    retryable: false,
  });
});

test('an empty input becomes a valid, empty output', async () => {
  await using project = await makeProject();
  expect(await analyze(project, [])).toEqual([]);
});
