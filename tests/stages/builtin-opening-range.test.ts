import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as analyzer from '../../stages/builtin/analyzer.ts';
import { openDatabase } from '../../stages/builtin/duckdb.ts';
import * as merger from '../../stages/builtin/merger.ts';
import { sampleFiles } from '../../stages/builtin/sample-bars/files.ts';
import * as translator from '../../stages/builtin/translator.ts';
import { intradayCsv, makeProject, rawPath } from './builtin-kit.ts';
import { exchangeTime, type ReferenceBar, referenceBreakouts } from './opening-range-reference.ts';

type Project = Awaited<ReturnType<typeof makeProject>>;
type Bar = [time: string, open: number, high: number, low: number, close: number];

async function analyze(project: Project, over: Record<string, unknown> = {}) {
  await project.run(translator, { raw: 'raw', out: 't', layout: 'intraday' });
  return project.run(analyzer, { in: 't', out: 'a', ...over });
}

// Winter: Chicago is UTC − 6. Wednesday, 2025-01-15; the range of S1 is 5000–5010, so long at
// 5010.25, target 5020.25, stop 5000.25.
const quiet: Bar = ['', 5005, 5005, 5005, 5005];
const opening: Bar[] = [
  ['15 02:00', 5005, 5010, 5005, 5005],
  ['15 07:29', 5005, 5005, 5000, 5005],
];
const toRow = ([time, ...prices]: Bar) => {
  const [day, clock] = time.split(' ') as [string, string];
  return `${new Date(Date.parse(`2025-01-${day}T${clock}:00Z`) + 6 * 3_600_000).toISOString().slice(0, 19)}Z,${prices.join(',')},1`;
};
async function slotOf(bars: Bar[], slot = '07:30') {
  await using project = await makeProject();
  await project.write(rawPath('ES', '2025-01-15'), intradayCsv([...opening, ...bars].map(toRow)));
  await analyze(project);
  const rows = await project.rows('a/ES.parquet');
  return rows.find((row) => row['slot'] === slot && row['date'] === '2025-01-15T00:00:00.000Z')!;
}
const at = (time: string, ...prices: [number, number, number, number]): Bar => [time, ...prices];

test.each<[string, Bar[], string | null, string, number | null, number | null]>([
  [
    'a target is a Win',
    [at('15 07:45', 5008, 5011, 5008, 5011), at('15 08:15', 5011, 5021, 5011, 5020)],
    'Long',
    'Win',
    5010.25,
    10,
  ],
  [
    'a short mirrors it',
    [at('15 07:45', 5002, 5002, 4999, 4999), at('15 08:15', 4999, 4999, 4989, 4990)],
    'Short',
    'Win',
    4999.75,
    10,
  ],
  [
    'a stop is a Loss',
    [at('15 07:45', 5008, 5011, 5008, 5011), at('15 08:15', 5005, 5005, 5000.25, 5001)],
    'Long',
    'Loss',
    5010.25,
    -10,
  ],
  [
    '65 % of the target moves the stop to 1 tick behind the entry, from the next bar on',
    [at('15 07:45', 5008, 5016.75, 5008, 5011), at('15 08:15', 5011, 5011, 5010, 5010.5)],
    'Long',
    'BE',
    5010.25,
    -0.25,
  ],
  [
    '64 % of the target does not',
    [at('15 07:45', 5008, 5016.5, 5008, 5011), at('15 08:15', 5011, 5011, 5010, 5010.5)],
    'Long',
    'OPEN',
    5010.25,
    null,
  ],
  [
    'both sides in one bar are NoTrade',
    [at('15 07:45', 5005, 5011, 4999, 5005)],
    null,
    'NoTrade',
    null,
    0,
  ],
  [
    'a freeze bar that closes beyond enters at once, though it reached both',
    [at('15 07:30', 5005, 5012, 4999, 5011)],
    'Long',
    'Loss',
    5010.25,
    -10,
  ],
  [
    'no break by 16:00 is NoTrade',
    [at('15 15:59', 5005, 5010, 5000, 5005), at('15 16:00', 5005, 5030, 5005, 5030)],
    null,
    'NoTrade',
    null,
    0,
  ],
  [
    'the bar of 15:59 still enters',
    [at('15 15:59', 5005, 5010.25, 5005, 5010)],
    'Long',
    'OPEN',
    5010.25,
    null,
  ],
  [
    'target and stop in one bar: the one nearer to the close',
    [at('15 07:45', 5008, 5011, 5008, 5011), at('15 08:15', 5011, 5021, 5000, 5012)],
    'Long',
    'Win',
    5010.25,
    10,
  ],
  [
    'target and stop equally near: the stop',
    [at('15 07:45', 5008, 5011, 5008, 5011), at('15 08:15', 5011, 5021, 5000, 5010.25)],
    'Long',
    'Loss',
    5010.25,
    -10,
  ],
  [
    'the same slot of the next trading day ends it: TIME at the last close',
    [
      at('15 07:45', 5008, 5011, 5008, 5011),
      at('16 07:29', 5011, 5012, 5011, 5012),
      at('16 07:30', 5012, 5030, 5012, 5030),
    ],
    'Long',
    'TIME',
    5010.25,
    1.75,
  ],
  [
    'a weekend is no trading day: Friday is held until Monday',
    [at('15 07:45', 5005, 5010, 5000, 5005), at('19 18:00', 5005, 5005, 5005, 5005)],
    null,
    'NoTrade',
    null,
    0,
  ],
])('%s', async (_title, bars, direction, result, entry_price, profit) => {
  expect(await slotOf(bars)).toMatchObject({ direction, result, entry_price, profit, range: 10 });
});

