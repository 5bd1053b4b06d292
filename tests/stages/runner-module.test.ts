import { readFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AttemptRequest } from '../../stages/contract.ts';
import { carriersOf, openWorkbench, type Workbench } from '../support/programs.ts';
import { until } from '../support/until.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench.close());

const contract = fileURLToPath(new URL('../../stages/contract.ts', import.meta.url));
const begin = async (source: string, more: Partial<AttemptRequest> = {}) => {
  const module = join(bench.dir, 'stage.ts');
  await writeFile(module, source);
  const request = bench.attemptRequest({ module }, more);
  return { request, ...bench.attempt(request) };
};
const answerOf = async (source: string, more: Partial<AttemptRequest> = {}) =>
  (await begin(source, more)).answer;

test('a module gets its options and gives outputs, metrics, progress and a manifest', async () => {
  const { request, answer } = await begin(
    `import { StageFailure, type StageContext } from '${contract}';
     export const run = async (context: StageContext) => {
       context.progress({ done: 1, total: 2 });
       context.progress({ done: 2, total: 2 });
       context.metric({ rows: 7 });
       context.log('hello');
       context.warn('something odd');
       const { signal, progress, metric, log, warn, ...seen } = context;
       return { outputs: { seen }, files: [{ path: 'a.csv', bytes: 1, sha256: 'x' }] };
     };`,
    { with: { raw: 'data' }, params: { day: '2018-05-11' }, attempt: 2 },
  );
  expect(await answer).toEqual({
    ok: true,
    outputs: {
      seen: {
        runId: 'r_1',
        pipeline: 'p',
        stage: 's',
        attempt: 2,
        with: { raw: 'data' },
        params: { day: '2018-05-11' },
        workspace: request.workspace,
        projectDir: bench.dir,
        idempotencyKey: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    },
    metrics: { rows: 7 },
    progress: { done: 2, total: 2 },
    skipped: null,
    partial: null,
    warnings: ['something odd'],
  });
  const manifest = JSON.parse(await readFile(join(request.attemptDir, 'manifest.json'), 'utf8'));
  expect(manifest).toEqual({ files: [{ path: 'a.csv', bytes: 1, sha256: 'x' }] });
  expect(await readFile(join(request.attemptDir, 'stdout.log'), 'utf8')).toContain('hello\n');
  // The request can hold secrets.
  expect((await stat(join(request.attemptDir, 'attempt.json'))).mode & 0o777).toBe(0o600);
});

test('a module can skip', async () => {
  expect(
    await answerOf(`export const run = async () => ({ skip: 'no new files' });`),
  ).toMatchObject({ ok: true, skipped: 'no new files' });
});

test('a StageFailure keeps its code and says whether to try again', async () => {
  const source = `import { StageFailure } from '${contract}';
    export const run = async () => { throw new StageFailure('bad-input', 'row 7 is not a date', { retryable: false }); };`;
  expect(await answerOf(source)).toMatchObject({
    ok: false,
    failure: { code: 'bad-input', message: 'row 7 is not a date', retryable: false, exit_code: 1 },
  });
});

test.each([
  ['throws', `export const run = async () => { throw new TypeError('oh no'); };`],
  [
    'throws outside its promise',
    `export const run = () => new Promise(() => { setTimeout(() => { throw new TypeError('oh no'); }, 1); });`,
  ],
  [
    'forgets a rejection',
    `export const run = () => new Promise(() => { void Promise.reject(new TypeError('oh no')); });`,
  ],
])('a module that %s fails as module-error with its stack on stderr', async (_name, source) => {
  expect(await answerOf(source)).toMatchObject({
    ok: false,
    failure: {
      code: 'module-error',
      message: 'oh no',
      retryable: true,
      stderr_tail: expect.stringMatching(/TypeError: oh no\n\s+at .*stage\.ts/),
    },
  });
});

test.each([
  ['without run', 'export const walk = 1;', 'does not export a function'],
  ['with a mistake in its syntax', 'export const run = (', 'cannot be loaded'],
  [
    'that imports what is not there',
    `import './missing.ts'; export const run = async () => undefined;`,
    'cannot be loaded',
  ],
])('a module %s is not tried again', async (_name, source, says) => {
  expect(await answerOf(source)).toMatchObject({
    failure: {
      code: 'not-a-stage-module',
      message: expect.stringContaining(says),
      retryable: false,
    },
  });
});

test.each(['builtin:unknown', 'builtin:../module-host', resolve('/nowhere/stage.ts')])(
  '%s is refused',
  async (module) => {
    expect(await bench.attempt(bench.attemptRequest({ module })).answer).toMatchObject({
      failure: { code: 'not-a-stage-module', retryable: false },
    });
  },
);

test('outputs that are no JSON are refused', async () => {
  expect(
    await answerOf('export const run = async () => ({ outputs: { big: 1n } });'),
  ).toMatchObject({
    failure: { code: 'bad-outputs', retryable: false },
  });
});

test('what a module forgets to close does not keep it running', async () => {
  expect(
    await answerOf(
      'export const run = async () => { setInterval(() => {}, 1000); return { outputs: { a: 1 } }; };',
    ),
  ).toMatchObject({
    ok: true,
    outputs: { a: 1 },
  });
});

test('SIGTERM is the abort of its signal, and it may clean up', async () => {
  const { request, answer, told } = await begin(
    `import { once } from 'node:events';
     import { writeFileSync } from 'node:fs';
     export const run = async ({ signal, log }) => {
       const alive = setInterval(() => {}, 1000);
       writeFileSync('up', '');
       await once(signal, 'abort');
       writeFileSync('clean', '');
       clearInterval(alive);
       throw new Error('ended');
     };`,
  );
  await until(() => bench.has('up'));
  await bench.processes.end(told.identity, request.token, 10_000, new AbortController().signal);
  expect(await answer).toMatchObject({ ok: false, failure: { exit_code: 1, signal: null } });
  expect(bench.has('clean')).toBe(true);
  expect(carriersOf(request.token)).toEqual([]);
});

test('progress is printed at most five times a second, the last one always, also in a silence that follows', async () => {
  const { request, answer, told } = await begin(
    `import { existsSync } from 'node:fs';
     import { setTimeout as sleep } from 'node:timers/promises';
     export const run = async ({ progress }) => {
       for (let done = 1; done <= 1000; done += 1) progress({ done });
       while (!existsSync('go')) await sleep(10);
       progress({ done: 1001 });
     };`,
  );
  await until(() => told.progress.some((progress) => (progress as { done: number }).done === 1000));
  await writeFile(join(bench.dir, 'go'), '');
  expect(await answer).toMatchObject({ ok: true, progress: { done: 1001 } });
  const printed = (await readFile(join(request.attemptDir, 'stdout.log'), 'utf8')).match(
    /::stagewright .*/g,
  );
  expect(printed).toEqual(
    [1, 1000, 1001].map((done) => `::stagewright {"progress":{"done":${done}}}`),
  );
});
