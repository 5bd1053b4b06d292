import {
  type Block,
  moved,
  type PlacedLabel,
  type PlacedNode,
  type Trace,
  type Wire,
} from './block.ts';
import { choiceSize, sizeOfState, sizeOfTitle } from './block-size.ts';
import { column, isColumn } from './column.ts';
import { type ChartLayout, drawn, margin } from './drawing.ts';
import { type Drop, dropTo } from './drops.ts';
import type { ChartGraph, ChartState } from './graph.ts';
import { hang } from './hang.ts';
import { labelOfEdges } from './label.ts';
import { type Direction, end, far, type Plane, planeOf } from './plane.ts';
import { type Roles, rolesOf } from './roles.ts';
import { framed, row, stacked, stateBlock, withBeside } from './sequence.ts';
import { stageBlock } from './stage-block.ts';

const chainGap = 44;

const wiresOf = ({ edges }: ChartGraph): Wire[] =>
  [
    ...Map.groupBy(
      edges.filter(({ isInternal }) => !isInternal),
      ({ from, to }) => `${from}→${to}`,
    ),
  ].map(([id, some]) => {
    const { from, to } = some[0] as (typeof some)[number];
    return { id, from, to, label: labelOfEdges(some) };
  });

type Builder = { roles: Roles; plane: Plane; wires: Wire[] };

/** Where the success of each of these leads: to the next one, and from the last to `after`. */
const nextOf = (states: ChartState[], index: number, after: string | null): string | null =>
  states[index + 1]?.path ?? after;

/** A state with everything in it. @param dropAt where its lines down leave it */
const blockOf = (
  builder: Builder,
  state: ChartState,
  next: string | null,
  dropAt: Map<string, number>,
  minimum: number,
): Block => {
  const { roles, plane, wires } = builder;
  const inside = ({ from }: Wire): boolean => from.startsWith(`${state.path}.`);
  const own = wires.filter(({ from }) => from === state.path);
  const children = roles.children(state.path);
  if (children.length === 0) {
    const size =
      state.stage !== null
        ? sizeOfTitle(state)
        : roles.isChoice(state.path)
          ? choiceSize
          : sizeOfState(state);
    const block = stateBlock(plane, state.path, size, own, next);
    // A closed stage keeps to itself how it goes on; the way on needs no word, and its neighbours
    // stand near.
    const quiet = block.opens.map((open) =>
      open.side === 'flow' ? { ...open, label: null } : open,
    );
    return state.stage === null ? block : { ...block, opens: quiet };
  }
  if (state.kind === 'parallel')
    return stacked(
      plane,
      state.path,
      children.map((child) => blockOf(builder, child, null, new Map(), 0)),
      own,
      next,
    );
  if (children.some((child) => roles.children(child.path).length > 0) || state.stage === null) {
    const flow = roles.flow(state.path);
    const shown = [...flow, ...roles.aside(state.path)];
    const blocks = shown.map((child, index) =>
      blockOf(builder, child, nextOf(flow, index, next), new Map(), 0),
    );
    const inner = row(plane, state.path, blocks, { labelled: false });
    return framed(plane, inner, { path: state.path, wires: own, next, dropAt, minimum });
  }
  const first = children.find(({ initial }) => initial);
  const entries = wires.filter(
    ({ from, to }) =>
      to !== first?.path && to.startsWith(`${state.path}.`) && !from.startsWith(`${state.path}.`),
  );
  const sized = (some: ChartState[]) =>
    some.map((child) => ({
      path: child.path,
      size: roles.isChoice(child.path) ? choiceSize : sizeOfState(child),
    }));
  return stageBlock(plane, {
    path: state.path,
    work: sized(roles.flow(state.path)),
    trouble: sized(roles.aside(state.path)),
    wires: wires.filter((wire) => inside(wire) || wire.from === state.path),
    next,
    entries: [...new Set(entries.map(({ to }) => to))],
    grid: state.each,
    minimum: { ...sizeOfTitle(state), h: 0 },
  });
};

/**
 * States in which the flow waits on its way from one state to the next: entered from the one, left
 * for the other.
 */
const besideOf = ({ roles, wires }: Builder): Map<ChartState, ChartState> => {
  const main = roles.flow(null);
  const found = roles.aside(null).flatMap((state): [ChartState, ChartState][] => {
    const into = new Set(
      wires.filter(({ from, to }) => to === state.path && from !== to).map(({ from }) => from),
    );
    const index = main.findIndex(({ path }) => into.size === 1 && into.has(path));
    const next = main[index + 1];
    const leads =
      index >= 0 && next && wires.some(({ from, to }) => from === state.path && to === next.path);
    return leads ? [[main[index] as ChartState, state]] : [];
  });
  return new Map(found);
};

