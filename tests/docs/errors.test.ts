import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { serviceErrors } from '../../services/host/service-error.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [refusals = '', failures = ''] = readFileSync(`${root}/docs/errors.md`, 'utf8').split(
  '## Failures of stages and runs',
);
const rowsOf = (table: string): string[][] =>
  table
    .split('\n')
    .filter((line) => /^\| [a-z-]+ \|/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map((cells) => cells.slice(1, -1));

test('docs/errors.md and the table of refusals name the same codes, statuses and meanings', () => {
  const documented = rowsOf(refusals)
    .filter(([code]) => code !== 'code')
    .map(([code, status, meaning]) => [code, Number(status), meaning]);
  expect(documented).toEqual(
    Object.entries(serviceErrors).map(([code, [status, title]]) => [code, status, title]),
  );
});

test('docs/errors.md and the source name the same failure codes', () => {
  // A failure is thrown by one of these, or is data with a code of its own; zod's codes and those
  // of pipeline files are others.
  const pattern =
    /(?:StageFailure|failed|bad|refusal|readable)\(\s*'([a-z-]+)'|\bcode: '([a-z-]+)'|known \? code : '([a-z-]+)'/g;
  const others = ['custom', 'invalid', 'unknown-key', 'not-supported-yet', 'param-in-shell'];
  const found = new Set<string>();
  for (const file of globSync(
    [
      'machines/*.ts',
      'stages/**/*.ts',
      'services/{runners,interpreter}/*.ts',
      'services/secrets/secrets.ts',
    ],
    {
      cwd: root,
    },
  ))
    for (const [, thrown, data, module] of readFileSync(`${root}/${file}`, 'utf8').matchAll(
      pattern,
    ))
      found.add((thrown ?? data ?? module) as string);
  for (const other of others) found.delete(other);
  const documented = rowsOf(failures)
    .map(([code]) => code)
    .filter((code) => code !== 'failure code');
  expect(documented.toSorted()).toEqual([...found].toSorted());
});
