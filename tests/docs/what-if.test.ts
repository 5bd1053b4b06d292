import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { scriptFlags } from '../../services/simulate/script-flags.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(`${root}docs/what-if.md`, 'utf8');
const shown = [...page.matchAll(/```console\n\$ stagewright (.*)\n([^`]*)```/g)].map(
  ([, command = '', told = '']) => ({ command, told }),
);

test('docs/what-if.md shows more than one command', () => expect(shown.length).toBeGreaterThan(1));

test.each(shown)('docs/what-if.md: stagewright $command says what is shown', async (one) => {
  const args = ['bin/stagewright.mjs', ...one.command.split(' ')];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  expect(stdout).toBe(one.told);
});

test('docs/what-if.md describes every option of a script', () => {
  for (const flag of scriptFlags) expect(page).toMatch(new RegExp(`\\| .*\`--${flag} `));
});
