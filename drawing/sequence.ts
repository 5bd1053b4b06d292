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
import { type Label, merged } from './label.ts';
import type { Plane, Point, Rect, Size } from './plane.ts';

const labelRoom = 24;
const plainGap = 24;

/**
 * One state by itself. Success leaves along the flow, everything else from its far side, far enough
 * apart for its labels.
 */
export const stateBlock = (
  plane: Plane,
  path: string,
  size: Size,
  wires: Wire[],
  next: string | null,
): Block => {
  const flow = wires.filter(({ to }) => to === next);
  const cross = wires.filter(({ to }) => to !== next && to !== path);
  const widths = cross.map(({ label }) => plane.lu(label) + 10);
  const total = widths.reduce((sum, width) => sum + width, -10);
  const [first = 0, last = 0] = [widths[0], widths.at(-1)];
  const span = cross.length > 1 ? total - (first - 10) / 2 - (last - 10) / 2 + 28 : 0;
  const lu = Math.max(plane.lu(size), span);
  const lv = plane.lv(size);
  const axis = plane.axisOf(size);
  let at = (lu - total) / 2;
  if (cross.length > 1)
    at = Math.min(Math.max(at, 14 - (first - 10) / 2), lu - 14 - total + (last - 10) / 2);
  const opens: Open[] = cross.map((wire, index) => {
    const u = at + ((widths[index] as number) - 10) / 2;
    at += widths[index] as number;
    return {
      to: wire.to,
      at: [u, lv],
      side: 'cross',
      label: wire.label,
      traces: [{ wire, points: [[u, lv]] }],
    };
  });
  if (flow.length > 0 && next !== null)
    opens.unshift({
      to: next,
      at: [lu, axis],
      side: 'flow',
      label: merged(flow.map(({ label }) => label)),
      traces: flow.map((wire): Trace => ({ wire, points: [[lu, axis]] })),
    });
  return {
    path,
    lu,
    lv,
    axis,
    nodes: [{ path, u: 0, v: 0, lu, lv }],
    labels: [],
    traces: [],
    opens,
    entries: new Map(),
  };
};

const isIn = (block: Block, to: string): boolean =>
  to === block.path || to.startsWith(`${block.path}.`);
/**
 * A state under another one that alone leads to it, and from which the flow goes on to the same
 * place.
 */
export const withBeside = (plane: Plane, main: Block, beside: Block): Block => {
  const drop = main.opens.find((open) => isIn(beside, open.to)) as Open;
  const size = drop.label ? sizeOf(plane, drop.label) : { lu: 0, lv: 0 };
  const u = Math.min(main.lu, beside.lu) / 2;
  const lu = Math.max(main.lu, beside.lu, u + size.lu / 2);
  const v = main.lv + size.lv + 36;
  const below = moved(beside, 0, v);
  const down = drop.traces.map(
    ({ wire }): Trace => ({
      wire,
      points: [
        [u, main.lv],
        [u, v],
      ],
    }),
  );
  const toEdge = (open: Open): Open => {
    const at: Point = [lu, open.at[1]];
    return open.side === 'flow' ? { ...open, at, traces: led(open, at) } : open;
  };
  return {
    path: main.path,
    lu,
    lv: v + beside.lv,
    axis: main.axis,
    entries: main.entries,
    nodes: [...main.nodes, ...below.nodes],
    labels: [
      ...main.labels,
      ...below.labels,
      ...(drop.label ? [labelAt(drop.label, size, [u, main.lv + 18 + size.lv / 2], down)] : []),
    ],
    traces: [...main.traces, ...below.traces, ...down],
    opens: [...main.opens.filter((open) => open !== drop), ...below.opens].map(toEdge),
  };
};

const isOpen = (block: Block | undefined): boolean => block !== undefined && block.nodes.length > 1;
/** How far the labels under a block reach beyond its end. */
const overhang = (plane: Plane, block: Block): number =>
  Math.max(
    0,
    ...block.opens.map(({ side, at, label }) =>
      side === 'cross' && label ? at[0] + plane.lu(label) / 2 - block.lu + 12 : 0,
    ),
  );

/**
 * Blocks one after the other along the flow, their axes in one line. Lines to the next one go
 * straight; to another one of them they go round below. What leads out stays open where it left its
 * block.
 */
