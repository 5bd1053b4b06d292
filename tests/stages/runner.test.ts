import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { settleFromEvidence } from '../../stages/evidence.ts';
import { noMask } from '../../stages/mask.ts';
import { carriersOf, openWorkbench, sh, type Workbench } from '../support/programs.ts';
import { until } from '../support/until.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench.close());

const run = async (script: string) => {
  const request = bench.attemptRequest(sh(script));
  const { answer, told } = bench.attempt(request);
  return { answer: await answer, told, request };
};
const failureOf = async (script: string) => {
  const { answer } = await run(script);
  if (answer.ok) throw new Error('it succeeded');
  return answer.failure;
};
const nothing = { metrics: {}, progress: null, warnings: [] };

describe('success', () => {
  test('is exit 0, with what was printed on either stream and written to the outputs file', async () => {
    const { answer, told } = await run(`
      echo '::stagewright {"progress":{"done":3,"total":10,"unit":"files","note":"ES"}}'
      echo 'ordinary ::stagewright {"skip":"no"}'
      echo '::stagewright {"metric":{"rows":12}}' >&2
      echo '::stagewright {"output":{"instruments":["ES"],"day":"printed"}}'
      echo '{"day":"written"}' > "$STAGEWRIGHT_OUTPUTS"`);
    expect(answer).toEqual({
      ok: true,
      outputs: { instruments: ['ES'], day: 'written' },
      metrics: { rows: 12 },
      progress: { done: 3, total: 10, unit: 'files', note: 'ES' },
      skipped: null,
      partial: null,
      warnings: [],
    });
    expect(JSON.parse(JSON.stringify(answer))).toEqual(answer);
    expect(told.identity?.pid).toBeGreaterThan(1);
  });

  test('a skip line and exit 0 is a skipped stage', async () => {
    const { answer } = await run(`echo '::stagewright {"skip":"no new files"}'`);
    expect(answer).toMatchObject({ ok: true, skipped: 'no new files' });
  });

  test('a malformed line is a warning and nothing more', async () => {
    const { answer } = await run(
      `echo '::stagewright {"metric":'; echo '::stagewright {"metric":{"rows":1}}'`,
    );
    expect(answer).toMatchObject({
      ok: true,
      metrics: { rows: 1 },
      warnings: [expect.stringContaining('not JSON')],
    });
  });

  test('a last line without its newline counts', async () => {
    expect((await run(`printf '::stagewright {"metric":{"rows":1}}'`)).answer).toMatchObject({
      metrics: { rows: 1 },
    });
  });

  test('the program finds its run, its folders and its trace in the environment', async () => {
    const { answer, request } = await run(`
      test -d "$STAGEWRIGHT_WORKSPACE" || exit 9
      printf '{"env":"%s"}' "$STAGEWRIGHT_RUN_ID|$STAGEWRIGHT_PIPELINE|$STAGEWRIGHT_STAGE|$STAGEWRIGHT_ATTEMPT|$STAGEWRIGHT_PARAMS|$TRACEPARENT|$STAGEWRIGHT_IDEMPOTENCY_KEY" > "$STAGEWRIGHT_OUTPUTS"`);
    expect(answer).toMatchObject({
      outputs: {
        env: expect.stringMatching(
          /^r_1\|p\|s\|1\|\{\}\|00-[0-9a-f]{32}-[0-9a-f]{16}-01\|[0-9a-f]{64}$/,
        ),
      },
    });
    expect((await stat(request.attemptDir)).mode & 0o777).toBe(0o700);
  });
});

