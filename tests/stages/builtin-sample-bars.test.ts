import { sampleFiles } from '../../stages/builtin/sample-bars/files.ts';
import {
  chicagoOffsetMs,
  holidayOf,
  openMinutes,
} from '../../stages/builtin/sample-bars/trading-days.ts';
import * as sampleBars from '../../stages/builtin/sample-bars.ts';
import { makeProject } from './builtin-kit.ts';
import { exchangeTime } from './opening-range-reference.ts';

const hourMs = 3_600_000;
const order = { instruments: ['ES', 'CL'], from: '2025-11-24', days: 7, seed: 1, awkward: true };
const countOf = (date: string) => openMinutes(Date.parse(date)).length;

test('the same seed gives the same bytes, another seed others, and a day does not depend on the days before it', () => {
  const texts = (over: Partial<typeof order> = {}) =>
    [...sampleFiles({ ...order, ...over })].map(({ path, text }) => `${path} ${text}`);
  expect(texts()).toEqual(texts());
  expect(texts({ seed: 2 })).not.toEqual(texts());
  expect(texts({ from: '2025-11-26', days: 1 })[0]).toBe(texts()[2]);
});

test('Chicago is as far from UTC as the platform says: every hour in the months that change the clock, every day of four years', () => {
  const wrong: string[] = [];
  const isNear = (utc: number) =>
    [2, 10].includes(new Date(utc).getUTCMonth()) && new Date(utc).getUTCDate() < 16;
  for (
    let utc = Date.UTC(2023, 0, 1);
    utc < Date.UTC(2027, 0, 1);
    utc += isNear(utc) ? hourMs : 24 * hourMs
  )
    if (exchangeTime(utc) !== utc + chicagoOffsetMs(utc)) wrong.push(new Date(utc).toISOString());
  expect(wrong).toEqual([]);
});

test('the awkward days are there: weekends, a closed holiday, one that ends at noon, and both changes of the clock', () => {
  expect([countOf('2025-11-22'), countOf('2025-12-25')]).toEqual([0, 60]);
  expect([
    holidayOf(Date.parse('2025-11-27')),
    holidayOf(Date.parse('2025-11-28')),
    holidayOf(Date.parse('2025-12-24')),
  ]).toEqual(['early', 'early', null]);
  // Sunday opens at 17:00 Chicago time: 23:00 UTC in winter, 22:00 in summer.
  expect([countOf('2025-03-02'), countOf('2025-03-09'), countOf('2025-11-02')]).toEqual([
    60, 120, 60,
  ]);
  expect(countOf('2025-03-04')).toBe(1380);
});

test('what a file says of itself is so: its bars, its bad rows and its doubled minutes are all of its rows', () => {
  const files = [...sampleFiles({ ...order, days: 40 })];
  for (const { text, bars, rejected, duplicates } of files)
    expect(text.trim().split('\n')).toHaveLength(1 + bars.length + rejected + duplicates);
  expect(
    files.some(({ rejected }) => rejected > 0) && files.some(({ duplicates }) => duplicates > 0),
  ).toBe(true);
  const wrong = files
    .flatMap(({ bars }) => bars)
    .filter(
      ({ open, high, low, close }) =>
        low <= 0 || low > Math.min(open, close) || high < Math.max(open, close),
    );
  expect(wrong).toEqual([]);
});

test('the stage writes each file once; a second run is skipped and an unknown instrument refused', async () => {
  await using project = await makeProject();
  const options = { out: 'raw', instruments: ['ES'], from: '2025-01-10', days: 4, seed: 1 };
  const { outputs, files } = await project.run(sampleBars, options);
  expect(outputs).toMatchObject({ instruments: ['ES'], written: 4 });
  expect(files!.map(({ path }) => path)).toContain('raw/ES/1m/2025/01/ES_1m_2025-01-11.csv');
  expect(await project.text('raw/ES/1m/2025/01/ES_1m_2025-01-11.csv')).toBe(
    'timestamp_utc,open,high,low,close,volume\n',
  );
  expect((await project.run(sampleBars, options)).skip).toBe('the sample bars are there already');
  await expect(project.run(sampleBars, { ...options, instruments: ['XX'] })).rejects.toMatchObject({
    code: 'bad-options',
  });
});
