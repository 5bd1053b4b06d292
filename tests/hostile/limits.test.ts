import { stat, writeFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { filesOf, settleFromEvidence } from '../../stages/evidence.ts';
import { noMask } from '../../stages/mask.ts';
import { openWorkbench, type Workbench } from '../support/programs.ts';
import { type Hostile, node, serveStages, sh } from './kit.ts';

const megabyte = 1024 ** 2;
const eat = 'const all = []; setInterval(() => all.push(Buffer.alloc(8e6, 1)), 5);';

describe('a stage with limits', () => {
  let on: Hostile;
  afterEach(() => on.close());

  test('S27: one that eats memory is ended alone, with its reason, and tried again as the stage says', async () => {
    const retry = { limit: 1, backoff: { initial: '1ms' } };
    on = await serveStages({
      eats: sh(`test $STAGEWRIGHT_ATTEMPT = 2 || exec ${process.execPath} -e '${eat}'`, {
        limits: { memory: '128MB' },
        retry,
      }),
      calm: sh('echo works; while [ ! -e go ]; do sleep 0.05; done', {
        limits: { memory: '128MB' },
      }),
    });
    const calm = await on.begin('calm');
    const id = await on.begin('eats');
    expect(await on.ended(id)).toMatchObject({ state: 'DONE', attempt: 2 });
    const failed = (await on.eventsOf(id)).find(
      ({ event }: { event: string }) => event === 'failed',
    );
    expect(failed.data.error).toMatchObject({
      code: 'out-of-memory',
      retryable: true,
      signal: 'SIGKILL',
    });
    expect(failed.msg).toMatch(
      /^its processes used \d+(\.\d)? [MG]B of memory, more than the 128 MB it may use$/,
    );
    expect((await on.get(`/api/runs/${calm}`)).json.state).toBe('RUNNING_WORK');
    await writeFile(join(on.dir, 'go'), '');
    expect(await on.ended(calm)).toMatchObject({ state: 'DONE', attempt: 1 });
  });

  test('one that prints without end is ended before it fills the disk, and not tried again', async () => {
    const limits = { output: '2MB' };
    on = await serveStages({
      prints: sh('while :; do head -c 1000000 /dev/zero; sleep 0.05; done', {
        limits,
        retry: { limit: 3, backoff: { initial: '1ms' } },
      }),
    });
    const id = await on.begin('prints');
    expect(await on.ended(id)).toMatchObject({
      state: 'FAILED',
      attempt: 1,
      error: { code: 'too-much-output', retryable: false },
    });
    expect(
      Number((await on.get(`/api/runs/${id}/logs/work/1?tail=1`)).headers['x-total-bytes']),
    ).toBeLessThan(60e6);
  });
});

describe('an attempt', () => {
  let bench: Workbench;
  beforeEach(async () => {
    bench = await openWorkbench();
  });
  afterEach(() => bench.close());
  const run = async (
    program: { run: string[] },
    memoryBytes: number | null,
    outputBytes = 1024 ** 3,
  ) => {
    const request = bench.attemptRequest(
      { argv: program.run },
      { limits: { memoryBytes, outputBytes } },
    );
    return { answer: await bench.attempt(request).answer, request };
  };

  test('is held to its memory over all its processes together, also those in sessions of their own', async () => {
    // None of them is over alone.
    const child = `const kept = Buffer.alloc(60e6, 1); setTimeout(() => kept, 60e3)`;
    const { answer } = await run(
      sh(`for n in 1 2 3; do setsid ${process.execPath} -e '${child}' & done; wait`),
      200 * megabyte,
    );
    expect(answer).toMatchObject({ ok: false, failure: { code: 'out-of-memory' } });
  });

  test('is not charged once for each process with what its processes share', async () => {
    // 16 MB in the parent, seen in nine processes.
    const script =
      'x=$(head -c 16000000 /dev/zero | tr "\\0" x); for n in 1 2 3 4 5 6 7 8; do (sleep 1; :) & done; wait; echo ${#x}';
    const { answer, request } = await run(sh(script), 100 * megabyte);
    expect([answer.ok, (await stat(filesOf(request.attemptDir).stdout)).size]).toEqual([true, 9]);
  });

  test.each([
    ['memory', node(eat), 96 * megabyte, 1024 ** 3, 'out-of-memory'],
    ['output', sh('while :; do echo more; done'), null, 1000, 'too-much-output'],
  ] as const)(
    'that went over its %s gives the same answer after a crash',
    async (_what, program, memoryBytes, outputBytes, code) => {
      const { answer, request } = await run(program, memoryBytes, outputBytes);
      expect(answer).toMatchObject({ ok: false, failure: { code } });
      expect(await settleFromEvidence(request.attemptDir, noMask)).toEqual(answer);
    },
  );

  test('works behind the service, for processors and for memory, and so does what it starts', async () => {
    const look = 'echo "$(nice) $(cat /proc/self/oom_score_adj)"';
    const { answer, request } = await run(
      sh(`${look}; setsid sh -c '${look}'; cat /proc/$$/autogroup`),
      null,
    );
    expect(answer.ok).toBe(true);
    const [own, started, group] = bench.text(join(request.token, 'stdout.log')).split('\n');
    const nice = Math.min(getPriority() + 5, 19);
    expect([own, started]).toEqual([`${nice} 500`, `${nice} 500`]);
    // Where sessions share the processors (autogroups), niceness within one means nothing; the
    // launcher's session is a fresh one.
    expect(group).toMatch(/ nice 5$|^$/);
  });
});