export const row = (
  plane: Plane,
  path: string,
  blocks: Block[],
  { labelled }: { labelled: boolean },
): Block => {
  const axis = Math.max(...blocks.map((block) => block.axis));
  const nodes: PlacedNode[] = [];
  const labels: PlacedLabel[] = [];
  const traces: Trace[] = [];
  const opens: Open[] = [];
  /** Between two states that are only titles the way needs no word. */
  const isLabelled = (index: number): boolean =>
    labelled || isOpen(blocks[index]) || isOpen(blocks[index + 1]);
  let u = 0;
  const placed = blocks.map((block, index) => {
    const at = moved(block, u, axis - block.axis);
    const flow = block.opens.filter(({ side }) => side === 'flow');
    const label = isLabelled(index)
      ? Math.max(0, ...flow.map((open) => (open.label ? plane.lu(open.label) : 0)))
      : 0;
    u += block.lu;
    if (index < blocks.length - 1)
      u += Math.max(
        label > 0 ? label + labelRoom : plainGap,
        labelled ? overhang(plane, block) : 0,
      );
    return at;
  });
  const rect = (index: number): Rect => placed[index]?.nodes[0] as Rect;
  const entry = (index: number, to: string): Point[] =>
    placed[index]?.entries.get(to) ?? [[rect(index).u, axis]];
  const floor = Math.max(...placed.map((block, index) => rect(index).v + block.lv));
  let under = floor + 14;
  placed.forEach((block, index) => {
    nodes.push(...block.nodes);
    labels.push(...block.labels);
    traces.push(...block.traces);
    for (const open of block.opens) {
      const target = placed.findIndex((other) => isIn(other, open.to));
      if (target < 0) opens.push(open);
      else if (open.side === 'flow' && target === index + 1) {
        const [, from] = open.at;
        const gutter = rect(target).u - 9;
        const isBeside = Math.abs(from - axis) > 1;
        const way: Point[] = isBeside
          ? [
              [gutter, from],
              [gutter, axis + 14],
              [rect(target).u, axis + 14],
            ]
          : entry(target, open.to);
        const mine = led(open, ...way);
        traces.push(...mine);
        if (open.label && isLabelled(index))
          labels.push(
            labelAt(
              open.label,
              sizeOf(plane, open.label),
              [(open.at[0] + rect(target).u) / 2, from],
              mine,
            ),
          );
      } else {
        const { lu, lv } = open.label ? sizeOf(plane, open.label) : { lu: 0, lv: 0 };
        const at = under + lv / 2;
        under += lv + 10;
        const gutter = rect(target).u - 10;
        const way = placed[target]?.entries.get(open.to) ?? [[rect(target).u, axis + 18] as const];
        const mine = led(
          open,
          [open.at[0], at],
          [gutter, at],
          [gutter, (way[0] as Point)[1]],
          ...way,
        );
        traces.push(...mine);
        if (open.label)
          labels.push(labelAt(open.label, { lu, lv }, [(open.at[0] + gutter) / 2, at], mine));
      }
    }
  });
  const entries = new Map(placed.flatMap(({ entries: own }) => [...own]));
  return {
    path,
    lu: u,
    lv: under > floor + 14 ? under : floor,
    axis,
    nodes,
    labels,
    traces,
    opens,
    entries,
  };
};
export const sizeOf = (plane: Plane, label: Label) => ({
  lu: plane.lu(label),
  lv: plane.lv(label),
});

const busGap = 14;
const pad = 18;

type Frame = {
  path: string;
  /** Lines that leave the frame itself. */
  wires: Wire[];
  next: string | null;
  /**
   * Where the lines for a target leave the frame, from its beginning, and how long the frame is at
   * least.
   */
  dropAt: Map<string, number>;
  minimum: number;
};

/**
 * A frame round a row: lines for the same target become one, on a bus under the blocks, and leave
 * the frame at one point.
 */
