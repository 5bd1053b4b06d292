import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createOutput, showStatus } from '../../bin/print.ts';
import type { Status } from '../../wire/status.ts';
import { ended, eventually, runService, startRequest } from '../support/service.ts';

const examples = fileURLToPath(new URL('../../examples', import.meta.url));

/** Runs a pipeline of an example in a copy of it. */
const runExample = async (
  name: string,
  look: (run: Status, dir: string) => Promise<void>,
  params: Record<string, unknown> = {},
): Promise<void> => {
  const dir = await mkdtemp(join(tmpdir(), `stagewright-example-`));
  await cp(join(examples, name), dir, { recursive: true });
  const { orchestrator, close } = await runService({ dir });
  try {
    const { items, problems } = await orchestrator.pipelines();
    expect([problems, items.flatMap(({ lint }) => lint)]).toEqual([[], []]);
    const started = await orchestrator.start(startRequest(`first-${name}`, { params }));
    await look(await ended(orchestrator, started.status.run_id as string), dir);
  } finally {
    await close();
    await rm(dir, { recursive: true });
  }
};

test('examples/shell: three programs hand on a file and a value, and publish whole files', () =>
  runExample(
    'shell',
    async (run, dir) => {
      expect([run.state, run.outcome]).toEqual(['DONE', 'success']);
      expect(await readFile(join(dir, 'out/rows.csv'), 'utf8')).toBe('good,1\ngood,2\ngood,3\n');
    },
    { word: 'good' },
  ));

test('examples/etl: scripts read settings from a file, and what they load is whole', () =>
  runExample('etl', async (run, dir) => {
    expect([run.state, run.stages[0]?.outputs]).toEqual(['DONE', { rows: 3 }]);
    expect(await readFile(join(dir, 'out/2026-03-04.csv'), 'utf8')).toBe(
      'north,11.75\nsouth,4.25\n',
    );
  }));

test('examples/advisory: a test that advises makes the run partial, one that must hold ends it', async () => {
  await runExample('advisory', async (run, dir) => {
    expect([run.state, run.outcome, run.why]).toEqual([
      'DONE',
      'partial',
      'done in part: test-volume: 3 rows, expected at least 5',
    ]);
    expect(await readFile(join(dir, 'out/model.csv'), 'utf8')).toBe('1,1\n2,4\n3,9\n');
  });
  const outcome = async (rows: number) => {
    const seen: unknown[] = [];
    await runExample('advisory', async (run) => void seen.push(run.outcome, run.error?.stage), {
      rows,
    });
    return seen;
  };
  expect([await outcome(5), await outcome(0)]).toEqual([
    ['success', undefined],
    ['failed', 'test-not-empty'],
  ]);
});

test('examples/approval: nothing is published before somebody has said yes, and then with their name', async () => {
  const dir = await mkdtemp(join(tmpdir(), `stagewright-example-`));
  await cp(join(examples, 'approval'), dir, { recursive: true });
  const { orchestrator, close } = await runService({ dir });
  try {
    const { items, problems } = await orchestrator.pipelines();
    expect([problems, items.flatMap(({ lint }) => lint)]).toEqual([[], []]);
    const { status } = await orchestrator.start(startRequest('first-approval'));
    const id = status.run_id as string;
    await eventually(orchestrator, async () => {
      const now = await orchestrator.run(id);
      return now.state === 'AWAITING_APPROVAL';
    });
    await expect(readFile(join(dir, 'out/summary.csv'))).rejects.toThrow('ENOENT');
    await orchestrator.command(id, {
      command: { type: 'APPROVE', reason: 'three rows, as it should be' },
      actor: { kind: 'user', name: 'ada' },
      ifVersion: null,
      idempotency: null,
    });
    const run = await ended(orchestrator, id);
    expect([run.outcome, await readFile(join(dir, 'out/summary.csv'), 'utf8')]).toEqual([
      'success',
      'rows,3\n',
    ]);
    const log = join(dir, 'data/runs', id, 'publish/1/stdout.log');
    expect(await readFile(log, 'utf8')).toBe('approved by ada\n');
  } finally {
    await close();
    await rm(dir, { recursive: true });
  }
});

