import type { Label } from './label.ts';
import type { Point, Rect } from './plane.ts';

/** All transitions from one state to another: one line. `id` is `<from>→<to>`. */
export type Wire = { id: string; from: string; to: string; label: Label };
/** A line, or the part of it that has been laid so far. */
export type Trace = { wire: Wire; points: Point[] };
export type PlacedNode = Rect & { path: string; stripes?: number[]; grid?: Rect };
/** A label belongs to every line that runs through it. */
export type PlacedLabel = Rect & { label: Label; wires: string[] };
/** Lines that leave a block together for one target, at one point of its border. */
export type Open = {
  to: string;
  at: Point;
  side: 'flow' | 'cross';
  traces: Trace[];
  label: Label | null;
};
/** Something laid out by itself, from (0, 0); what is around it joins its open lines. */
export type Block = {
  path: string;
  lu: number;
  lv: number;
  /** Where the flow passes, from the edge along `v`. */
  axis: number;
  nodes: PlacedNode[];
  labels: PlacedLabel[];
  traces: Trace[];
  opens: Open[];
  /**
   * For lines that enter at another place than the beginning: the way from the border to the state.
   */
  entries: Map<string, Point[]>;
};

const by = (points: readonly Point[], du: number, dv: number): Point[] =>
  points.map(([u, v]) => [u + du, v + dv]);
const rectBy = <T extends Rect>(rect: T, du: number, dv: number): T => ({
  ...rect,
  u: rect.u + du,
  v: rect.v + dv,
});

export const moved = (block: Block, du: number, dv: number): Block => ({
  ...block,
  nodes: block.nodes.map((node) => ({
    ...rectBy(node, du, dv),
    ...(node.grid && { grid: rectBy(node.grid, du, dv) }),
    ...(node.stripes && { stripes: node.stripes.map((v) => v + dv) }),
  })),
  labels: block.labels.map((label) => rectBy(label, du, dv)),
  traces: block.traces.map(({ wire, points }) => ({ wire, points: by(points, du, dv) })),
  opens: block.opens.map((open) => ({
    ...open,
    at: [open.at[0] + du, open.at[1] + dv],
    traces: open.traces.map(({ wire, points }) => ({ wire, points: by(points, du, dv) })),
  })),
  entries: new Map([...block.entries].map(([path, points]) => [path, by(points, du, dv)])),
});

/** The lines of an opening, led on through more points. */
export const led = (open: Open, ...points: Point[]): Trace[] =>
  open.traces.map(({ wire, points: before }) => ({ wire, points: [...before, ...points] }));

/** A label with its middle at a point. */
export const labelAt = (
  label: Label,
  size: { lu: number; lv: number },
  [u, v]: Point,
  traces: Trace[],
): PlacedLabel => ({
  u: u - size.lu / 2,
  v: v - size.lv / 2,
  ...size,
  label,
  wires: traces.map(({ wire }) => wire.id),
});
