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

/** A row of the ledger names a path for each of several states beside each other. */
const pathsIn = (place: string): string[] => place.split(' ');
/** One of the states that a step left, and one that it led to. */
type Move = { from: string; to: string };

/** Of states beside each other, each goes on where it was; others are all left or all entered. */
const movesOf = (graph: ChartGraph, { from, to }: Taken): Move[] => {
  const regions = graph.states.filter(({ parent }) =>
    graph.states.some(({ path, kind }) => path === parent && kind === 'parallel'),
  );
  const regionOf = (path: string) => regions.find((one) => path.startsWith(`${one.path}.`));
  const targets = pathsIn(to);
  return pathsIn(from).flatMap((left) => {
    const region = regionOf(left);
    const stays = region && targets.find((path) => regionOf(path) === region);
    return stays ? [{ from: left, to: stays }] : targets.map((path) => ({ from: left, to: path }));
  });
};

/** The transitions of the chart that a row of the ledger took, for each state that it moved. */
const waysOf = (graph: ChartGraph, transition: Taken): ChartEdge[][] => {
  const moves = movesOf(graph, transition);
  const type = String(transition.event.type);
  const all = moves.map((move) => wayOf(graph, move, type));
  const caused = all.filter(({ isCaused }) => isCaused);
  return (caused.length > 0 ? caused : all).map(({ way }) => way);
};

/**
 * The transition that an event caused, and what followed by itself. Empty when the chart has none
 * like it.
 */
const wayOf = (
  { id, states, edges }: ChartGraph,
  { from, to }: Move,
  type: string,
): { way: ChartEdge[]; isCaused: boolean } => {
  const initial = new Map(
    states.filter((state) => state.initial).map(({ parent, path }) => [parent, path]),
  );
  const parallel = states.filter(({ kind }) => kind === 'parallel').map(({ path }) => path);
  const enters = (path: string): string => {
    // Of what is entered side by side, the part that is asked about.
    const beside = parallel.includes(path)
      ? states.find((one) => one.parent === path && to.startsWith(`${one.path}.`))?.path
      : undefined;
    const inner = beside ?? initial.get(path);
    return inner === undefined ? path : enters(inner);
  };
  const group = (at: string): string | undefined =>
    parallel.find((path) => at.startsWith(`${path}.`) && !to.startsWith(`${path}.`));
  /**
   * The way from a state to where the step ended, over what happens at once; null when there is
   * none.
   */
  const onward = (at: string, seen: readonly string[]): ChartEdge[] | null => {
    if (at === to) return [];
    if (seen.includes(at)) return null;
    for (const edge of edges) {
      const isHere = edge.from === at || edge.from === group(at);
      if (!isHere || edge.trigger.kind !== 'always') continue;
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
  const caused = ways.find(([edge]) => edge !== undefined && isCausedBy(edge, type, id));
  return { way: caused ?? (from === to ? [] : (ways[0] ?? [])), isCaused: caused !== undefined };
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
    const before = pathsIn(transition.from);
    const left = new Set(before.flatMap(outward));
    const after = pathsIn(transition.to);
    const isAgain = (path: string): boolean =>
      after.includes(path) && (after.length === 1 || !before.includes(path));
    const within = new Set(after.flatMap(outward));
    for (const path of within) if (!left.has(path) || isAgain(path)) count(visits, path);
    const ways = waysOf(graph, transition);
    // What was only passed through; where the step ended is counted above.
    for (const { to } of new Set(ways.flatMap((way) => way.slice(0, -1))))
      if (!within.has(to)) count(visits, to);
    const edges = [...new Set(ways.flat())];
    const lines = edges
      .map(({ from, to }) => [shownAs(from, closed), shownAs(to, closed)] as const)
      // What happened inside a closed stage has no line.
      .filter(([from, to], index) => from !== to || edges[index]?.from === edges[index]?.to)
      .map(([from, to]) => `${from}→${to}`);
    if (lines.length > 0) last = new Set(lines);
    for (const line of lines) count(taken, line);
    at = transition.to;
  }
  return { active: new Set(pathsIn(at).flatMap(outward)), visits, taken, last };
};