describe('failure', () => {
  test('an exit code comes with the end of stderr (S14)', async () => {
    expect(await failureOf('echo working; echo "bad row 7" >&2; exit 2')).toEqual({
      code: 'exit-code',
      message: 'ended with exit code 2',
      retryable: true,
      exit_code: 2,
      signal: null,
      stderr_tail: 'bad row 7',
    });
  });

  test('a signal is named', async () => {
    expect(await failureOf('kill -SEGV $$')).toMatchObject({
      code: 'signal',
      exit_code: null,
      signal: 'SIGSEGV',
      retryable: true,
    });
  });

  test('TRUTH-17: a signal behind a shell is named by its number', async () => {
    expect(await failureOf(`sh -c 'kill -KILL $$'; exit $?`)).toMatchObject({
      code: 'exit-code',
      message: expect.stringContaining('ended with exit code 137 (128+9: SIGKILL)'),
      exit_code: 137,
      signal: null,
    });
    expect((await failureOf('exit 160')).message).toBe('ended with exit code 160');
  });

  test.each([
    [{ exit_code: null, signal: 'SIGKILL' }, 'ended by signal SIGKILL; memory ran out'],
    [{ exit_code: 137, signal: null }, 'ended with exit code 137 (128+9: SIGKILL); memory ran out'],
  ])('TRUTH-17: %j while the kernel ended processes for memory says so', async (end, says) => {
    const { request } = await run('true');
    const exit = { ...end, ended_at: '2026-01-01', ended_by: null, killed_for_memory: 1 };
    await writeFile(join(request.attemptDir, 'exit.json'), JSON.stringify(exit));
    expect(await settleFromEvidence(request.attemptDir, noMask)).toMatchObject({
      failure: { message: expect.stringContaining(says) },
    });
  });

  test('stderr is cut to its last 20 lines and 2 kB without a torn character', async () => {
    const { stderr_tail: lines } = await failureOf(
      'i=0; while [ $i -lt 50 ]; do echo "line $i" >&2; i=$((i+1)); done; exit 1',
    );
    expect(lines?.split('\n')).toEqual(
      Array.from({ length: 20 }, (_, index) => `line ${index + 30}`),
    );
    // 3 bytes each, and 2048 is no multiple of 3.
    const { stderr_tail: euros } = await failureOf(
      `head -c 3000 /dev/zero | sed 's/\\x00/€/g' >&2; exit 1`,
    );
    expect(euros).toBe('€'.repeat(682));
  });

  test('what the program says of its failure holds, also when it exits 0', async () => {
    const fail = `echo '::stagewright {"fail":{"code":"bad-input","message":"row 7","retryable":false,"retry_after_ms":60000}}'`;
    const said = { code: 'bad-input', message: 'row 7', retryable: false, retry_after_ms: 60_000 };
    expect(await failureOf(`${fail}; exit 3`)).toEqual({ ...said, exit_code: 3, signal: null });
    expect(await failureOf(fail)).toEqual({ ...said, exit_code: 0, signal: null });
  });

  test('a program that does not exist, or is none, is not tried again', async () => {
    const missing = bench.attempt(bench.attemptRequest({ argv: ['no-such-program'] }));
    expect(await missing.answer).toMatchObject({
      failure: { code: 'command-not-found', retryable: false, exit_code: 127 },
    });
    await writeFile(join(bench.dir, 'data.txt'), 'x', { mode: 0o600 });
    const data = bench.attempt(bench.attemptRequest({ argv: ['./data.txt'] }));
    expect(await data.answer).toMatchObject({
      failure: { code: 'not-executable', retryable: false, exit_code: 126 },
    });
  });

  test('a missing folder to work in is an answer, not an exception', async () => {
    const { answer, told } = bench.attempt(
      bench.attemptRequest(sh('true'), { cwd: join(bench.dir, 'missing') }),
    );
    expect(await answer).toEqual({
      ok: false,
      failure: {
        code: 'spawn-failed',
        message: expect.stringContaining('there is no folder'),
        retryable: true,
      },
      ...nothing,
    });
    expect(told.identity).toBeNull();
  });

  test('SEC-20: what cannot be started is told without a path of the host and without its values', async () => {
    const missing = join(bench.dir, 'missing');
    const folder = await bench.attempt(bench.attemptRequest(sh('true'), { cwd: missing })).answer;
    const odd = { argv: ['echo', 'hunter2\u0000'] };
    const nul = await bench.attempt(bench.attemptRequest(odd)).answer;
    const told = [folder, nul].map((answer) => (answer.ok ? '' : answer.failure.message));
    expect(told).toEqual([
      'the program could not be started: there is no folder as its cwd says',
      'the program could not be started: an argument or a variable of it contains a NUL byte',
    ]);
  });

  test.each([
    ['no JSON', 'echo "{" > "$STAGEWRIGHT_OUTPUTS"', 'is not a JSON object'],
    ['a list', 'echo "[1]" > "$STAGEWRIGHT_OUTPUTS"', 'is not a JSON object'],
    ['a folder', 'mkdir "$STAGEWRIGHT_OUTPUTS"', 'is not a JSON object'],
    ['too large', 'head -c 70000 /dev/zero > "$STAGEWRIGHT_OUTPUTS"', 'larger than 64 kB'],
  ])('outputs that are %s fail the attempt', async (_name, script, says) => {
    expect(await failureOf(script)).toEqual({
      code: 'bad-outputs',
      message: expect.stringContaining(says),
      retryable: false,
    });
  });
});

