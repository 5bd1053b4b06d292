import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as analyzer from '../../stages/builtin/analyzer.ts';
import * as merger from '../../stages/builtin/merger.ts';
import { niceTicks, timeTicks } from '../../stages/builtin/report/scale.ts';
import * as report from '../../stages/builtin/report.ts';
import * as translator from '../../stages/builtin/translator.ts';
import { dailyCsv, makeProject } from './builtin-kit.ts';

type Bar = [open: number, high: number, low: number, close: number];
const inside: Bar = [105, 110, 100, 105];
const wins: Bar = [105, 116, 104, 115];
const options = { in: 'm', out: 'r', title: 'Breaks & <bars>' };

async function prepared(bars: Record<string, Bar[]>) {
  const project = await makeProject();
  for (const [name, list] of Object.entries(bars))
    await project.write(`raw/${name}/d.csv`, dailyCsv(list));
  await project.run(translator, { raw: 'raw', out: 't' });
  await project.run(analyzer, { in: 't', out: 'a' });
  await project.run(merger, { in: 'a', out: 'm' });
  return project;
}

test('the page says what the merged rows say: trades, wins and net per instrument and slot', async () => {
  await using project = await prepared({
    UP: [inside, wins, [110, 112, 106, 108]],
    FLAT: [inside, inside],
  });
  const { outputs, files } = await project.run(report, options);
  expect(outputs).toMatchObject({ rows: 5, trades: 1, instruments: 2 });
  expect(files).toMatchObject([{ path: 'r/report.html', rows: 5 }]);
  const page = await project.text('r/report.html');
  const rows = [...page.matchAll(/<tr><th scope="row">(.*?)<\/tr>/g)].map(([, row]) =>
    row!
      .replaceAll(/<[^>]+>/g, ' ')
      .split(/\s+/)
      .filter(Boolean),
  );
  expect(rows).toEqual([
    ['D1', '0', '–', '0', '0', '0', '10', '0'],
    ['D1', '1', '100', '%', '0', '0', '0', '11', '+5'],
  ]);
  expect(page.match(/<svg /g)).toHaveLength(5);
  expect(page).toContain('1 Jan 2018 to 3 Jan 2018');
});

test('the page stands alone: no script, nothing fetched, and names are text', async () => {
  await using project = await prepared({ UP: [inside, wins] });
  await project.run(report, options);
  const page = await project.text('r/report.html');
  expect(page).not.toMatch(/<script|<link|<iframe|<img|\bsrc=|\bhref=|url\(|@import|\bon[a-z]+=/i);
  expect(page).toContain('<h1>Breaks &amp; &lt;bars&gt;</h1>');
  expect(page).toMatch(/@media \(prefers-color-scheme: dark\)/);
  expect(page).not.toMatch(/NaN|undefined|null|Infinity/);
});

test('each run has the page as its artefact; without new rows the stage is skipped and the bytes are the same', async () => {
  await using project = await prepared({ UP: [inside, wins] });
  await project.run(report, options);
  const first = await project.text('workspace/artefacts/report.html');
  const again = await project.run(report, options, { workspace: join(project.dir, 'workspace-2') });
  expect(again.skip).toBe('nothing new to report');
  expect(await project.text('workspace-2/artefacts/report.html')).toBe(first);
  expect(await readdir(join(project.dir, 'workspace-2/artefacts'))).toEqual(['report.html']);
});

test('without merged rows there is a page that says so', async () => {
  await using project = await prepared({ UP: [] });
  await project.run(report, options);
  expect(await project.text('r/report.html')).toContain('There are no merged rows yet.');
});

test.each([
  [0, 108, 4, [0, 50, 100, 150]],
  [-68, 0, 4, [-80, -60, -40, -20, 0]],
  [0, 0, 4, [0, 0.25, 0.5, 0.75, 1]],
  [-0.3, 0.45, 4, [-0.4, -0.2, 0, 0.2, 0.4, 0.6]],
])('an axis from %d to %d has round marks that cover it', (low, high, steps, ticks) => {
  const found = niceTicks(low, high, steps);
  expect(found[0]! <= low && found.at(-1)! >= high).toBe(true);
  expect(found).toEqual(ticks);
});

test('a time axis marks months, then quarters, then years, as the span grows', () => {
  const marks = (from: string, to: string) =>
    timeTicks(Date.parse(from), Date.parse(to), 12)
      .map(({ text }) => text)
      .join(' ');
  expect(marks('2025-01-20', '2025-04-10')).toBe('Feb Mar Apr');
  expect(marks('2024-02-01', '2025-08-01')).toBe('Apr Jul Oct 2025 Apr Jul');
  expect(marks('2000-01-03', '2020-04-17')).toBe(
    '2000 2002 2004 2006 2008 2010 2012 2014 2016 2018 2020'.replace('2000 ', ''),
  );
});
