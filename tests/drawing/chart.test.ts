import { parseDefinition } from '../../definition/parse-definition.ts';
import { chartGraph } from '../../drawing/graph.ts';
import { chartMermaid } from '../../drawing/mermaid.ts';
import { chartScxml } from '../../drawing/scxml.ts';
import { chartSvg } from '../../drawing/svg.ts';
import { compile } from '../../machines/compile.ts';
import { machineOf } from '../../machines/machine.ts';
import { shapes } from '../support/shapes.ts';

const definitionOf = (stages: number, files: boolean, timeout: boolean) => {
  const parsed = parseDefinition({
    name: 'drawn',
    ...(timeout && { timeout: '1h' }),
    stages: Array.from({ length: stages }, (_, index) => ({
      name: `stage-${index}`,
      run: ['true'],
      ...(files && { files: [{ path: 'x', min: 1 }] }),
    })),
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.definition;
};
const configs = [
  ...Object.entries(shapes).map(([name, definition]) => [name, compile(definition)] as const),
  ...[1, 2, 3, 7, 12].flatMap((stages) =>
    [false, true].map(
      (files) =>
        [
          `${stages} stages${files ? ' with files' : ''}`,
          compile(definitionOf(stages, files, files)),
        ] as const,
    ),
  ),
];

describe.each(configs)('the chart of %s', (_, config) => {
  const graph = chartGraph(config);

  test('has the states and the transitions that XState has, no more and no fewer', () => {
    const machine = machineOf(config);
    type Node = typeof machine.root;
    const nodes = (node: Node): Node[] => [
      node,
      ...Object.values(node.states).flatMap((child) => nodes(child as Node)),
    ];
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
    expect(graph.edges.map(({ from, to }) => `${from} → ${to}`).toSorted()).toEqual(
      theirs.toSorted(),
    );
  });

  test('as XML: every tag that opens closes, and nothing is left unescaped', () => {
    for (const xml of [chartSvg(graph, { title: 'a <b> & "c"' }), chartScxml(graph)]) {
      const open: string[] = [];
      const tags = xml
        .replace(/<style>[\s\S]*?<\/style>/, '')
        .matchAll(/<(\/?)([\w?]+)((?:\s[\w:-]+="[^"<]*")*)\s*(\/|\?)?>/g);
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
    const arrows = lines.flatMap((line) =>
      [/^ {2}(\w+) --> (\w+) : /.exec(line)].filter((match) => match !== null),
    );
    expect(arrows).toHaveLength(graph.edges.filter(({ from }) => from !== '').length);
    for (const [, from, to] of arrows) {
      expect(names).toContain(from);
      expect(names).toContain(to);
    }
  });
});
