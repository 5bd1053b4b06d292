import type { Operations } from '../../client/operations.ts';
import { shownAs } from '../../drawing/collapse.ts';
import type { ChartEdge, ChartGraph } from '../../drawing/graph.ts';

export type Transition = Operations['GET /api/runs/{id}/transitions']['answer']['items'][number];
/** What of a step lights the chart. */
export type Taken = Pick<Transition, 'from' | 'to' | 'event'>;
/**
 * What is lit: where the run stands, how often it entered each state and took each line, and the
 * line taken last.
 */
export type Marks = {
  active: ReadonlySet<string>;
  visits: ReadonlyMap<string, number>;
  taken: ReadonlyMap<string, number>;
  last: ReadonlySet<string>;
};

/** A path and everything it is in, from the inside. */
const outward = (path: string): string[] => {
  const parts = path.split('.');
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('.'));
};

/**
 * What XState calls an event, as the chart calls it: `xstate.after.backoff.analyzer.run.<path>` is
 * the delay `backoff`, as `xstate.after.backoff.run.<path>` of an older chart is.
 */
const isCausedBy = (
  { trigger: { kind, name }, from }: ChartEdge,
  type: string,
  chart: string,
): boolean => {
  if (kind === 'event') return type === name;
  if (kind === 'after')
    return (
      type.startsWith(`xstate.after.${name}.`) &&
      type.endsWith(`.${from === '' ? chart : `${chart}.${from}`}`)
    );
  return (
    type === `xstate.${kind}.actor.${name}` || type === `xstate.${kind}.state.${chart}.${name}`
  );
};

/**
 * The transitions of the chart that a row of the ledger took: the one that its event caused, and
 * what followed by itself. Empty when the chart has none like it.
 */
const edgesOf = ({ id, states, edges }: ChartGraph, { from, to, event }: Taken): ChartEdge[] => {
  const initial = new Map(
    states.filter((state) => state.initial).map(({ parent, path }) => [parent, path]),
  );
  const enters = (path: string): string => {
    const inner = initial.get(path);
    return inner === undefined ? path : enters(inner);
  };
  /**
   * The way from a state to where the step ended, over what happens at once; null when there is
   * none.
   */
  const onward = (at: string, seen: readonly string[]): ChartEdge[] | null => {
    if (at === to) return [];
    if (seen.includes(at)) return null;
    for (const edge of edges) {
      if (edge.from !== at || edge.trigger.kind !== 'always') continue;
      const rest = onward(enters(edge.to), [...seen, at]);
      if (rest) return [edge, ...rest];
    }
    return null;
  };
  const ways = [...outward(from), ''].flatMap((source) =>
    edges
      .filter((edge) => edge.from === source && !edge.isInternal)
      .flatMap((edge) => {
        const rest = onward(enters(edge.to), []);
        return rest ? [[edge, ...rest]] : [];
      }),
  );
  return (
    ways.find(([edge]) => edge !== undefined && isCausedBy(edge, String(event.type), id)) ??
    (from === to ? [] : (ways[0] ?? []))
  );
};

/**
 * @param transitions the accepted ones, in order; those up to a version show the chart as it stood
 * then
 */
export const marksOf = (
  graph: ChartGraph,
  transitions: readonly Taken[],
  closed: ReadonlySet<string>,
): Marks => {
  const visits = new Map<string, number>();
  const taken = new Map<string, number>();
  const count = (counts: Map<string, number>, key: string): void =>
    void counts.set(key, (counts.get(key) ?? 0) + 1);
  let last = new Set<string>();
  let at = graph.states.find(({ parent, initial }) => parent === null && initial)?.path ?? '';
  for (const path of outward(at)) count(visits, path);
  for (const transition of transitions) {
    const left = new Set(outward(transition.from));
    for (const path of outward(transition.to))
      if (!left.has(path) || path === transition.to) count(visits, path);
    const way = edgesOf(graph, transition);
    for (const { to } of way.slice(0, -1)) count(visits, to);
    const lines = way
      .map(({ from, to }) => [shownAs(from, closed), shownAs(to, closed)] as const)
      // What happened inside a closed stage has no line.
      .filter(([from, to], index) => from !== to || way[index]?.from === way[index]?.to)
      .map(([from, to]) => `${from}→${to}`);
    if (lines.length > 0) last = new Set(lines);
    for (const line of lines) count(taken, line);
    at = transition.to;
  }
  return { active: new Set(outward(at)), visits, taken, last };
};
