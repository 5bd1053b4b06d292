import { chartGraph } from '../../../machines/chart/graph.ts';
import { layoutChart } from '../../../machines/chart/layout.ts';
import { chartMermaid } from '../../../machines/chart/mermaid.ts';
import { chartScxml } from '../../../machines/chart/scxml.ts';
import { chartSvg } from '../../../machines/chart/svg.ts';
import { compile } from '../../../machines/compile.ts';
import { machineOf } from '../../../machines/machine.ts';
import { parseDefinition } from '../../../machines/parse-definition.ts';

const definitionOf = (stages: number, files: boolean, timeout: boolean) => {
  const parsed = parseDefinition({
    name: 'drawn',
    ...(timeout && { timeout: '1h' }),
    stages: Array.from({ length: stages }, (_, index) => ({
      ...{ name: `stage-${index}`, run: ['true'] },
      ...(files && { files: [{ path: 'x', min: 1 }] }),
    })),
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.definition;
};
const configs = [1, 2, 3, 7, 12].flatMap((stages) =>
  [false, true].map((files) => [`${stages} stages${files ? ' with files' : ''}`, compile(definitionOf(stages, files, files))] as const),
);

describe.each(configs)('the chart of %s', (_, config) => {
  const graph = chartGraph(config);
  const layout = layoutChart(graph);

  test('has the states and the transitions that XState has, no more and no fewer', () => {
    const machine = machineOf(config);
    type Node = typeof machine.root;
    const nodes = (node: Node): Node[] => [node, ...Object.values(node.states).flatMap((child) => nodes(child as Node))];
    const all = nodes(machine.root);
    expect(graph.states.map(({ path }) => path).toSorted()).toEqual(
      all
        .map(({ path }) => path.join('.'))
        .filter(Boolean)
        .toSorted(),
    );
    const pathOf = ({ path }: { path: string[] }) => path.join('.');
    const theirs = all.flatMap((node) =>
      [...[...node.transitions.values()].flat(), ...(node.always ?? [])].map(
        (one) => `${pathOf(node)} → ${pathOf((one.target?.[0] ?? node) as Node)}`,
      ),
    );
    expect(graph.edges.map(({ from, to }) => `${from} → ${to}`).toSorted()).toEqual(theirs.toSorted());
  });

  test('as SVG: no two boxes overlap, stages hold their states, every row fits its box', () => {
    const solid = layout.boxes.filter(({ w }) => w > 0);
    for (const [index, a] of solid.entries()) {
      for (const b of solid.slice(index + 1)) {
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
        if (!apart) throw new Error(`${a.path} and ${b.path} overlap`);
      }
      for (const { y, text } of a.rows) {
        expect(y).toBeGreaterThan(a.y);
        expect(y).toBeLessThan(a.y + a.h);
        expect(text.length * 7.3 + 27).toBeLessThanOrEqual(a.w);
      }
      expect(a.x + a.w).toBeLessThanOrEqual(layout.width);
      expect(a.y + a.h).toBeLessThanOrEqual(layout.height);
      for (const frame of layout.frames) {
        const inside = a.x >= frame.x && a.y >= frame.y && a.x + a.w <= frame.x + frame.w && a.y + a.h <= frame.y + frame.h;
        expect([a.path, frame.path, inside]).toEqual([a.path, frame.path, a.path.startsWith(`${frame.path}.`)]);
      }
    }
  });

  test('as SVG: every transition is a line from its row to the edge of its box, and crosses no box', () => {
    const drawn = layout.lines.map(({ from, to }) => `${from} ${to}`).toSorted();
    const initial = (path: string): string => {
      const inner = graph.states.find((state) => state.parent === path && state.initial);
      return inner ? initial(inner.path) : path;
    };
    // What a whole stage handles is a line of its frame.
    const isStage = (path: string) => /^running\.[^.]+$/.test(path);
    const wanted = graph.edges.filter(({ from }) => from !== '' && !isStage(from)).map(({ from, to }) => `${from} ${initial(to)}`);
    expect(drawn).toEqual(wanted.toSorted());
    for (const { to, points } of layout.lines) {
      const box = layout.boxes.find(({ path }) => path === to);
      if (!box) throw new Error(`no box for ${to}`);
      const [x, y] = points.at(-1) as [number, number];
      expect([box.x, box.x + box.w, box.x + box.w / 2]).toContain(x);
      expect(y).toBeGreaterThanOrEqual(box.y);
      expect(y).toBeLessThanOrEqual(box.y + box.h);
      points.slice(1).forEach(([bx, by], index) => {
        const [ax, ay] = points[index] as [number, number];
        expect(ax === bx || ay === by).toBe(true);
        for (const other of layout.boxes) {
          if (other.w === 0) continue;
          const through =
            Math.max(ax, bx) > other.x &&
            Math.min(ax, bx) < other.x + other.w &&
            Math.max(ay, by) > other.y &&
            Math.min(ay, by) < other.y + other.h;
          if (through) throw new Error(`the line to ${to} goes through ${other.path}`);
        }
      });
    }
  });

  test('as XML: every tag that opens closes, and nothing is left unescaped', () => {
    for (const xml of [chartSvg(graph, { title: 'a <b> & "c"' }), chartScxml(graph)]) {
      const open: string[] = [];
      const tags = xml.replace(/<style>[\s\S]*?<\/style>/, '').matchAll(/<(\/?)([\w?]+)((?:\s[\w:-]+="[^"<]*")*)\s*(\/|\?)?>/g);
      let length = 0;
      for (const [whole, closing, name, , single] of tags) {
        length += whole.length;
        if (closing) expect(open.pop()).toBe(name);
        else if (!single) open.push(name as string);
      }
      expect(open).toEqual([]);
      const text = xml.replace(/<style>[\s\S]*?<\/style>/, '').replaceAll(/<[^>]*>/g, '');
      expect(text).not.toMatch(/[<>]|&(?!amp;|lt;|gt;|quot;|apos;)/);
      expect(length).toBeGreaterThan(500);
    }
  });

  test('as Mermaid: every state is named once and every transition stands between named states', () => {
    const lines = chartMermaid(graph).split('\n');
    const names = lines.flatMap((line) => /state ".*" as (\w+)/.exec(line)?.[1] ?? []);
    expect(new Set(names).size).toBe(graph.states.length);
    expect(names.length).toBe(graph.states.length);
    const arrows = lines.flatMap((line) => [/^ {2}(\w+) --> (\w+) : /.exec(line)].filter((match) => match !== null));
    expect(arrows).toHaveLength(graph.edges.filter(({ from }) => from !== '').length);
    for (const [, from, to] of arrows) {
      expect(names).toContain(from);
      expect(names).toContain(to);
    }
  });
});
