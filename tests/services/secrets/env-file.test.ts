import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseEnvFile, readEnvFile } from '../../../services/secrets/env-file.ts';

test('a file of settings is read line by line, and nothing in a value is expanded', () => {
  const text = [
    '\uFEFF# a comment',
    '',
    'PLAIN=a b # no comment',
    ' export SPACED = x ',
    'QUOTED="it\'s"',
    "SINGLE='a\"b'",
    'DOLLAR=$HOME ${params.x}',
    'EMPTY=',
    'EQUALS=a=b=c',
    'PLAIN=again\r',
  ].join('\n');
  expect(parseEnvFile(text)).toEqual({
    ok: true,
    values: {
      PLAIN: 'again',
      SPACED: 'x',
      QUOTED: "it's",
      SINGLE: 'a"b',
      DOLLAR: '$HOME ${params.x}',
      EMPTY: '',
      EQUALS: 'a=b=c',
    },
  });
});

test.each(['A=1\nnonsense-hunter2', 'A=1\n2B=x', 'A=1\nB=\0'])(
  'a line that is none is named by its number and not repeated: %j',
  (text) => {
    const read = parseEnvFile(text);
    expect(read).toMatchObject({ ok: false, why: expect.stringContaining('in line 2') });
    expect(JSON.stringify(read)).not.toMatch(/hunter2|2B/);
  },
);

test('whatever stands between single quotes on one line comes back as it is', () => {
  const values = fc.string().filter((value) => !/[\n\r\0]/.test(value) && value.trim() === value);
  fc.assert(
    fc.property(fc.array(values, { maxLength: 5 }), (given) => {
      const text = given.map((value, index) => `V${index}='${value}'`).join('\n');
      const expected = Object.fromEntries(given.map((value, index) => [`V${index}`, value]));
      expect(parseEnvFile(text)).toEqual({ ok: true, values: expected });
    }),
  );
});

test('odd files are told apart and never waited for; a link is followed', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright-env-'));
  try {
    const path = (name: string) => join(dir, name);
    await writeFile(path('real'), 'A=1');
    await symlink('real', path('link'));
    await symlink('gone', path('dangling'));
    await writeFile(path('huge'), 'x'.repeat(256 * 1024 + 1));
    execFileSync('mkfifo', [path('pipe')]);
    expect(readEnvFile(path('link'))).toEqual({ ok: true, values: { A: '1' } });
    expect(readEnvFile(path('dangling'))).toEqual({ ok: false, why: 'is not there' });
    expect(readEnvFile(path('huge'))).toEqual({ ok: false, why: 'is larger than 256 kB' });
    expect(readEnvFile(path('pipe'))).toEqual({ ok: false, why: 'is no regular file' });
    expect(readEnvFile(dir)).toEqual({ ok: false, why: 'is no regular file' });
  } finally {
    await rm(dir, { recursive: true });
  }
});