test('the stop is never farther than three targets, and a slot without a range, or with one of 0, is a NoTrade that is written', async () => {
  const wide = await slotOf([
    at('15 07:20', 5005, 5060, 5005, 5005),
    at('15 07:45', 5005, 5061, 5005, 5060),
  ]);
  expect(wide).toMatchObject({ range: 60, stop: 30, target: 10, direction: 'Long' });
  expect(await slotOf([at('15 09:45', 5005, 5100, 5005, 5100)], '09:30')).toMatchObject({
    range: null,
    result: 'NoTrade',
    profit: 0,
  });
  const flat = await slotOf(
    [at('15 08:10', 5005, 5005, 5005, 5005), at('15 09:45', 5005, 5100, 5005, 5100)],
    '09:30',
  );
  expect(flat).toMatchObject({ range: 0, result: 'NoTrade' });
});

test('each price is held at the exit that its bar had: times and peak', async () => {
  const row = await slotOf([
    at('15 07:45', 5008, 5011, 5008, 5011),
    at('15 08:15', 5011, 5014, 5003, 5004),
    at('15 08:16', 5004, 5004, 4990, 4991),
  ]);
  expect(row).toMatchObject({
    entry_time: '2025-01-15T07:45:00.000Z',
    exit_time: '2025-01-15T08:16:00.000Z',
    exit_price: 5000.25,
    peak: 3.75,
    result: 'Loss',
    stream: 'ES-S1',
    session: 'S1',
    stop: 10,
    target: 10,
  });
});

test('a day that is not over has rows only where something broke; the others wait and are counted', async () => {
  await using project = await makeProject();
  await project.write(
    rawPath('ES', '2025-01-15'),
    intradayCsv([...opening, at('15 07:45', 5008, 5011, 5008, 5011)].map(toRow)),
  );
  await project.run(translator, { raw: 'raw', out: 't', layout: 'intraday' });
  const database = await openDatabase({
    workspace: project.dir,
    stage: 's',
    attempt: 1,
    signal: new AbortController().signal,
  });
  // No clock is past this day: 2999-01-15, a Tuesday.
  await database.run(
    `COPY (SELECT * REPLACE (timestamp + INTERVAL 974 YEAR AS timestamp) FROM '${project.dir}/t/ES/**/*.parquet') TO '${project.dir}/ES.parquet'`,
  );
  await database.close();
  await project.move('ES.parquet', 'later/ES/2999-01-15.parquet');
  const { outputs } = await project.run(analyzer, { in: 'later', out: 'a' });
  expect(outputs).toMatchObject({ rows: 1, trades: 1, pending: 6 });
  expect(JSON.parse(await project.text('a/manifests/ES.json'))['recheck_at']).toBe(
    Date.parse('2999-01-15T22:00:00Z'),
  );
});

