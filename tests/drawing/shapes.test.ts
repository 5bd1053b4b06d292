import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { createActor, createMachine, fromPromise } from 'xstate';
import { collapse } from '../../drawing/collapse.ts';
import type { ChartLayout } from '../../drawing/drawing.ts';
import { type ChartGraph, chartGraph } from '../../drawing/graph.ts';
import { layoutChart } from '../../drawing/layout.ts';
import { chartMermaid } from '../../drawing/mermaid.ts';
import { chartScxml } from '../../drawing/scxml.ts';
import { chartSvg } from '../../drawing/svg.ts';
import { compile } from '../../machines/compile.ts';
import { launchBrowser } from '../dashboard/browser.ts';
import { shapes } from '../support/shapes.ts';
import { defectsOf } from './geometry.ts';

const graphs = Object.entries(shapes).map(
  ([name, definition]) => [name, chartGraph(compile(definition))] as const,
);
const stagePaths = ({ states }: ChartGraph): string[] =>
  states.filter(({ stage }) => stage !== null).map(({ path }) => path);
const graphOf = (name: keyof typeof shapes): ChartGraph =>
  graphs.find(([other]) => other === name)?.[1] as ChartGraph;
const closedBut = (graph: ChartGraph, open: number): ChartGraph =>
  collapse(graph, new Set(stagePaths(graph).filter((_, index) => index !== open)));

/** The second stage of the first group. */
const regionOf = (graph: ChartGraph): number => {
  const group = graph.states.find(({ kind }) => kind === 'parallel')?.path as string;
  return stagePaths(graph).findIndex((path) => path.startsWith(`${group}.`)) + 1;
};

describe.each(
  graphs.flatMap(([name, graph]) =>
    (['right', 'down'] as const).flatMap((direction) => [
      [`${name}, ${direction}`, graph, direction] as const,
      [`${name}, ${direction}, closed`, closedBut(graph, -1), direction] as const,
      [`${name}, ${direction}, one open`, closedBut(graph, regionOf(graph)), direction] as const,
    ]),
  ),
)('%s', (_, graph, direction) => {
  const layout = layoutChart(graph, direction);
  test('nothing overlaps, and no line runs through a foreign state or label', () => {
    expect(defectsOf(layout)).toEqual([]);
  });
  test('every state is drawn once, and every transition has its line', () => {
    const paths = layout.boxes.map(({ state }) => state.path);
    expect(paths.toSorted()).toEqual(graph.states.map(({ path }) => path).toSorted());
    const wanted = graph.edges.filter(({ isInternal }) => !isInternal);
    expect(new Set(layout.lines.map(({ id }) => id))).toEqual(
      new Set(wanted.map(({ from, to }) => `${from}→${to}`)),
    );
  });
});

test('the stages of a group stand beside each other across the flow, between them a line', () => {
  const boxOf = ({ boxes }: ChartLayout, path: string) =>
    boxes.find(({ state }) => state.path === path) as ChartLayout['boxes'][number];
  const graph = closedBut(graphOf('a group between stages'), -1);
  const wide = layoutChart(graph);
  const tall = layoutChart(graph, 'down');
  const [left, right] = ['running.both.left', 'running.both.right'];
  expect(boxOf(wide, left as string).x).toBe(boxOf(wide, right as string).x);
  expect(boxOf(wide, left as string).y).toBeLessThan(boxOf(wide, right as string).y);
  expect(boxOf(tall, left as string).y).toBe(boxOf(tall, right as string).y);
  expect(boxOf(wide, 'running.both').stripes).toHaveLength(1);
});

test('a lifecycle of twelve stages with two groups is read on one screen', () => {
  const { width, height } = layoutChart(closedBut(graphOf('twelve stages with two groups'), -1));
  // At 1600 pixels its texts of 12.5 are still 9.5 high.
  expect(1600 / width).toBeGreaterThan(0.75);
  expect(height).toBeLessThan(900);
});

