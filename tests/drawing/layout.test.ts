import { parseDefinition } from '../../definition/parse-definition.ts';
import { collapse } from '../../drawing/collapse.ts';
import type { ChartLayout } from '../../drawing/drawing.ts';
import { type ChartGraph, chartGraph } from '../../drawing/graph.ts';
import { layoutChart } from '../../drawing/layout.ts';
import type { Direction } from '../../drawing/plane.ts';
import type { ChartConfig } from '../../machines/chart-config.ts';
import { compile } from '../../machines/compile.ts';
import { defectsOf } from './geometry.ts';

const names = [
  'translator',
  'analyzer',
  'merger',
  'validator',
  'publish-to-warehouse',
  'x',
  'notifier',
  'archiver',
  'a-rather-long-stage-name',
  'i',
  'j',
  'k',
];
const definitionOf = (stages: number, files: boolean, timeout: boolean) => {
  const parsed = parseDefinition({
    name: 'drawn',
    ...(timeout && { timeout: '1h' }),
    stages: names
      .slice(0, stages)
      .map((name) => ({ name, run: ['true'], ...(files && { files: [{ path: 'x', min: 1 }] }) })),
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.definition;
};
const compiled = (stages: number, files: boolean): ChartGraph =>
  chartGraph(compile(definitionOf(stages, files, files)));
const stagePaths = ({ states }: ChartGraph): string[] =>
  states.filter(({ stage }) => stage !== null).map(({ path }) => path);
const allBut = (graph: ChartGraph, open: number): ChartGraph =>
  collapse(graph, new Set(stagePaths(graph).filter((_, index) => index !== open)));

const directions: Direction[] = ['right', 'down'];
const cases = [1, 2, 3, 5, 8, 12].flatMap((stages) =>
  [false, true].flatMap((files) =>
    directions.flatMap((direction) => {
      const graph = compiled(stages, files);
      const name = `${stages} stages${files ? ' with files and a time limit' : ''}, ${direction}`;
      return [
        [name, graph, direction] as const,
        [`${name}, one stage open`, allBut(graph, Math.floor(stages / 2)), direction] as const,
        [`${name}, all stages closed`, allBut(graph, -1), direction] as const,
      ];
    }),
  ),
);

test.each(cases)(
  '%s: nothing overlaps, no line runs through a foreign state or label',
  (_, graph, direction) => {
    expect(defectsOf(layoutChart(graph, direction))).toEqual([]);
  },
);

test.each(cases)(
  '%s: every state is drawn once and every transition has its line and its label',
  (_, graph, direction) => {
    const { boxes, lines, labels } = layoutChart(graph, direction);
    expect(boxes.map(({ state }) => state.path).toSorted()).toEqual(
      graph.states.map(({ path }) => path).toSorted(),
    );
    const drawn = graph.edges.filter(({ isInternal }) => !isInternal);
    const idOf = ({ from, to }: { from: string; to: string }): string => `${from}→${to}`;
    const wanted = new Set(drawn.map(idOf));
    expect(lines.map(({ id }) => id).toSorted()).toEqual([...wanted].toSorted());
    const isTitle = (path: string): boolean =>
      boxes.some(({ state, shape }) => state.path === path && shape === 'title');
    // How a closed stage goes on is told in it; where a way is taken at once and in any case, there
    // is nothing to say.
    const isNext = (path: string): boolean =>
      boxes.some(
        ({ state }) => state.path === path && (state.stage !== null || state.path === 'done'),
      );
    const isPlain = (line: { from: string; to: string }): boolean =>
      drawn
        .filter((edge) => idOf(edge) === idOf(line))
        .every(({ trigger, guard }) => trigger.kind === 'always' && guard === null);
    const silent = lines
      .filter((line) => (isTitle(line.from) && isNext(line.to)) || isPlain(line))
      .map(({ id }) => id);
    const told = new Set(labels.flatMap((label) => label.lines));
    expect([...wanted].filter((id) => !told.has(id)).toSorted()).toEqual(silent.toSorted());
  },
);

test('the stages stand in one line, in both directions', () => {
  const axis = ({ boxes, direction }: ChartLayout): number[] =>
    boxes
      .filter(({ state }) => state.name === 'attempting')
      .map((box) => (direction === 'right' ? box.y : box.x + box.w / 2));
  for (const direction of directions)
    expect(new Set(axis(layoutChart(compiled(5, true), direction))).size).toBe(1);
});

test('equal charts give equal drawings', () => {
  expect(layoutChart(compiled(3, true))).toEqual(layoutChart(structuredClone(compiled(3, true))));
});

test('the checker sees a state that lies on another one, and a line that was bent through one', () => {
  const layout = layoutChart(compiled(2, false));
  const [a, b] = layout.boxes.filter(({ shape }) => shape === 'state') as [
    ChartLayout['boxes'][number],
    ChartLayout['boxes'][number],
  ];
  const moved = {
    ...layout,
    boxes: layout.boxes.map((box) => (box === a ? { ...a, x: b.x + 4, y: b.y + 4 } : box)),
  };
  expect(defectsOf(moved).length).toBeGreaterThan(0);
  const swapped = {
    ...layout,
    lines: layout.lines.map((line, index) => (index === 0 ? { ...line, from: 'x' } : line)),
  };
  expect(defectsOf(swapped).length).toBeGreaterThan(0);
});

/**
 * What later compilers may make: a stage that pauses, can be skipped, works on a list, and a group
 * of stages at once.
 */
const tomorrow = (
  config: ChartConfig,
  change: (stage: Record<string, never>, name: string) => unknown,
): ChartGraph => {
  const copy = structuredClone(config) as never as {
    states: { running: { states: Record<string, never> } };
  };
  const { states } = copy.states.running;
  for (const [name, stage] of Object.entries(states)) states[name] = change(stage, name) as never;
  return chartGraph(copy as never);
};
const pausing = (stage: Record<string, never>): unknown => {
  const own = stage as unknown as { states: Record<string, { on?: object }> };
  const backingOff = {
    ...own.states.backingOff,
    on: { PAUSE: { target: 'paused' }, SKIP_STAGE: { target: 'attempting' } },
  };
  return {
    ...own,
    states: {
      ...own.states,
      backingOff,
      paused: { on: { RESUME: { target: 'attempting' }, STOP_HERE: { target: '#run.stopping' } } },
    },
  };
};
const extra: [string, ChartGraph][] = [
  ['stages that pause', tomorrow(compile(definitionOf(3, false, false)), pausing)],
  ['stages that pause and verify', tomorrow(compile(definitionOf(3, true, true)), pausing)],
  [
    'a stage that works on a list',
    tomorrow(compile(definitionOf(2, false, false)), (stage, name) => ({
      ...stage,
      meta: { stage: name, each: true },
    })),
  ],
  [
    'a group of stages that work at once',
    tomorrow(compile(definitionOf(3, false, false)), (stage, name) => {
      if (name !== 'analyzer') return stage;
      const branch = (inner: string) => ({
        initial: 'attempting',
        meta: { stage: inner },
        states: {
          attempting: {
            invoke: {
              id: inner,
              src: 'stage',
              onDone: { target: 'succeeded' },
              onError: [
                { guard: { type: 'canRetry' }, target: 'backingOff' },
                { target: 'broken' },
              ],
            },
          },
          backingOff: { after: { backoff: { target: 'attempting' } } },
          succeeded: { type: 'final' },
          broken: { type: 'final' },
        },
      });
      return {
        type: 'parallel',
        onDone: [
          { guard: { type: 'allSucceeded' }, target: '#run.running.merger' },
          { target: '#run.failing' },
        ],
        states: { left: branch('left'), right: branch('right') },
      };
    }),
  ],
];
test.each(
  extra.flatMap(([name, graph]) =>
    directions.map((direction) => [`${name}, ${direction}`, graph, direction] as const),
  ),
)('%s: is drawn without a defect', (_, graph, direction) => {
  const layout = layoutChart(graph, direction);
  expect(defectsOf(layout)).toEqual([]);
  expect(layout.lines).toHaveLength(
    new Set(
      graph.edges.filter(({ isInternal }) => !isInternal).map(({ from, to }) => `${from}→${to}`),
    ).size,
  );
});
