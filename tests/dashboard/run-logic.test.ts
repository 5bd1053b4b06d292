import { marksOf, type Transition } from '../../dashboard/chart/marks.ts';
import { firstView, heightFor, wholeView } from '../../dashboard/chart/view.ts';
import { piecesOf } from '../../dashboard/log/ansi.ts';
import { protocolWords } from '../../dashboard/log/protocol-words.ts';
import { timersOf } from '../../dashboard/run/countdowns.ts';
import { localized } from '../../dashboard/run/run-words.ts';
import { shownChart } from '../../dashboard/run/shown-chart.ts';
import { stateFacts } from '../../dashboard/run/state-facts.ts';
import { ticksOf, timelineOf } from '../../dashboard/run/timeline-rows.ts';
import { shownAttempt, type View } from '../../dashboard/run/use-view.ts';
import { parseDefinition } from '../../definition/parse-definition.ts';
import { stateMetrics } from '../../drawing/block-size.ts';
import { collapse } from '../../drawing/collapse.ts';
import { chartGraph } from '../../drawing/graph.ts';
import { labelMetrics } from '../../drawing/label.ts';
import { layoutChart } from '../../drawing/layout.ts';
import { compile } from '../../machines/compile.ts';
import type { RunView } from '../../wire/patch.ts';
import { pipeline, stage } from '../support/definition.ts';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, startRequest } from '../support/service.ts';

const text = `name: bad
stages:
  - { name: first, run: ["true"], files: [] }
  - { name: second, run: ["false"], retry: { limit: 1, backoff: { initial: 10ms, jitter: 0 } } }
  - { name: third, run: ["true"] }
`;
let served: Served;
let id: string;
beforeAll(async () => {
  served = await serveHttp({ pipelines: { 'bad.yaml': text } });
  id = (await served.orchestrator.start(startRequest('bad'))).status.run_id as string;
  await ended(served.orchestrator, id);
});
afterAll(() => served.close());
const ledger = async (): Promise<Transition[]> =>
  (await served.ask('GET', `/api/runs/${id}/transitions`)).json.items;
const graphOf = async () => (await served.ask('GET', `/api/runs/${id}/chart`)).json;

test('the lines of the chart that a real run took are those of its ledger, over what happens at once', async () => {
  const graph = await graphOf();
  const { active, taken, visits, last } = marksOf(graph, await ledger(), new Set());
  expect([...active]).toEqual(['failed']);
  expect([...last]).toEqual(['failing→failed']);
  expect(visits.get('running.second.attempting')).toBe(2);
  expect(visits.get('running.third.attempting')).toBeUndefined();
  expect(taken.get('running.second.attempting→running.second.backingOff')).toBe(1);
  expect(taken.get('running.second.backingOff→running.second.attempting')).toBe(1);
  expect(taken.get('running.second.attempting→failing')).toBe(1);
  expect(taken.get('running.first.attempting→running.second')).toBe(1);
  // Every line that was taken is drawn.
  const drawn = new Set(layoutChart(graph).lines.map((line) => line.id));
  expect([...taken.keys()].filter((line) => !drawn.has(line))).toEqual([]);
});

test('with closed stages the same steps are the lines between them, and none is lost', async () => {
  const graph = await graphOf();
  const closed = new Set(['running.first', 'running.second', 'running.third']);
  const { taken } = marksOf(graph, await ledger(), closed);
  const drawn = new Set(layoutChart(collapse(graph, closed)).lines.map((line) => line.id));
  expect(taken.get('running.first→running.second')).toBe(1);
  expect(taken.get('running.second→failing')).toBe(1);
  expect([...taken.keys()].filter((line) => !drawn.has(line))).toEqual([]);
});

test('at an earlier version the chart stands where that step left it', async () => {
  const rows = await ledger();
  const at = rows.findIndex(({ to }) => to.endsWith('.backingOff'));
  const { active } = marksOf(await graphOf(), rows.slice(0, at + 1), new Set());
  expect([...active]).toEqual(['running.second.backingOff', 'running.second', 'running']);
});

