import type { ChartEdge, ChartGraph } from './graph.ts';

/**
 * What a path is drawn as when these states are closed: itself, or the outermost closed one that it
 * is in.
 */
export const shownAs = (path: string, closed: ReadonlySet<string>): string => {
  const parts = path.split('.');
  const outer = parts.findIndex((_, index) => closed.has(parts.slice(0, index + 1).join('.')));
  return outer < 0 ? path : parts.slice(0, outer + 1).join('.');
};

/**
 * The graph with some compound states as single ones: lines that crossed their border begin or end
 * there, inner lines are gone.
 */
export const collapse = (
  { id, states, edges }: ChartGraph,
  closed: ReadonlySet<string>,
): ChartGraph => {
  const kept = states.filter(({ path }) => shownAs(path, closed) === path);
  const moved = edges.flatMap((edge): ChartEdge[] => {
    const [from, to] = [shownAs(edge.from, closed), shownAs(edge.to, closed)];
    if (from === edge.from && to === edge.to) return [edge];
    return from === to ? [] : [{ ...edge, from, to }];
  });
  return {
    id,
    states: kept.map((state) => (closed.has(state.path) ? { ...state, kind: 'atomic' } : state)),
    edges: moved,
  };
};