// Two weeks with the change to summer time in them; two instruments with other ticks; every seventh
// file has a fault.
test.each([
  ['ES', 0.25, 10, '2025-02-27'],
  ['NG', 0.001, 0.05, '2025-10-29'],
])(
  '%s of the samples agrees row by row with straight loops over the raw bars',
  async (instrument, tick, target, from) => {
    await using project = await makeProject();
    const bars: ReferenceBar[] = [];
    for (const file of sampleFiles({
      instruments: [instrument],
      from,
      days: 14,
      seed: 7,
      awkward: true,
    })) {
      await mkdir(dirname(join(project.dir, 'raw', file.path)), { recursive: true });
      await writeFile(join(project.dir, 'raw', file.path), file.text);
      for (const { utc, ...prices } of file.bars) bars.push({ ...prices, time: exchangeTime(utc) });
    }
    await analyze(project);
    const rows = await project.rows(`a/${instrument}.parquet`);
    const expected = referenceBreakouts(bars, instrument, tick, target);
    expect(rows.length).toBeGreaterThan(60);
    expect(new Set(rows.map(({ result }) => result)).size).toBeGreaterThan(2);
    expect(rows).toEqual(expected);
  },
);

test('an instrument without tick and target is one warning; with them it is analysed', async () => {
  await using project = await makeProject();
  await project.write(
    rawPath('ZB', '2025-01-15'),
    intradayCsv([...opening, quiet].slice(0, 2).map(toRow)),
  );
  await project.run(translator, { raw: 'raw', out: 't', layout: 'intraday', instruments: ['ZB'] });
  expect((await project.run(analyzer, { in: 't', out: 'a' })).skip).toBeDefined();
  expect(project.lines).toEqual(['warning: ZB left out: give tick and target in "specs"']);
  const { outputs } = await project.run(analyzer, {
    in: 't',
    out: 'a',
    specs: { ZB: { tick: 0.03125, target: 1 } },
  });
  expect(outputs).toMatchObject({ instruments: ['ZB'], rows: 7 });
});

test('S31: trades that were OPEN yesterday and close today are updates of their rows, and merging again changes nothing', async () => {
  await using project = await makeProject();
  const merge = () => project.run(merger, { in: 'a', out: 'm' });
  await project.write(
    rawPath('ES', '2025-01-15'),
    intradayCsv([...opening, at('15 15:59', 5005, 5010.25, 5005, 5010)].map(toRow)),
  );
  expect((await analyze(project)).outputs).toMatchObject({ rows: 7, open: 3 });
  expect((await merge()).outputs).toMatchObject({ inserted: 7, updated: 0 });
  await project.write(
    rawPath('ES', '2025-01-16'),
    intradayCsv([at('16 07:00', 5010, 5021, 5010, 5020)].map(toRow)),
  );
  await analyze(project);
  expect((await merge()).outputs).toMatchObject({
    inserted: 7,
    updated: 3,
    unchanged: 4,
    written: 2,
  });
  const rows = await project.rows('m/ES/S1/2025-01.parquet');
  expect(rows.slice(0, 3).map(({ result, profit }) => [result, profit])).toEqual(
    Array(3).fill(['Win', 10]),
  );
  const state = await project.state('m');
  expect((await merge()).outputs).toMatchObject({
    inserted: 0,
    updated: 0,
    unchanged: 14,
    written: 0,
  });
  expect(await project.state('m')).toEqual(state);
});
