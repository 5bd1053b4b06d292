import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMasking } from '../../../services/history/masking.ts';
import { createSecrets } from '../../../services/secrets/secrets.ts';
import type { EffectRow, RunRow } from '../../../services/store/run-rows.ts';

const secret = 'swordfish-of-the-42nd-day';
const run = { runId: 'r_1', definition: { secrets: ['TOKEN'], stages: [] as object[] } } as RunRow;
let dir: string;
let attempt: string;
let effects: EffectRow[];
const logged: string[] = [];
const env: Record<string, string> = {};
const masking = () =>
  createMasking({
    dataDir: dir,
    store: {
      effects: async () => effects,
      run: async () => ({ run, effects: [], timers: [], headSeq: 0 }),
    },
    secrets: createSecrets({ env, readFile: () => '' }),
    log: (message) => logged.push(message),
  });
const left = () => readdirSync(join(dir, 'unmasked'));
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stagewright-masking-'));
  attempt = join(dir, 'runs/r_1/work/1');
  await mkdir(attempt, { recursive: true });
  effects = [];
  env.TOKEN = secret;
});
afterEach(() => rm(dir, { recursive: true }));

test('files are masked when the answer is recorded, not before; their length, mode and newlines stay', async () => {
  // Across the edges of what is read at once, too.
  const text = `${`${'x'.repeat(9973)}${secret}\n`.repeat(60)}end ${secret}`;
  await writeFile(join(attempt, 'stdout.log'), text, { mode: 0o600 });
  await writeFile(join(attempt, 'stderr.log'), 'nothing here\n');
  const before = statSync(join(attempt, 'stderr.log')).ino;
  const on = masking();
  await on.begin(run, 'work', 1);
  effects = [{ runId: 'r_1', kind: 'stage', input: { stage: 'work' }, attempt: 1 } as EffectRow];
  await on.look();
  expect(await readFile(join(attempt, 'stdout.log'), 'utf8')).toBe(text);
  expect(left()).toEqual(['r_1.work.1']);
  effects = [];
  await on.look();
  expect(await readFile(join(attempt, 'stdout.log'), 'utf8')).toBe(
    text.replaceAll(secret, '*'.repeat(secret.length)),
  );
  expect(statSync(join(attempt, 'stdout.log')).mode & 0o777).toBe(0o600);
  // What has no secret in it is not written again.
  expect(statSync(join(attempt, 'stderr.log')).ino).toBe(before);
  expect(left()).toEqual([]);
  await on.close();
});

test('what a crash left unmasked, or half done, is masked by the next service', async () => {
  await writeFile(join(attempt, 'stdout.log'), `a ${secret}\n`);
  const first = masking();
  await first.begin(run, 'work', 1);
  await first.close();
  await writeFile(join(attempt, 'stdout.log.masked'), 'half a fi');
  const second = masking();
  await second.load();
  await second.look();
  expect(await readFile(join(attempt, 'stdout.log'), 'utf8')).toBe(
    `a ${'*'.repeat(secret.length)}\n`,
  );
  expect([left(), existsSync(join(attempt, 'stdout.log.masked'))]).toEqual([[], false]);
  await second.close();
});

test('a value that is rotated while the attempt works is masked with the one it was given', async () => {
  await writeFile(join(attempt, 'stdout.log'), `a ${secret}\n`);
  const secrets = createSecrets({ env, readFile: () => '' });
  const on = createMasking({
    dataDir: dir,
    store: {
      effects: async () => effects,
      run: async () => ({ run, effects: [], timers: [], headSeq: 0 }),
    },
    secrets,
    log: () => {},
  });
  secrets.valuesOf(run.definition);
  await on.begin(run, 'work', 1);
  env.TOKEN = 'another-value';
  await on.look();
  expect(await readFile(join(attempt, 'stdout.log'), 'utf8')).not.toContain(secret);
  await on.close();
});

test('a pipe in the place of a log, or of its copy, holds nobody up', async () => {
  execFileSync('mkfifo', [join(attempt, 'stdout.log'), join(attempt, 'stderr.log.masked')]);
  await writeFile(join(attempt, 'stderr.log'), secret);
  const on = masking();
  await on.begin(run, 'work', 1);
  await on.look();
  expect(await readFile(join(attempt, 'stderr.log'), 'utf8')).toBe('*'.repeat(secret.length));
  expect(left()).toEqual([]);
  await on.close();
});

test('masking that fails is said and tried again, and a run that is gone needs none', async () => {
  let isBroken = true;
  const on = createMasking({
    dataDir: dir,
    store: {
      effects: async () => effects,
      run: async () => {
        if (isBroken) throw new Error('no room');
        return null;
      },
    },
    secrets: createSecrets({ env, readFile: () => '' }),
    log: (message) => logged.push(message),
  });
  await on.begin(run, 'work', 1);
  await on.look();
  expect(logged.at(-1)).toContain('tried again');
  expect(left()).toEqual(['r_1.work.1']);
  isBroken = false;
  await on.look();
  expect(left()).toEqual([]);
  await on.close();
});

test('an attempt of a pipeline without secrets leaves no note', async () => {
  const on = masking();
  await on.begin({ ...run, definition: { stages: [] as object[] } } as RunRow, 'work', 1);
  expect(existsSync(join(dir, 'unmasked'))).toBe(false);
  await on.close();
});