/**
 * What comes before the container, one under the other, when it is drawn lengthwise: `count` states
 * of the flow.
 */
const preludeOf = (
  { roles, plane, wires }: Builder,
  main: ChartState[],
  waits: Map<ChartState, ChartState>,
) => {
  const count = main.findIndex(
    ({ path, stage }) => stage !== null || roles.children(path).length > 0,
  );
  const states = main
    .slice(0, Math.max(0, count))
    .flatMap((state) => [state, ...(waits.has(state) ? [waits.get(state) as ChartState] : [])]);
  const sized = states.map((state) => ({ path: state.path, size: sizeOfState(state) }));
  if (plane.direction === 'down' || !isColumn(sized, wires)) return null;
  return { count, block: column(plane, sized, wires, main[count]?.path ?? null) };
};

/**
 * The ends that are not the good one, each with what leads to it by success: chains, what people
 * ask for first.
 */
const chainsOf = (builder: Builder, elsewhere: ChartState[]): Block[] => {
  const { roles, plane, wires } = builder;
  const aside = roles.aside(null).filter((state) => !elsewhere.includes(state));
  const isStep = ({ from, to }: Wire): boolean =>
    from !== to && aside.some(({ path }) => path === from) && aside.some(({ path }) => path === to);
  const heads = aside.filter(({ path }) => !wires.some((wire) => isStep(wire) && wire.to === path));
  const chains = heads.map((head) => {
    const chain = [head];
    for (const { path } of chain) {
      const step = wires.find((wire) => isStep(wire) && wire.from === path);
      const to = step && aside.find((state) => state.path === step.to);
      if (to && !chain.includes(to)) chain.push(to);
    }
    return chain;
  });
  const order = (chain: ChartState[]): number =>
    roles.tone((chain[0] as ChartState).path) === 'stop' ? 0 : 1;
  return chains
    .toSorted((a, b) => order(a) - order(b))
    .map((chain) => {
      const blocks = chain.map((state, index) =>
        blockOf(builder, state, nextOf(chain, index, null), new Map(), 0),
      );
      return row(plane, (chain[0] as ChartState).path, blocks, { labelled: true });
    });
};

/**
 * Lays out a lifecycle: the way through in one line, the stages as frames with what happens inside,
 * and beside that line the other ends. Pure and without a browser: equal charts give equal drawings
 * (texts are measured by a table).
 */
export const layoutChart = (graph: ChartGraph, direction: Direction = 'right'): ChartLayout => {
  const plane = planeOf(direction);
  const roles = rolesOf(graph);
  const wires = wiresOf(graph);
  const builder: Builder = { roles, plane, wires };
  const main = roles.flow(null);
  const waits = besideOf(builder);
  const chains = chainsOf(builder, [...waits.values()]);

  // The chains stand under the container, so that what leaves it falls straight on them.
  let at = margin;
  const dropAt = new Map<string, number>();
  const starts = chains.map((chain) => {
    const start = at;
    for (const node of chain.nodes) dropAt.set(node.path, start + node.u + node.lu / 2);
    at += chain.lu + chainGap;
    return start;
  });
  const minimum = dropAt.size > 0 ? Math.max(...starts) + 120 : 0;
  const prelude = preludeOf(builder, main, waits);
  const blocks = main.slice(prelude?.count ?? 0).map((state, after) => {
    const next = nextOf(main, after + (prelude?.count ?? 0), null);
    const block = blockOf(builder, state, next, dropAt, minimum);
    const beside = waits.get(state);
    return beside ? withBeside(plane, block, blockOf(builder, beside, next, new Map(), 0)) : block;
  });
  const body = moved(
    row(plane, '', prelude ? [prelude.block, ...blocks] : blocks, { labelled: true }),
    margin,
    margin,
  );
  const container = body.nodes.find(({ path }) => roles.children(path).length > 0);
  const origin = container?.u ?? margin;

  const nodes: PlacedNode[] = [...body.nodes];
  const labels: PlacedLabel[] = [...body.labels];
  const traces: Trace[] = [...body.traces];
  const under = (u: number): number =>
    Math.max(...body.nodes.filter((node) => node.u - 1 <= u && end(node) + 1 >= u).map(far));
  const drops: Drop[] = body.opens.map((open) => ({
    open,
    from: Math.max(open.at[1], under(open.at[0])),
  }));
  const placedChains = chains.map((chain, index) =>
    moved(chain, origin + (starts[index] as number), 0),
  );
  const laid = dropTo(plane, drops, placedChains);
  nodes.push(...laid.nodes);
  labels.push(...laid.labels);
  traces.push(...laid.traces);
  const hanging = hang(plane, nodes, wires);
  labels.push(...hanging.labels);
  traces.push(...hanging.traces);
  return drawn(direction, roles, graph, nodes, labels, traces);
};