test.each(graphs)('%s: SCXML says what is parallel, and nests as the chart does', (_, graph) => {
  const xml = chartScxml(graph);
  for (const { path, kind, parent } of graph.states) {
    const tag = { parallel: 'parallel', final: 'final', compound: 'state', atomic: 'state' }[kind];
    expect(xml).toContain(`<${tag} id="${path}"`);
    const before = xml.slice(0, xml.indexOf(`id="${path}"`));
    if (parent !== null) expect(before).toContain(`id="${parent}"`);
  }
  // A region of a parallel state has no initial sibling, and eventless transitions no event.
  expect(xml).not.toMatch(/<parallel[^>]*initial=/);
  expect(xml).not.toMatch(/event="[^"]*always"/);
  expect(chartSvg(graph, { title: 'drawn' })).toContain('</svg>');
});

describe('by the real parser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test('Mermaid reads and draws each of them, with the regions of a group', async () => {
    const page = await browser.newPage();
    const script = fileURLToPath(import.meta.resolve('mermaid/dist/mermaid.min.js'));
    await page.addScriptTag({ content: readFileSync(script, 'utf8') });
    for (const [name, graph] of graphs) {
      const text = chartMermaid(graph);
      const groups = graph.states.filter(({ kind }) => kind === 'parallel');
      const regions = graph.states.filter(({ parent }) =>
        groups.some(({ path }) => path === parent),
      );
      expect(text.split('\n').filter((line) => line.trim() === '--')).toHaveLength(
        regions.length - groups.length,
      );
      const drawn = await page.evaluate(
        `mermaid.parse(${JSON.stringify(text)}).then(({ diagramType }) => mermaid.render('one', ${JSON.stringify(text)}).then(({ svg }) => [diagramType, svg]))`,
      );
      const [type, svg] = drawn as [string, string];
      expect([name, type]).toEqual([name, 'stateDiagram']);
      for (const { name: word } of regions) expect(svg).toContain(word);
    }
    await page.close();
  });
});

test('the exported XState config runs in plain XState: both regions at once, and on when both are over', async () => {
  const config = structuredClone(compile(shapes['a group between stages'] as never));
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const stage = fromPromise<unknown, { stage: string }>(({ input }) => {
    begun.push(input.stage);
    return new Promise((resolve) => ends.set(input.stage, () => resolve({})));
  });
  const now = fromPromise(async () => ({}));
  // Whoever runs the config brings the facts: here, which stages are over.
  const over = new Set<string>();
  const yes = ['canRetry', 'mayPause'];
  const machine = createMachine(config as never).provide({
    actors: { stage, preflight: now, verify: now, drain: now },
    guards: Object.fromEntries(
      ['wasSkipped', 'wasInterrupted', 'isReused', 'pauseAsked', 'hasGroupFailed', ...yes].map(
        (name) => [name, () => yes.includes(name)],
      ),
    ),
    delays: Object.fromEntries(
      ['attemptTimeout', 'backoff', 'attemptWarning'].flatMap((name) =>
        ['first', 'left', 'right', 'last'].map((of) => [`${name}.${of}`, 3_600_000]),
      ),
    ),
  } as never);
  const provided = machine.provide({
    guards: { isGroupOver: () => over.has('left') && over.has('right') },
    delays: { preflightDeadline: 3_600_000 },
  } as never);
  const actor = createActor(provided);
  actor.start();
  actor.send({ type: 'ADMITTED' } as never);
  const end = async (name: string): Promise<void> => {
    await reached(() => ends.has(name));
    over.add(name);
    ends.get(name)?.();
  };
  const reached = async (holds: () => boolean): Promise<void> => {
    if (holds()) return;
    await new Promise<void>((resolve) => {
      const seen = actor.subscribe(() => {
        if (!holds()) return;
        seen.unsubscribe();
        resolve();
      });
    });
  };
  await end('first');
  await reached(() => begun.includes('right'));
  expect(begun).toEqual(['first', 'left', 'right']);
  expect(actor.getSnapshot().value).toEqual({
    running: { both: { left: 'attempting', right: 'attempting' } },
  });
  await end('right');
  await reached(() => JSON.stringify(actor.getSnapshot().value).includes('"right":"over"'));
  await end('left');
  await end('last');
  await reached(() => actor.getSnapshot().status === 'done');
  expect(actor.getSnapshot().value).toBe('done');
});
