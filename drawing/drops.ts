import {
  type Block,
  labelAt,
  led,
  moved,
  type Open,
  type PlacedLabel,
  type PlacedNode,
  type Trace,
} from './block.ts';
import { end, far, middle, type Plane, type Point } from './plane.ts';
import { sizeOf } from './sequence.ts';

/**
 * A line that leaves the row of blocks, and how far it must go before it is free of what it leaves.
 */
export type Drop = { open: Open; from: number };

const lead = 18;
const track = 14;

/**
 * Leads lines from the blocks above to chains below: each with its label where it begins, straight
 * down if its target stands there, else over a track of its own, or into the side of the first
 * chain. Lines back up go round at the beginning.
 */
export const dropTo = (
  plane: Plane,
  drops: Drop[],
  chains: Block[],
): { nodes: PlacedNode[]; labels: PlacedLabel[]; traces: Trace[] } => {
  const labels: PlacedLabel[] = [];
  const traces: Trace[] = [];
  const sized = drops
    .map(({ open, from }) => ({
      open,
      u: open.at[0],
      from,
      size: open.label ? sizeOf(plane, open.label) : { lu: 0, lv: 0 },
    }))
    .toSorted((a, b) => a.u - b.u);
  const labelsEnd = Math.max(0, ...sized.map(({ from, size }) => from + lead + size.lv));
  const find = (to: string) => {
    const chain = chains.find(({ nodes }) => nodes.some(({ path }) => path === to));
    return { chain, node: chain?.nodes.find(({ path }) => path === to) };
  };
  const plans = sized.map((drop) => {
    const { chain, node } = find(drop.open.to);
    const isStraight = node !== undefined && drop.u > node.u + 10 && drop.u < end(node) - 10;
    const isSide =
      !isStraight &&
      node !== undefined &&
      chain === chains[0] &&
      node === chain?.nodes[0] &&
      drop.u < node.u - 24;
    return {
      ...drop,
      node,
      how: node === undefined ? 'lost' : isStraight ? 'straight' : isSide ? 'side' : 'track',
    } as const;
  });
  const tracks = plans.filter(({ how }) => how === 'track');
  const top = labelsEnd + 20 + tracks.length * track + 12;
  const down = chains.map((chain) => moved(chain, 0, top));
  const nodes = down.flatMap((chain) => chain.nodes);
  for (const chain of down) {
    labels.push(...chain.labels);
    traces.push(...chain.traces);
  }
  const straight = new Map<string, number[]>();
  for (const { open, u, how } of plans)
    if (how === 'straight') straight.set(open.to, [...(straight.get(open.to) ?? []), u]);
  const sides = new Map<string, number>();
  for (const { open, u, from, size, how, node } of plans) {
    if (how === 'lost' || !node) continue;
    const below = nodes.find(({ path }) => path === open.to) as PlacedNode;
    const axis = (down.find((chain) => chain.nodes.includes(below)) as Block).axis + top;
    const begin: Point = [u, from];
    let points: Point[] = [begin, [u, below.v]];
    if (how === 'side') {
      const nth = sides.get(open.to) ?? 0;
      sides.set(open.to, nth + 1);
      points = [begin, [u, axis + nth * 12], [below.u, axis + nth * 12]];
    }
    if (how === 'track') {
      const at = labelsEnd + 20 + tracks.findIndex((plan) => plan.open === open) * track;
      const others = straight.get(open.to) ?? [];
      let port = middle(below) + (u < middle(below) ? -16 : 16) * (others.length > 0 ? 1 : 0);
      while (others.some((other) => Math.abs(other - port) < 10))
        port += u < middle(below) ? -10 : 10;
      straight.set(open.to, [...others, port]);
      points = [begin, [u, at], [port, at], [port, below.v]];
    }
    const mine = led(open, ...points);
    traces.push(...mine);
    if (open.label) labels.push(labelAt(open.label, size, [u, from + lead + size.lv / 2], mine));
  }
  back(plane, drops, down, { nodes, labels, traces });
  return { nodes, labels, traces };
};

/**
 * What leads from a chain to anything but its next state: below everything, and up again where it
 * is going.
 */
const back = (
  plane: Plane,
  _drops: Drop[],
  chains: Block[],
  into: { nodes: PlacedNode[]; labels: PlacedLabel[]; traces: Trace[] },
): void => {
  let at = Math.max(0, ...chains.flatMap(({ nodes }) => nodes.map(far))) + 60;
  for (const open of chains.flatMap(({ opens }) => opens)) {
    const target = into.nodes.find(({ path }) => path === open.to);
    if (!target || !open.label) continue;
    const size = sizeOf(plane, open.label);
    const port = middle(target) + 20;
    const mine = led(open, [open.at[0], at], [port, at], [port, far(target)]);
    into.traces.push(...mine);
    into.labels.push(labelAt(open.label, size, [(open.at[0] + port) / 2, at], mine));
    at += size.lv + 12;
  }
};
