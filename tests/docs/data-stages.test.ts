import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { optionsSchema as analyzerOptions } from '../../stages/builtin/analyzer/analyzer-options.ts';
import * as analyzer from '../../stages/builtin/analyzer.ts';
import { openDatabase } from '../../stages/builtin/duckdb.ts';
import { optionsSchema as mergerOptions } from '../../stages/builtin/merger.ts';
import { optionsSchema as translatorOptions } from '../../stages/builtin/translator/translator-options.ts';
import * as translator from '../../stages/builtin/translator.ts';
import { dailyCsv, intradayCsv, makeProject, rawPath } from '../stages/builtin-kit.ts';

const text = readFileSync(new URL('../../docs/data-stages.md', import.meta.url), 'utf8');
/**
 * The rows of every table below a heading, its first two cells. A cell may name several columns.
 */
const tableUnder = (heading: string, head: string): [string, string][] => {
  const section = text.slice(text.indexOf(heading)).split('\n#')[0] as string;
  const table = section.slice(section.indexOf(`| ${head} |`)).split('\n\n')[0] as string;
  return table
    .split('\n')
    .slice(2)
    .filter((row) => row.startsWith('|'))
    .flatMap((row) => {
      const [, names = '', type = ''] = row.split('|').map((cell) => cell.trim());
      return names.split(', ').map((name): [string, string] => [name, type]);
    });
};

async function columnsOf(dir: string, file: string): Promise<[string, string][]> {
  const database = await openDatabase({
    workspace: dir,
    stage: 's',
    attempt: 1,
    signal: new AbortController().signal,
  });
  const rows = await database.rows<{ column_name: string; column_type: string }>(
    `DESCRIBE SELECT * FROM '${join(dir, file)}'`,
  );
  await database.close();
  return rows.map(({ column_name, column_type }) => [column_name, column_type]);
}

test('the documented columns are those of the files, with their types and in their order', async () => {
  await using project = await makeProject();
  await project.write('daily/X/x.csv', dailyCsv([[1, 2, 1, 2]]));
  await project.write(rawPath('ES', '2025-01-15'), intradayCsv(['2025-01-15T15:00:00Z,1,2,1,2,5']));
  await project.run(translator, { raw: 'daily', out: 'td' });
  await project.run(translator, { raw: 'raw', out: 'ti', layout: 'intraday' });
  await project.run(analyzer, { in: 'td', out: 'ad' });
  await project.run(analyzer, { in: 'ti', out: 'ai' });
  const bars = tableUnder('## Translator', 'column');
  const breakouts = tableUnder('### Minute bars', 'column');
  expect(await columnsOf(project.dir, 'td/X.parquet')).toEqual(bars);
  expect(await columnsOf(project.dir, 'ti/ES/2025/01/ES_1m_2025-01-15.parquet')).toEqual(bars);
  expect(await columnsOf(project.dir, 'ai/ES.parquet')).toEqual(breakouts);
  expect(await columnsOf(project.dir, 'ad/X.parquet')).toEqual([
    ...breakouts,
    ...tableUnder('### Daily bars', 'column'),
  ]);
});

test.each([
  ['## Translator', translatorOptions],
  ['## Analyzer', analyzerOptions],
  ['## Merger', mergerOptions],
])('every option of %s is documented, and no other', (heading, schema) => {
  const documented = [
    ...tableUnder('## What holds', 'option of all three'),
    ...tableUnder(heading, 'option'),
  ].map(([name]) => name);
  expect(documented.toSorted()).toEqual(Object.keys(schema.shape).toSorted());
});
