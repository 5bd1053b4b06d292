import type { ChartEdge, ChartGraph, ChartState } from './graph.ts';
import { escapeXml } from './xml.ts';

/** What SCXML calls the event of an edge; a delay is an event that the state sends itself. */
const eventOf = ({ from, trigger: { kind, name } }: ChartEdge): string => {
  if (kind === 'event') return name;
  if (kind === 'after') return `after.${name}.${from}`;
  return kind === 'done' ? `done.invoke.${name}` : `error.platform.${name}`;
};

const openings = (state: ChartState, edges: ChartEdge[]): string[] => {
  const invokes = [
    ...new Set(
      edges.filter(({ trigger }) => trigger.kind === 'done').map(({ trigger }) => trigger.name),
    ),
  ];
  const delays = edges.filter(({ trigger }) => trigger.kind === 'after');
  const lines = invokes.map(
    (id, index) =>
      `<invoke id="${escapeXml(id)}" type="${escapeXml(state.invokes[index] ?? id)}"/>`,
  );
  if (delays.length === 0) return lines;
  const sends = delays.map(
    (edge) =>
      `  <send event="${escapeXml(eventOf(edge))}" delayexpr="delay('${escapeXml(edge.trigger.name)}')"/>`,
  );
  return [...lines, '<onentry>', ...sends, '</onentry>'];
};

/**
 * SCXML 1.0 (w3.org/TR/scxml): states, events, guards and invocations; what actions do has no words
 * there.
 */
export const chartScxml = ({ id, states, edges }: ChartGraph): string => {
  const lines: string[] = [];
  const transitions = (from: string): string[] =>
    edges
      .filter((edge) => edge.from === from)
      .map((edge) => {
        const guard = edge.guard ? ` cond="${escapeXml(edge.guard)}()"` : '';
        // What is taken at once has no event.
        const event = edge.trigger.kind === 'always' ? '' : ` event="${escapeXml(eventOf(edge))}"`;
        return `<transition${event}${guard} target="${escapeXml(edge.to)}"/>`;
      });
  const initialOf = (parent: string | null): string =>
    states.find((state) => state.parent === parent && state.initial)?.path ?? '';
  const walk = (parent: string | null, indent: string): void => {
    for (const state of states.filter((one) => one.parent === parent)) {
      const own = edges.filter(({ from }) => from === state.path);
      const inner = [...openings(state, own), ...transitions(state.path)].map(
        (line) => `${indent}  ${line}`,
      );
      const tag = { final: 'final', parallel: 'parallel', compound: 'state', atomic: 'state' }[
        state.kind
      ];
      const initial =
        state.kind === 'compound' ? ` initial="${escapeXml(initialOf(state.path))}"` : '';
      lines.push(`${indent}<${tag} id="${escapeXml(state.path)}"${initial}>`, ...inner);
      walk(state.path, `${indent}  `);
      lines.push(`${indent}</${tag}>`);
    }
  };
  walk(null, '    ');
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" name="${escapeXml(id)}" initial="chart">`,
    // The root handles events too, and <scxml> itself has no transitions.
    `  <state id="chart" initial="${escapeXml(initialOf(null))}">`,
    ...transitions('').map((line) => `    ${line}`),
    ...lines,
    '  </state>',
    '</scxml>',
    '',
  ].join('\n');
};