test('examples/scraper: a site that asks for patience is not asked again before', async () => {
  const askedAt: number[] = [];
  const site = createServer((_, response) => {
    askedAt.push(performance.now());
    if (askedAt.length === 1) response.writeHead(429, { 'Retry-After': '3' }).end();
    else response.setHeader('Content-Type', 'application/json').end('{"ES": 5000}');
  });
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  try {
    await runExample(
      'scraper',
      async (run, dir) => {
        expect([run.state, run.stages[0]?.attempt]).toEqual(['DONE', 2]);
        const day = run.created_at?.slice(0, 10);
        expect(await readFile(join(dir, `out/${day}.json`), 'utf8')).toBe('{"ES":5000}\n');
      },
      { site: `http://127.0.0.1:${(site.address() as AddressInfo).port}` },
    );
    // Longer than its own first wait of two seconds, with jitter.
    expect((askedAt[1] as number) - (askedAt[0] as number)).toBeGreaterThanOrEqual(2990);
  } finally {
    site.close();
  }
});

test('examples/python: progress, metric and output are those of the program', () =>
  runExample('python', async (run, dir) => {
    expect([run.state, run.stages[0]?.outputs]).toEqual([
      'DONE',
      { report: 'out/report-2026-03-04.json' },
    ]);
    expect(JSON.parse(await readFile(join(dir, 'out/report-2026-03-04.json'), 'utf8'))).toEqual({
      day: '2026-03-04',
      figures: [1, 4, 9],
    });
  }));

test('examples/python: a failure that trying again cannot mend is not tried again', () =>
  runExample(
    'python',
    async (run) =>
      expect([run.state, run.error?.code, run.error?.attempt]).toEqual(['FAILED', 'bad-input', 1]),
    { day: '2026-03-13' },
  ));

test('examples/typescript: what a module answers is inserted into the next stage', () =>
  runExample('typescript', async (run) => {
    expect([run.state, run.stages[0]?.outputs]).toEqual(['DONE', { letters: 14 }]);
  }));

test('examples/parallel: both checks are heard, and what they say is handed on', () =>
  runExample('parallel', async (run, dir) => {
    expect([run.state, run.stages.map(({ group }) => group ?? null)]).toEqual([
      'DONE',
      [null, 'checks', 'checks', null],
    ]);
    expect(await readFile(join(dir, 'out/report.txt'), 'utf8')).toBe(
      '3 rows, all of them numbers\n',
    );
    const said: string[] = [];
    const pipe = { write: (text: string | Uint8Array) => said.push(String(text)) > 0 };
    showStatus(createOutput(pipe, pipe, {}), run);
    expect(
      said
        .join('')
        .trim()
        .split('\n')
        .map((text) => text.trim().split(/ {2,}/)[0]),
    ).toEqual([
      'first-parallel #1',
      'every stage finished',
      'fetch',
      'checks, beside each other:',
      'numbers',
      'volume',
      'publish',
    ]);
  }));

test('examples/parallel: one that fails leaves the other one its say', () =>
  runExample(
    'parallel',
    async (run) =>
      expect([run.state, run.error?.code, run.stages.map(({ state }) => state)]).toEqual([
        'FAILED',
        'too-few',
        ['succeeded', 'succeeded', 'failed', 'pending'],
      ]),
    { rows: 1 },
  ));
test('examples/testing: what a pipeline does when things go wrong, as a test of its own', async () => {
  const args = ['--disable-warning=ExperimentalWarning', '--test', 'examples/testing/*.test.ts'];
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd });
  expect(stdout).toContain('pass 5\n');
  expect(stdout).toContain('fail 0\n');
});
