import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createOutput, showStatus } from '../../bin/print.ts';
import type { Status } from '../../wire/status.ts';
import { ended, runService, startRequest } from '../support/service.ts';

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