describe('no process is left when it answers', () => {
  test('a grandchild in the background that holds stdout neither delays the answer nor survives it', async () => {
    const { answer, request } = await run('sleep 60 & echo started');
    expect(answer).toMatchObject({ ok: true });
    expect(carriersOf(request.token)).toEqual([]);
  });

  test('a grandchild in a session of its own that ignores SIGTERM is gone too (S12)', async () => {
    const script =
      'setsid sh -c "trap \\"\\" TERM; echo > up; while :; do sleep 0.05; done" & while [ ! -e up ]; do sleep 0.01; done';
    const request = bench.attemptRequest(sh(script), { graceMs: 100 });
    expect(await bench.attempt(request).answer).toMatchObject({ ok: true });
    expect(carriersOf(request.token)).toEqual([]);
  });

  test('what a grandchild says while it is ended still counts', async () => {
    const grandchild = `trap "echo '::stagewright {\\"metric\\":{\\"late\\":1}}'; exit" TERM; echo > up; while :; do sleep 0.01; done`;
    await writeFile(join(bench.dir, 'grandchild.sh'), grandchild);
    const { answer } = await run('sh grandchild.sh & while [ ! -e up ]; do sleep 0.01; done');
    expect(answer).toMatchObject({ ok: true, metrics: { late: 1 } });
  });

  test('ended from outside while it works, it answers with the signal', async () => {
    const request = bench.attemptRequest(sh('echo > up; sleep 60'));
    const { answer, told } = bench.attempt(request);
    await until(() => bench.has('up'));
    await bench.processes.end(told.identity, request.token, 2000, new AbortController().signal);
    expect(await answer).toMatchObject({
      ok: false,
      failure: { code: 'signal', signal: 'SIGTERM' },
    });
    expect(carriersOf(request.token)).toEqual([]);
  });

  test('a launcher that dies makes it interrupted, and the program is ended first', async () => {
    const request = bench.attemptRequest(
      sh(`echo '::stagewright {"metric":{"rows":1}}'; echo > up; sleep 60`),
    );
    const { answer } = bench.attempt(request);
    await until(() => bench.has('up'));
    process.kill(bench.launcher.pid() as number, 'SIGKILL');
    expect(await answer).toMatchObject({
      ok: false,
      failure: { code: 'interrupted', retryable: true },
      metrics: { rows: 1 },
    });
    expect(carriersOf(request.token)).toEqual([]);
  });
});

