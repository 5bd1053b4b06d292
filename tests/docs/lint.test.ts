import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { lintRules } from '../../definition/finding.ts';

test('docs/lint.md and the linter name the same codes with the same severity', () => {
  const text = readFileSync(fileURLToPath(new URL('../../docs/lint.md', import.meta.url)), 'utf8');
  const rows = [...text.matchAll(/^\| ([a-z-]+) \| (info|warning|error) \| .+ \| .+ \|$/gm)].map(
    ([, code, severity]) => [code, severity],
  );
  expect(Object.fromEntries(rows)).toEqual(lintRules);
});
