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
    for (const { path, name, kind, initial } of own) {
      if (initial) lines.push(`${indent}[*] --> ${idOf(path)}`);
      if (kind !== 'compound') lines.push(`${indent}state "${name}" as ${idOf(path)}`);
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
