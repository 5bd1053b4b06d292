import {
  type Block,
  labelAt,
  led,
  moved,
  type Open,
  type PlacedLabel,
  type PlacedNode,
  type Trace,
  type Wire,
} from './block.ts';
import { end, far, type Plane, type Point, type Size } from './plane.ts';
import { sizeOf, stateBlock } from './sequence.ts';

export type ColumnState = { path: string; size: Size };

const lead = 12;
const gutter = 14;

/**
 * Whether lines between these states only lead on, and nothing comes back to them: then they can
 * stand one under the other.
 */
export const isColumn = (states: ColumnState[], wires: Wire[]): boolean => {
  const place = new Map(states.map(({ path }, index) => [path, index]));
  return (
    states.length > 1 &&
    wires.every(
      ({ from, to }) =>
        !place.has(to) ||
        (place.has(from) && (place.get(from) as number) < (place.get(to) as number)),
    )
  );
};

/**
 * States one above the other, the last one in the line of the flow: what comes before the work
 * takes the width of one state. A line that passes a state goes round it at the end, one that leads
 * elsewhere goes down at the beginning.
 */
export const column = (
  plane: Plane,
  states: ColumnState[],
  wires: Wire[],
  next: string | null,
): Block => {
  const place = new Map(states.map(({ path }, index) => [path, index]));
  const last = states.length - 1;
  const from = (index: number): Wire[] => wires.filter((wire) => wire.from === states[index]?.path);
  const lvOf = (wire: Wire): number => plane.lv(wire.label);
  const isAdjacent = (wire: Wire): boolean =>
    place.get(wire.to) === (place.get(wire.from) as number) + 1;
  const isRound = (wire: Wire): boolean => place.has(wire.to) && !isAdjacent(wire);
  const leaving = states
    .slice(0, last)
    .flatMap((_, index) => from(index).filter(({ to }) => !place.has(to)));

  // From the beginning: the lines down, then the states, then the lines round them.
  const room = Math.max(
    0,
    ...leaving.map((wire, index) => plane.lu(wire.label) / 2 + index * gutter - 4),
  );
  const u0 = leaving.length > 0 ? Math.max(leaving.length * gutter + 10, room) : 0;
  const own = from(last);
  const lus = states.map(({ size }) => plane.lu(size));
  const portOf = (index: number): number =>
    u0 + Math.min(lus[index] as number, lus[index + 1] as number) / 2;
  let edge = u0 + Math.max(...lus.slice(0, last));
  const rounds = new Map<Wire, number>();
  states.forEach((_, index) => {
    const beside = from(index).find(isAdjacent);
    for (const wire of from(index).filter(isRound)) {
      const half = plane.lu(wire.label) / 2;
      const u = Math.max(
        edge + lead,
        portOf(index) + (beside ? plane.lu(beside.label) / 2 + 8 : 0) + half,
      );
      rounds.set(wire, u);
      edge = u + half;
    }
  });
  const reach = Math.max(0, ...[...rounds.values()].map((u) => u + gutter - u0));
  const { size } = states[last] as ColumnState;
  const wide: Size =
    plane.direction === 'right'
      ? { ...size, w: Math.max(size.w, reach) }
      : { ...size, h: Math.max(size.h, reach) };

  let v = 0;
  const nodes: PlacedNode[] = states.slice(0, last).map(({ path, size: one }, index) => {
    const node = { path, u: u0, v, lu: lus[index] as number, lv: plane.lv(one) };
    const labels = from(index).filter(({ to }) => place.has(to));
    v = far(node) + lead * 2 + 4 + Math.max(0, ...labels.map(lvOf));
    return node;
  });
  const foot = moved(stateBlock(plane, (states[last] as ColumnState).path, wide, own, next), u0, v);
  nodes.push(...foot.nodes);
  const nodeOf = (path: string): PlacedNode => nodes[place.get(path) as number] as PlacedNode;

  const traces: Trace[] = [];
  const labels: PlacedLabel[] = [];
  for (const wire of wires.filter(({ from: path, to }) => place.has(path) && place.has(to))) {
    const [source, target] = [nodeOf(wire.from), nodeOf(wire.to)];
    const u = rounds.get(wire) ?? portOf(place.get(wire.from) as number);
    const side =
      source.v + plane.axisOf((states[place.get(wire.from) as number] as ColumnState).size);
    const begin: Point[] = rounds.has(wire)
      ? [
          [end(source), side],
          [u, side],
        ]
      : [[u, far(source)]];
    const trace: Trace = { wire, points: [...begin, [u, target.v]] };
    traces.push(trace);
    const label = sizeOf(plane, wire.label);
    labels.push(labelAt(wire.label, label, [u, far(source) + lead + label.lv / 2], [trace]));
  }
  // Their labels stand lower than those of the last state, which are broader than it is.
  const clear =
    v +
    foot.lv +
    28 +
    Math.max(
      0,
      ...foot.opens.map(({ side, label }) => (side === 'cross' && label ? plane.lv(label) : 0)),
    );
  const opens = leaving.map((wire, index): Open => {
    const source = nodeOf(wire.from);
    const side =
      source.v + plane.axisOf((states[place.get(wire.from) as number] as ColumnState).size);
    const u = 5 + index * gutter;
    const points: Point[] = [
      [source.u, side],
      [u, side],
      [u, clear],
    ];
    return {
      to: wire.to,
      at: [u, clear],
      side: 'cross',
      label: wire.label,
      traces: [{ wire, points }],
    };
  });
  const lu = Math.max(...nodes.map(end));
  const atEnd = foot.opens.map((open): Open => {
    const at: Point = [lu, open.at[1]];
    return open.side === 'flow' ? { ...open, at, traces: led(open, at) } : open;
  });
  return {
    path: (states[0] as ColumnState).path,
    lu,
    lv: v + foot.lv,
    axis: v + foot.axis,
    entries: new Map(),
    nodes,
    labels,
    traces,
    opens: [...atEnd, ...opens],
  };
};
