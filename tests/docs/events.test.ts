import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventNameSchema } from '../../wire/events.ts';
import { everyExample } from '../support/examples.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const rows = readFileSync(`${root}/docs/events.md`, 'utf8')
  .split('\n')
  .filter((line) => /^\| [a-z_]+ \|/.test(line) && !line.startsWith('| event |'))
  .map((line) => line.split('|').map((cell) => cell.trim()));
const documented = new Map(
  rows.map(([, word = '', attempt, , data = '']) => [
    word,
    { attempt, keys: data.split(', ').filter(Boolean) },
  ]),
);

test('docs/events.md and the catalogue name the same words', () => {
  expect([...documented.keys()].toSorted()).toEqual(eventNameSchema.options.toSorted());
});

test('every word of the catalogue is said somewhere in the source', () => {
  const source = globSync(['machines/*.ts', 'services/**/*.ts'], { cwd: root })
    .map((file) => readFileSync(`${root}/${file}`, 'utf8'))
    .join('\n');
  for (const word of eventNameSchema.options)
    expect([
      word,
      new RegExp(`event: '${word}'|say\\('${word}'|\\? '${word}'|: '${word}';`).test(source),
    ]).toEqual([word, true]);
});

test('the events of every example carry only what is documented, and an attempt only where it is said', () => {
  const told = everyExample().flatMap(({ events }) => events);
  expect(told.length).toBeGreaterThan(30);
  for (const { event, stage, attempt, data } of told) {
    const known = documented.get(event);
    expect([event, Object.keys(data).filter((key) => !known?.keys.includes(key))]).toEqual([
      event,
      [],
    ]);
    if (attempt !== undefined) expect([event, known?.attempt]).toEqual([event, 'yes']);
    else if (known?.attempt === 'yes') expect([event, stage]).toEqual([event, 'pipeline']);
  }
});
