import { readFileSync } from 'node:fs';
import { controlCommands } from '../../bin/commands/control.ts';
import { commandTable, commandTypes } from '../../wire/command-table.ts';

const read = (name: string): string =>
  readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
const rowsOf = (text: string): string[] =>
  text.split('\n').flatMap((line) => /^\| ([^|]+) \|/.exec(line.replaceAll('\\|', '¦'))?.[1] ?? []);

test('docs/api.md describes every command, and no other', () => {
  const section = read('api.md').split('\n## Commands\n')[1]?.split('\n## ')[0] ?? '';
  const documented = rowsOf(section).map((row) => row.split(' ')[0]);
  expect(documented).toEqual(['type', ...commandTypes]);
});

test('docs/cli.md gives the verb of every command as it is used', () => {
  const rows = rowsOf(read('cli.md')).map((row) => row.replaceAll('¦', '|').replaceAll('`', ''));
  for (const type of commandTypes) {
    const { name } = commandTable[type].verb;
    const row = rows.find((one) => one.split(/[ ,]+/).includes(name));
    expect([name, row]).toEqual([
      name,
      expect.stringContaining(controlCommands[name]?.usage ?? ''),
    ]);
  }
});