test('a step of another chart lights its states and no line', () => {
  const parsed = parseDefinition({ name: 'other', stages: [{ name: 'only', run: ['true'] }] });
  if (!parsed.ok) throw new Error('no definition');
  const row = {
    n: 1,
    version: 1,
    at: '',
    from: 'idle',
    to: 'elsewhere',
    event: { type: 'X' },
    cause: { kind: 'command' },
    guards: [],
    verdict: 'accepted',
    why: null,
  };
  const { active, taken } = marksOf(
    chartGraph(compile(parsed.definition)),
    [row as Transition],
    new Set(),
  );
  expect([[...active], taken.size]).toEqual([['elsewhere'], 0]);
});

test('the timeline of a real run: an attempt, its backoff and the next attempt follow each other without a gap or an overlap', async () => {
  const run = (await served.ask('GET', `/api/runs/${id}`)).json;
  const events = (await served.ask('GET', `/api/events?run_id=${id}`)).json.items;
  const timeline = timelineOf(run, run.attempts, events, await ledger(), null);
  const second = timeline?.rows.find(({ stage }) => stage === 'second');
  const bars = second?.bars.toSorted((a, b) => a.from - b.from) ?? [];
  expect(bars.map(({ kind }) => kind)).toEqual(['attempt', 'backoff', 'attempt']);
  bars.slice(1).forEach((bar, index) => {
    expect(Math.abs(bar.from - (bars[index]?.to as number))).toBeLessThanOrEqual(2);
  });
  expect(timeline?.rows.find(({ stage }) => stage === 'third')?.bars).toEqual([]);
  expect(timersOf(run, run.attempts, events)).toEqual([]);
});

test('UI-3: while the stage that comes next has not begun, the log is that of the one before', () => {
  const stage = (name: string, attempt: number) => ({ name, attempt });
  const view = { stage: null, attempt: null } as View;
  const shown = (run: object, more: Partial<View> = {}) =>
    shownAttempt(run as RunView, { ...view, ...more });
  const stages = [stage('a', 1), stage('b', 2), stage('c', 0)];
  expect(shown({ stage: 'c', stages })).toEqual({ stage: 'b', attempt: 2 });
  expect(shown({ stage: 'c', stages }, { stage: 'a' })).toEqual({ stage: 'a', attempt: 1 });
  expect(shown({ stage: 'c', stages }, { stage: 'b', attempt: 1 })).toEqual({
    stage: 'b',
    attempt: 1,
  });
  expect(shown({ stage: 'a', stages: [stage('a', 0)] })).toBeNull();
  const reused = { ...stage('a', 1), state: 'reused' };
  expect(shown({ stage: 'b', stages: [reused, stage('b', 0)] })).toBeNull();
});

test.each([
  ['{"progress":{"done":3,"total":10,"unit":"files","note":"ES"}}', 'progress 3 of 10 files: ES'],
  ['{"metric":{"rows":12}}', 'metric rows = 12'],
  ['{"output":{"instruments":["ES"]}}', 'output instruments = ["ES"]'],
  ['{"skip":"no new files"}', 'skipped: no new files'],
  ['{"fail":{"code":"bad-input","message":"no"}}', 'failed bad-input: no'],
  // Malformed, or of a newer service: as it is.
  ['{"progress"', null],
  ['{"other":1}', null],
])('UI-6: a line of the protocol is shown in words: %s', (json, words) => {
  expect(protocolWords(`::stagewright ${json}`)).toBe(words);
  expect(protocolWords(json)).toBeNull();
});

test('ticks are round and never more than seven, from milliseconds to weeks', () => {
  for (const span of [40, 900, 61_000, 7_000_000, 90_000_000, 2_000_000_000]) {
    const ticks = ticksOf(span);
    expect(ticks.length).toBeGreaterThan(1);
    expect(ticks.length).toBeLessThanOrEqual(7);
    expect(ticks.at(-1)).toBeLessThanOrEqual(span);
  }
});

test('escape sequences become classes: colours, bold, resets; cursor movements and titles leave nothing behind', () => {
  const esc = '\u001b';
  expect(piecesOf(`a${esc}[1;31mred${esc}[0m b`)).toEqual([
    { text: 'a', classes: '' },
    { text: 'red', classes: 'ansi-red ansi-bold' },
    { text: ' b', classes: '' },
  ]);
  expect(piecesOf(`${esc}[38;5;196mx${esc}[39my`).map(({ classes }) => classes)).toEqual([
    'ansi-red',
    '',
  ]);
  expect(piecesOf(`${esc}[38;2;20;200;30mx${esc}[48;5;21my`).map(({ classes }) => classes)).toEqual(
    ['ansi-green', 'ansi-green ansi-on-blue'],
  );
  expect(
    piecesOf(`${esc}[2K${esc}[1Gok${esc}]0;title\u0007${esc}(B!`)
      .map((piece) => piece.text)
      .join(''),
  ).toBe('ok!');
  expect(piecesOf('<b>&amp;</b>')).toEqual([{ text: '<b>&amp;</b>', classes: '' }]);
});

