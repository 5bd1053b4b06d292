import type { PlacedLabel, PlacedNode, Trace, Wire } from './block.ts';
import { withNote } from './label.ts';
import { end, far, type Plane, type Point } from './plane.ts';
import { sizeOf } from './sequence.ts';

/** Lines from a state to itself, and those that lead to it from everywhere: short ones under it. */
export const hang = (
  plane: Plane,
  nodes: PlacedNode[],
  wires: Wire[],
): { labels: PlacedLabel[]; traces: Trace[] } => {
  const labels: PlacedLabel[] = [];
  const traces: Trace[] = [];
  const inside = new Set(nodes.filter(({ path }) => !path.includes('.')).map(({ path }) => path));
  for (const node of nodes.filter(({ path }) => inside.has(path))) {
    const own = wires.filter(({ from, to }) => to === node.path && (from === '' || from === to));
    const widths = own
      .map((wire) => (wire.from === '' ? withNote(wire.label, 'from any state') : wire.label))
      .map((label) => ({ label, ...sizeOf(plane, label) }));
    const total = widths.reduce((sum, { lu }) => sum + lu + 10, -10);
    let u = node.u + node.lu / 2 - total / 2;
    own.forEach((wire, index) => {
      const { label, lu, lv } = widths[index] as (typeof widths)[number];
      const bottom = far(node);
      const center = u + lu / 2;
      const clamp = (value: number): number =>
        Math.min(Math.max(value, node.u + 12), end(node) - 12);
      const v = bottom + 18;
      const points: Point[] =
        wire.from === ''
          ? [
              [clamp(center), v],
              [clamp(center), bottom],
            ]
          : [
              [clamp(center - 14), bottom],
              [clamp(center - 14), v + lv / 2],
              [clamp(center + 14), v + lv / 2],
              [clamp(center + 14), bottom],
            ];
      traces.push({ wire, points });
      labels.push({ u, v, lu, lv, label, wires: [wire.id] });
      u += lu + 10;
    });
  }
  return { labels, traces };
};