describe('the record comes first', () => {
  test('while it is being written the program has not run', async () => {
    const record = Promise.withResolvers<boolean>();
    const { answer, told } = bench.attempt(bench.attemptRequest(sh('echo > ran')), {
      record: () => record.promise,
    });
    await until(() => told.identity);
    // Another attempt goes all the way through meanwhile.
    await bench.attempt(bench.attemptRequest(sh('true'))).answer;
    expect(bench.has('ran')).toBe(false);
    record.resolve(true);
    expect(await answer).toMatchObject({ ok: true });
    expect(bench.has('ran')).toBe(true);
  });

  test('an attempt that was dropped meanwhile never runs', async () => {
    const request = bench.attemptRequest(sh('echo > ran'));
    const { answer, told } = bench.attempt(request, { record: async () => false });
    expect(await answer).toMatchObject({ ok: false, failure: { code: 'interrupted' } });
    expect(bench.has('ran')).toBe(false);
    expect(told.identity && bench.processes.isAlive(told.identity)).toBe(false);
    expect(await settleFromEvidence(request.attemptDir, noMask)).toBeNull();
  });

  test('when the record cannot be written the gated program is gone before the error is told', async () => {
    const { answer, told } = bench.attempt(bench.attemptRequest(sh('echo > ran')), {
      record: () => Promise.reject(new Error('disk full')),
    });
    await expect(answer).rejects.toThrow('disk full');
    expect(bench.has('ran')).toBe(false);
    expect(told.identity && bench.processes.isAlive(told.identity)).toBe(false);
  });
});

describe('output while it works', () => {
  test('is a sign of life, and progress is told before the end', async () => {
    const request = bench.attemptRequest(
      sh(`echo '::stagewright {"progress":{"done":1}}'; while [ ! -e go ]; do sleep 0.01; done`),
    );
    const { answer, told } = bench.attempt(request);
    await until(() => told.progress.length > 0 && told.alive > 0);
    expect(told.progress).toEqual([{ done: 1 }]);
    await writeFile(join(bench.dir, 'go'), '');
    expect(await answer).toMatchObject({ ok: true, progress: { done: 1 } });
    expect(told.progress).toEqual([{ done: 1 }]);
  });

  test('a program that never pauses is heard as alive all the time', async () => {
    const request = bench.attemptRequest(
      sh('yes & while [ ! -e go ]; do sleep 0.01; done; kill $!'),
    );
    const { answer, told } = bench.attempt(request);
    await until(() => told.alive >= 3);
    await writeFile(join(bench.dir, 'go'), '');
    await answer;
  });

  test('of 50 MB the one line that matters is found, and memory stays small', async () => {
    const request = bench.attemptRequest(
      sh(`yes ordinary | head -c 50000000; echo; echo '::stagewright {"metric":{"rows":5}}'`),
    );
    const before = process.memoryUsage().arrayBuffers;
    const { answer } = bench.attempt(request);
    expect(await answer).toMatchObject({ ok: true, metrics: { rows: 5 } });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16_000_000);
  });
});

describe('evidence after a crash', () => {
  test.each([
    [
      'success',
      `echo '::stagewright {"output":{"a":1},"metric":{"m":1}}'; echo '::stagewright {"metric":{"m":2,"n":3},"progress":{"done":2}}' >&2; echo no`,
    ],
    ['outputs file', `echo '{"b":2}' > "$STAGEWRIGHT_OUTPUTS"; echo '::stagewright no'`],
    ['skip', `echo '::stagewright {"skip":"nothing to do"}'`],
    ['exit code', 'echo why >&2; exit 5'],
    ['signal', 'kill -KILL $$'],
    ['fail line', `echo '::stagewright {"fail":{"code":"bad-input","message":"m"}}'; exit 1`],
    ['bad outputs', 'echo "[" > "$STAGEWRIGHT_OUTPUTS"'],
    ['last line without its newline', `printf '::stagewright {"metric":{"rows":1}}'`],
  ])('gives the answer the live attempt gave: %s', async (_name, script) => {
    const { answer, request } = await run(script);
    expect(await settleFromEvidence(request.attemptDir, noMask)).toEqual(answer);
  });

  test('there is none without an exit record, with a torn one, or when the launcher ended it', async () => {
    const { request } = await run('true');
    const exitPath = join(request.attemptDir, 'exit.json');
    const record = JSON.parse(await readFile(exitPath, 'utf8'));
    for (const text of [
      JSON.stringify({ ...record, ended_by: 'service-lost' }),
      '',
      '{"exit_code":',
      '{}',
    ]) {
      await writeFile(exitPath, text);
      expect(await settleFromEvidence(request.attemptDir, noMask)).toBeNull();
    }
    expect(await settleFromEvidence(join(bench.dir, 'nowhere'), noMask)).toBeNull();
  });
});