test('instants of the service are read on the clock of the page', () => {
  expect(localized('tried again at 2026-11-24T21:59:17.170Z after: x')).toMatch(
    /^tried again at \d\d:\d\d:\d\d after: x$/,
  );
});

test('a timer stands at the state that it will leave, counts by the service, and is a dash while nobody knows the time', async () => {
  const graph = await graphOf();
  const rows = await ledger();
  const at = rows.findIndex(({ to }) => to.endsWith('.backingOff'));
  const marks = marksOf(graph, rows.slice(0, at + 1), new Set());
  const { boxes } = layoutChart(graph);
  const run = (await served.ask('GET', `/api/runs/${id}`)).json;
  const timer = { kind: 'backoff' as const, stage: 'second', from: 10_000, to: 20_000 };
  const timers = (now: number | null, isPast = false) =>
    boxes.flatMap((box) => {
      const facts = stateFacts({ graph, run, marks, timers: [timer], now, isPast }, box);
      return facts.timer ? [[box.state.path, facts.timer.text, facts.timer.share]] : [];
    });
  expect(timers(15_000)).toEqual([['running.second.backingOff', '5 s left', 0.5]]);
  expect(timers(25_000)).toEqual([['running.second.backingOff', '0 s left', 1]]);
  expect(timers(null)).toEqual([['running.second.backingOff', '–', 0]]);
  expect(timers(15_000, true)).toEqual([]);
});

/** What a window of 1280 and of 1440 px leaves for the chart. */
const panels = [1014, 1174];
test.each(
  panels.flatMap((width) =>
    [1, 3, 5].flatMap((count) => [0, count - 1].map((open) => [width, count, open] as const)),
  ),
)(
  'in %d px, of %d stages, every text is first seen with 11 px or more and stage %d stands in view from side to side',
  (width, count, open) => {
    const graph = chartGraph(
      compile(pipeline(Array.from({ length: count }, (_, index) => stage(`stage-${index}`)))),
    );
    const { layout } = shownChart(graph, {
      width,
      flow: 'right',
      stages: null,
      open: `stage-${open}`,
    });
    const shown = { width, height: heightFor(layout, width) };
    const focus = layout.boxes.find(
      ({ state }) => state.stage === `stage-${open}`,
    ) as (typeof layout.boxes)[number];
    const view = firstView(layout, shown, focus);
    const { name, title, detail } = stateMetrics;
    expect(
      Math.min(name, title, detail, labelMetrics.font, labelMetrics.mono) * view.scale,
    ).toBeGreaterThanOrEqual(11);
    expect(focus.shape).toBe('frame');
    expect(focus.x * view.scale + view.x).toBeGreaterThanOrEqual(0);
    expect((focus.x + focus.w) * view.scale + view.x).toBeLessThanOrEqual(width);
    expect(focus.y * view.scale + view.y).toBeGreaterThanOrEqual(0);
    expect((focus.y + focus.h) * view.scale + view.y).toBeLessThanOrEqual(shown.height);
  },
);

test('all of a chart is seen by Fit, and first when it can be read whole', () => {
  const drawing = { width: 2000, height: 1000, direction: 'right' as const };
  const shown = { width: 1000, height: 800 };
  expect(wholeView(drawing, shown)).toEqual({ x: 0, y: 150, scale: 0.5 });
  expect(firstView(drawing, shown, null).scale).toBe(0.96);
  // A stage begins at the top, under the title of its run.
  expect(firstView(drawing, shown, { x: 900, y: 150, w: 500, h: 600 }).y).toBe(72 - 150 * 0.96);
  const small = { width: 900, height: 400, direction: 'right' as const };
  expect(firstView(small, shown, null)).toEqual({ x: 50, y: 200, scale: 1 });
});
