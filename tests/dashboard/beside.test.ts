import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { marksOf, type Transition } from '../../dashboard/chart/marks.ts';
import { timersOf } from '../../dashboard/run/countdowns.ts';
import { short } from '../../dashboard/run/run-words.ts';
import { shownAttempt, type View } from '../../dashboard/run/use-view.ts';
import { collapse } from '../../drawing/collapse.ts';
import type { chartGraph } from '../../drawing/graph.ts';
import { layoutChart } from '../../drawing/layout.ts';
import { fittingStages, flowText } from '../../wire/beside.ts';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, eventually, startRequest } from '../support/service.ts';
import { launchBrowser, visit } from './browser.ts';

// Stages beside each other, as the pages tell of them.
const waits = (name: string): string =>
  `{ name: ${name}, run: ["bash", "-c", "until [ -e go ]; do sleep 0.02; done"] }`;
const text = `name: p
stages:
  - { name: first, run: ["true"] }
  - name: both
    parallel:
      - ${waits('left')}
      - ${waits('right')}
      - { name: again, run: ["bash", "-c", "[ -e go ]"], retry: { limit: 1, backoff: { initial: 1h } } }
  - { name: last, run: ["true"] }
`;
let served: Served;
let id: string;
beforeAll(async () => {
  served = await serveHttp(
    { pipelines: { 'p.yaml': text } },
    {},
    new URL('../../dashboard/dist', import.meta.url).pathname,
  );
  id = (await served.orchestrator.start(startRequest('p'))).status.run_id as string;
  await eventually(served.orchestrator, async () =>
    (await served.orchestrator.run(id)).stages.every(
      ({ name, state }) => name === 'last' || state !== (name === 'again' ? 'running' : 'pending'),
    ),
  );
});
afterAll(() => served.close());
const view: View = {
  stage: null,
  attempt: null,
  n: null,
  path: null,
  stream: null,
  line: null,
  q: '',
  side: 'ledger',
  flow: null,
  stages: null,
};

test('the log that is shown first is of a stage that works, and each that waits has its own countdown', async () => {
  const run = (await served.ask('GET', `/api/runs/${id}`)).json;
  const events = (await served.ask('GET', `/api/events?run_id=${id}`)).json.items;
  expect(shownAttempt(run, view)).toEqual({ stage: 'left', attempt: 1 });
  expect(shownAttempt(run, { ...view, stage: 'right' })).toEqual({ stage: 'right', attempt: 1 });
  const timers = timersOf(run, run.attempts, events);
  expect(timers.map(({ kind, stage }) => `${kind} ${stage}`).toSorted()).toEqual([
    'backoff again',
    'timeout left',
    'timeout right',
  ]);
  expect(fittingStages('SKIP_STAGE', run.stages)).toEqual(['left', 'right', 'again']);
  expect(fittingStages('RETRY_NOW', run.stages)).toEqual(['again']);
  expect(flowText(run.stages)).toBe('first → (left ∥ right ∥ again) → last');
});

test('a step of one of them is told of that one alone', () => {
  const [from, to] = [
    'running.both.left.attempting running.both.right.ending',
    'running.both.left.attempting running.both.right.over',
  ];
  expect([short(from, to), short(to, from)]).toEqual(['right › ending', 'right › over']);
  expect(short(from)).toBe('left › attempting, right › ending');
  expect(short('running.first.attempting', from)).toBe('first › attempting');
});

describe('in the browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test('the run page shows the group, its stages side by side, and asks which one is to be skipped', async () => {
    const { page, context, faults } = await visit(browser, served.url);
    await page.goto(`/runs/${id}`);
    await page.locator('.chart-state').first().waitFor();
    await page.locator('.gantt-label', { hasText: 'left' }).waitFor();
    expect(await page.locator('.gantt-rows > li').count()).toBe(5);
    await page.getByRole('button', { name: 'Skip stage' }).click();
    const choice = page.getByLabel('Which stage');
    expect(await choice.locator('option').allTextContents()).toEqual(['left', 'right', 'again']);
    await choice.selectOption('right');
    await page.getByPlaceholder('Reason').fill('not today');
    await page.locator('.commands-ask button[type=submit]').click();
    await eventually(
      served.orchestrator,
      async () => (await served.orchestrator.run(id)).stages[2]?.state === 'skipped',
    );
    expect((await served.orchestrator.run(id)).stages[1]?.state).toBe('running');
    expect(faults).toEqual([]);
    await context.close();
  });
});

test('every step of the run is lit on the chart, also where it enters and leaves the group', async () => {
  await writeFile(join(served.dir, 'go'), '');
  await served.ask('POST', `/api/runs/${id}/commands`, {
    body: JSON.stringify({ type: 'RETRY_NOW' }),
    headers: { 'Content-Type': 'application/json' },
  });
  expect((await ended(served.orchestrator, id)).state).toBe('DONE');
  const rows = (await served.ask('GET', `/api/runs/${id}/transitions`)).json.items.filter(
    ({ verdict }: Transition) => verdict === 'accepted',
  ) as Transition[];
  const graph = (await served.ask('GET', `/api/runs/${id}/chart`)).json as ReturnType<
    typeof chartGraph
  >;
  const { active, taken, visits } = marksOf(graph, rows, new Set());
  expect([...active]).toEqual(['done']);
  expect(visits.get('running.both')).toBe(1);
  expect(visits.get('running.both.again.attempting')).toBe(2);
  expect(visits.get('running.both.left.attempting')).toBe(1);
  for (const line of [
    'running.first.attempting→running.both',
    'running.both.left.ready→running.both.left.attempting',
    'running.both.right.ready→running.both.right.attempting',
    'running.both.left.attempting→running.both.left.over',
    'running.both.again.attempting→running.both.again.backingOff',
    'running.both.again.backingOff→running.both.again.attempting',
    'running.both→running.last',
    'running.last.attempting→done',
  ])
    expect([line, taken.get(line)]).toEqual([line, 1]);
  const drawn = new Set(layoutChart(graph).lines.map((line) => line.id));
  expect([...taken.keys()].filter((line) => !drawn.has(line))).toEqual([]);
  const entered = rows.findIndex(({ to }) => to.startsWith('running.both.'));
  expect([...marksOf(graph, rows.slice(0, entered + 1), new Set()).active].toSorted()).toEqual([
    'running',
    'running.both',
    ...['again', 'left', 'right'].flatMap((name) => [
      `running.both.${name}`,
      `running.both.${name}.attempting`,
    ]),
  ]);
  const closed = new Set(
    ['first', 'both.left', 'both.right', 'both.again', 'last'].map((name) => `running.${name}`),
  );
  const few = marksOf(graph, rows, closed).taken;
  const lines = new Set(layoutChart(collapse(graph, closed)).lines.map((line) => line.id));
  expect([...few.keys()].filter((line) => !lines.has(line))).toEqual([]);
});
