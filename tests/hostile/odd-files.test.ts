import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogs, type LogFile } from '../../services/history/logs.ts';
import { filesOf, settleFromEvidence } from '../../stages/evidence.ts';
import { noMask } from '../../stages/mask.ts';
import { openWritten, readWrittenJson } from '../../stages/written-file.ts';
import { oddContents, oddFiles, placeOdd } from '../support/odd-files.ts';
import { type Hostile, serveStages, sh } from './kit.ts';

const exit = { exit_code: 0, signal: null, ended_at: '2026-01-01T00:00:00Z', ended_by: null };
const all = { ...oddFiles, ...oddContents };
const kinds = Object.entries(oddFiles);
const file: LogFile = { runId: 'r_1', stage: 'work', attempt: 1, stream: 'stdout' };

let dir: string;
let attemptDir: string;
let files: ReturnType<typeof filesOf>;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stagewright-odd-'));
  attemptDir = join(dir, 'runs/r_1/work/1');
  files = filesOf(attemptDir);
  await mkdir(attemptDir, { recursive: true });
  await writeFile(files.exit, JSON.stringify(exit));
  await writeFile(files.stdout, '::stagewright {"metric":{"rows":1}}\n');
  await writeFile(files.stderr, '');
});
afterEach(() => rm(dir, { recursive: true }));

describe.each(kinds)('%s', (_kind, odd) => {
  test('where outputs are expected fails the attempt, with the name of the file and the cause', async () => {
    placeOdd(files.outputs, odd);
    expect(await settleFromEvidence(attemptDir, noMask)).toMatchObject({
      ok: false,
      failure: {
        code: 'bad-outputs',
        message: expect.stringMatching(new RegExp(`outputs\\.json.*${odd.says.source}`)),
      },
      metrics: { rows: 1 },
    });
  });

  test('where the exit is expected leaves the attempt interrupted, and says why', async () => {
    placeOdd(files.exit, odd);
    expect(await settleFromEvidence(attemptDir, noMask)).toMatchObject({
      ok: false,
      failure: {
        code: 'interrupted',
        message: expect.stringMatching(new RegExp(`exit\\.json.*${odd.says.source}`)),
      },
    });
  });

  test.each(['stdout', 'stderr'] as const)(
    'where %s is expected is a warning; a failure is told without its tail',
    async (stream) => {
      await writeFile(files.exit, JSON.stringify({ ...exit, exit_code: 3 }));
      placeOdd(files[stream], odd);
      const answer = await settleFromEvidence(attemptDir, noMask);
      expect(answer).toMatchObject({
        ok: false,
        failure: { code: 'exit-code' },
        warnings: [expect.stringMatching(new RegExp(`${stream}\\.log.*${odd.says.source}`))],
      });
    },
  );

  test('where a log is read is refused by name, in every way it can be asked for', async () => {
    placeOdd(files.stdout, odd);
    const logs = createLogs({ dataDir: dir, maskOf: async () => noMask });
    const refusal = {
      code: 'unreadable-log',
      message: expect.stringMatching(new RegExp(`stdout\\.log.*${odd.says.source}`)),
    };
    const search = { q: 'x', offset: 0, limit: 1, ignoreCase: false };
    for (const asked of [
      () => logs.size(file),
      () => logs.read(file, { offset: 0, limit: 10 }),
      () => logs.read(file, { tail: 10 }),
      () => logs.lines(file, { fromLine: 1, lines: 1 }),
      () => logs.search(file, search),
    ])
      await expect(asked()).rejects.toMatchObject(refusal);
  });

  test('holds no thread: ten at once, and a file is read meanwhile', async () => {
    const path = join(dir, 'odd');
    placeOdd(path, odd);
    const opened = Promise.allSettled(Array.from({ length: 10 }, () => openWritten(path)));
    expect(await readWrittenJson(files.exit, 1000)).toEqual(exit);
    for (const one of await opened)
      expect((one as PromiseRejectedResult).reason.message).toMatch(odd.says);
  });
});