export const framed = (
  plane: Plane,
  inner: Block,
  { path, wires, next, dropAt, minimum }: Frame,
): Block => {
  const natural = inner.lu + pad * 2 + plane.head.u;
  const lu = Math.max(natural, minimum);
  const [du, dv] = [pad + plane.head.u + (lu - natural) / 2, pad + plane.head.v - 4];
  const body = moved(inner, du, dv);
  const cross = body.opens.filter(({ side, to }) => side === 'cross' || to !== next);
  const targets = [
    ...new Set([
      ...cross.map(({ to }) => to),
      ...wires.filter(({ to }) => to !== next).map(({ to }) => to),
    ]),
  ];
  const buses = targets.filter((to) => cross.some((open) => open.to === to));
  const floor = body.lv + dv;
  const lv = floor + (buses.length > 0 ? 4 + buses.length * busGap : 0) + pad - 6;
  const opens: Open[] = [];
  for (const [index, to] of targets.entries()) {
    const own = cross.filter((open) => open.to === to);
    const direct = wires.filter((wire) => wire.to === to);
    const others = cross.filter((open) => open.to !== to).map(({ at }) => at[0]);
    let drop = dropAt.get(to) ?? own[0]?.at[0] ?? pad + index * 60;
    while (others.some((u) => Math.abs(u - drop) < 8)) drop += 4;
    const bus = floor + 4 + (buses.indexOf(to) + 0.5) * busGap;
    opens.push({
      to,
      at: [drop, lv],
      side: 'cross',
      label: merged([
        ...own.flatMap(({ traces }) => traces.map(({ wire }) => wire.label)),
        ...direct.map(({ label }) => label),
      ]),
      traces: [
        ...own.flatMap((open) => led(open, [open.at[0], bus], [drop, bus], [drop, lv])),
        ...direct.map((wire): Trace => ({ wire, points: [[drop, lv]] })),
      ],
    });
  }
  const through = body.opens.filter(({ side, to }) => side === 'flow' && to === next);
  const own = wires.filter(({ to }) => to === next);
  if (next !== null && through.length + own.length > 0)
    opens.unshift({
      to: next,
      at: [lu, body.axis + dv],
      side: 'flow',
      label: merged([
        ...through.flatMap(({ label }) => label ?? []),
        ...own.map(({ label }) => label),
      ]),
      traces: [
        ...through.flatMap((open) => led(open, [lu, body.axis + dv])),
        ...own.map((wire): Trace => ({ wire, points: [[lu, body.axis + dv]] })),
      ],
    });
  const frame: PlacedNode = { path, u: 0, v: 0, lu, lv };
  return { ...body, path, lu, lv, axis: body.axis + dv, nodes: [frame, ...body.nodes], opens };
};

/**
 * The branches of a group, one beside the other; lines that leave one go through a gutter at the
 * end.
 */
export const stacked = (
  plane: Plane,
  path: string,
  blocks: Block[],
  wires: Wire[],
  next: string | null,
): Block => {
  const du = pad + plane.head.u;
  const inner = Math.max(...blocks.map(({ lu }) => lu));
  let v = plane.head.v + pad - 8;
  const gutters: string[] = [...new Set(blocks.flatMap(({ opens }) => opens.map(({ to }) => to)))];
  const stripes: number[] = [];
  const placed = blocks.map((block, index) => {
    const at = moved(block, du, v);
    const room = new Set(block.opens.map(({ to }) => to)).size * busGap;
    v += block.lv + room + 26;
    if (index < blocks.length - 1) stripes.push(v - 13);
    return { block: at, below: v - room - 22 };
  });
  const lv = v;
  const lu = du + inner + pad + gutters.length * busGap;
  const opens: Open[] = gutters.map((to, index) => {
    const u = du + inner + 12 + index * busGap;
    const traces = placed.flatMap(({ block, below }) =>
      block.opens
        .filter((open) => open.to === to)
        .flatMap((open) =>
          led(open, [open.at[0], below + index * busGap], [u, below + index * busGap], [u, lv]),
        ),
    );
    return {
      to,
      at: [u, lv],
      side: 'cross',
      label: merged(traces.map(({ wire }) => wire.label)),
      traces,
    };
  });
  const axis = lv / 2;
  const out = stateBlock(
    plane,
    path,
    plane.direction === 'right' ? { w: lu, h: lv } : { w: lv, h: lu },
    wires,
    next,
  );
  for (const open of out.opens.filter(({ side }) => side === 'flow'))
    opens.unshift({
      ...open,
      at: [lu, axis],
      traces: open.traces.map(({ wire }) => ({ wire, points: [[lu, axis]] })),
    });
  opens.push(...out.opens.filter(({ side }) => side === 'cross'));
  return {
    path,
    lu,
    lv,
    axis,
    opens,
    entries: new Map(),
    nodes: [{ path, u: 0, v: 0, lu, lv, stripes }, ...placed.flatMap(({ block }) => block.nodes)],
    labels: placed.flatMap(({ block }) => block.labels),
    traces: placed.flatMap(({ block }) => block.traces),
  };
};
