import type { ChartEdge, ChartGraph } from './graph.ts';

/** Mermaid's ids have no dots or dashes. */
const idOf = (path: string): string => path.replaceAll('.', '__').replaceAll('-', '_');
const labelOf = ({ trigger: { kind, name }, guard }: ChartEdge): string => {
  const word =
    kind === 'done' || kind === 'error' ? kind : kind === 'after' ? `after ${name}` : name;
  return guard ? `${word} [${guard}]` : word;
};

/** stateDiagram-v2 (mermaid.js.org); what the whole chart handles is a note. */
export const chartMermaid = ({ states, edges }: ChartGraph): string => {
  const lines = ['stateDiagram-v2'];
  const walk = (parent: string | null, indent: string): void => {
    const own = states.filter((state) => state.parent === parent);
    const isBeside = states.find(({ path }) => path === parent)?.kind === 'parallel';
    for (const [index, { path, name, kind, initial }] of own.entries()) {
      // Stages beside each other: concurrent regions.
      if (isBeside && index > 0) lines.push(`${indent}--`);
      if (initial || isBeside) lines.push(`${indent}[*] --> ${idOf(path)}`);
      if (kind !== 'compound' && kind !== 'parallel')
        lines.push(`${indent}state "${name}" as ${idOf(path)}`);
      else {
        lines.push(`${indent}state "${name}" as ${idOf(path)} {`);
        walk(path, `${indent}  `);
        lines.push(`${indent}}`);
      }
      if (kind === 'final') lines.push(`${indent}${idOf(path)} --> [*]`);
    }
  };
  walk(null, '  ');
  for (const edge of edges) {
    if (edge.from === '')
      lines.push(`  note right of ${idOf(edge.to)} : ${labelOf(edge)}, from every state`);
    else lines.push(`  ${idOf(edge.from)} --> ${idOf(edge.to)} : ${labelOf(edge)}`);
  }
  return `${lines.join('\n')}\n`;
};