test.each(Object.entries(oddContents))(
  'outputs that are %s fail the attempt by name, within little memory',
  async (_kind, odd) => {
    placeOdd(files.outputs, odd);
    const before = process.memoryUsage().arrayBuffers;
    expect(await settleFromEvidence(attemptDir, noMask)).toMatchObject({
      failure: {
        code: 'bad-outputs',
        message: expect.stringMatching(new RegExp(`outputs\\.json.*${odd.says.source}`)),
      },
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16_000_000);
  },
);

test('a byte order mark before the outputs is passed over', async () => {
  await writeFile(files.outputs, '\ufeff{"a":1}');
  expect(await settleFromEvidence(attemptDir, noMask)).toMatchObject({ outputs: { a: 1 } });
});

test('a log of 100 GB that nobody wrote is read at its end, without the rest', async () => {
  placeOdd(files.stdout, oddContents['huge and sparse'] as (typeof all)[string]);
  const logs = createLogs({ dataDir: dir, maskOf: async () => noMask });
  expect((await logs.read(file, { tail: 10 }))?.bytes).toEqual(Buffer.alloc(10));
});

describe('in the whole service', () => {
  let on: Hostile;
  afterEach(() => on.close());
  const retry = { limit: 5, backoff: { initial: '1ms' } };
  const put = (name: string, make: string) =>
    `set -- "$(dirname "$STAGEWRIGHT_OUTPUTS")/${name}"; rm -rf "$1"; ( ${make} ) || true`;

  test('REL-3: outputs of every odd kind, retried and at the same time, end their runs and nobody else waits', async () => {
    const names = Object.keys(all).map((_, index) => `odd-${index}`);
    const stages = Object.values(all).map(({ make }, index) => [
      names[index] as string,
      sh(put('outputs.json', make), { retry }),
    ]);
    on = await serveStages({ ...Object.fromEntries(stages), calm: sh('true') });
    const ids = await Promise.all(names.map((name) => on.begin(name)));
    // More than there are threads in the pool, and another pipeline works meanwhile.
    expect(await on.ended(await on.begin('calm'))).toMatchObject({ state: 'DONE' });
    for (const [index, [kind, { says }]] of Object.entries(all).entries()) {
      const run = await on.ended(ids[index] as string);
      expect([kind, run.state, run.error.code]).toEqual([kind, 'FAILED', 'bad-outputs']);
      expect(run.error.message).toMatch(says);
    }
    expect(await on.ended(await on.begin('calm'))).toMatchObject({ state: 'DONE' });
  });

  test('manifests, and the files they name, of every odd kind fail the stage by name', async () => {
    const files = [{ path: 'out/*' }];
    const named = `printf '{"files":[{"path":"out/FILE","bytes":3,"sha256":"x"}]}' > "$(dirname "$STAGEWRIGHT_OUTPUTS")/manifest.json"`;
    const stages = kinds.flatMap(([_kind, { make }], index) => [
      [`manifest-${index}`, sh(put('manifest.json', make), { files })],
      [
        `file-${index}`,
        sh(
          `mkdir -p out; ${named.replace('FILE', `f${index}`)}; set -- "$PWD/out/f${index}"; ( ${make} ) || true`,
          { files },
        ),
      ],
    ]);
    on = await serveStages(Object.fromEntries(stages));
    for (const [index, [, { says }]] of kinds.entries()) {
      const manifest = await on.ended(await on.begin(`manifest-${index}`));
      expect(manifest.error).toMatchObject({
        code: 'bad-manifest',
        message: expect.stringMatching(new RegExp(`manifest\\.json.*${says.source}`)),
      });
      const listed = await on.ended(await on.begin(`file-${index}`));
      expect(listed.error).toMatchObject({
        code: 'missing-files',
        message: expect.stringMatching(new RegExp(`f${index}.*${says.source}`)),
      });
    }
  });

  test('logs and artefacts of every odd kind, and pipes laid in wait for the next attempt, cost nobody an answer', async () => {
    const stages = kinds.flatMap(([, { make }], index) => [
      [
        `log-${index}`,
        sh(
          `set -- "$(dirname "$STAGEWRIGHT_OUTPUTS")/stdout.log"; rm "$1"; ( ${make} ) || true; mkdir -p "$STAGEWRIGHT_WORKSPACE/artefacts"; set -- "$STAGEWRIGHT_WORKSPACE/artefacts/a.txt"; ( ${make} ) || true`,
        ),
      ],
    ]);
    const lain = 'cd "$(dirname "$STAGEWRIGHT_OUTPUTS")"; mkfifo exit.json.tmp; mkdir ../2; ';
    const pipes =
      'for f in stdout.log stderr.log exit.json outputs.json attempt.json; do mkfifo ../2/$f; done';
    on = await serveStages({
      ...Object.fromEntries(stages),
      lays: sh(`test $STAGEWRIGHT_ATTEMPT = 2 && exit; ${lain} ${pipes}; exit 1`, {
        retry: { limit: 1, backoff: { initial: '1ms' } },
      }),
    });
    expect(await on.ended(await on.begin('lays'))).toMatchObject({ state: 'DONE', attempt: 2 });
    for (const [index, [, { says }]] of kinds.entries()) {
      const id = await on.begin(`log-${index}`);
      await on.ended(id);
      const log = await on.ask('GET', `/api/runs/${id}/logs/work/1`);
      expect([log.status, log.json?.code]).toEqual([409, 'unreadable-log']);
      expect(log.json.detail).toMatch(says);
      const artefact = await on.ask('GET', `/api/runs/${id}/artefacts/a.txt`);
      expect([artefact.status, artefact.json?.code]).toEqual([404, 'unknown-artefact']);
      const { artefacts } = (await on.get(`/api/runs/${id}`)).json;
      expect(artefacts.map(({ name }: { name: string }) => name)).not.toContain('a.txt');
    }
  });
});
