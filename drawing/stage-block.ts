import type { Block, Open, PlacedNode, Trace, Wire } from './block.ts';
import { portGap } from './label-rows.ts';
import { end, far, type Plane, type Point } from './plane.ts';
import { stageLines } from './stage-lines.ts';
import { gridSize, placeStage, track } from './stage-place.ts';
import { type StageInput, stageWires } from './stage-wires.ts';

const pad = 20;

/**
 * A stage: what works in one row, what happens when it does not in another, and between them a lane
 * for each line with its label. Lines between states of one row go round it; failure leaves through
 * a gutter at the end, success along the flow.
 */
export const stageBlock = (plane: Plane, input: StageInput): Block => {
  const { path, work, wires, next } = input;
  const sorted = stageWires(plane, input);
  const { trouble, above, below, isOut, isNext, bends, fails, escapes, gutters, joins } = sorted;
  const places = placeStage(plane, input, sorted);
  const { top, bottom, node, axis, overV, bottomEnd, rowsEnd, joinU, gutterU, trackOf, portOf } =
    places;
  const { labels, traces, under, round, underEnd, portAt } = stageLines(plane, sorted, places);
  const last = work.length - 1;
  const opens: Open[] = [];

  const lv = Math.max(Math.max(underEnd, bottomEnd) + pad, plane.lv(input.minimum));
  const lastGutter =
    gutters.length > 0 ? gutterU(gutters.at(-1) as string) : joins ? joinU : rowsEnd;
  const lu = Math.max(lastGutter + pad - 4, plane.lu(input.minimum));

  const taken = new Set<number>();
  /**
   * Where a line can leave the far side of a state in the second row, beside the lines and labels
   * that are there.
   */
  const freePort = (wire: Wire): number => {
    const box = node(wire.from);
    const goesDown = !escapes.includes(wire);
    const candidates = Array.from(
      { length: Math.max(1, Math.floor((box.lu - 20) / 2)) },
      (_, index) => box.u + 10 + index * 2,
    );
    const free = (u: number): boolean =>
      ![...taken].some((other) => Math.abs(other - u) < 8) &&
      !(
        goesDown &&
        labels.some((label) => label.v >= bottomEnd && u > label.u - 6 && u < end(label) + 6)
      ) &&
      !under.some(({ points }) => points.some(([at]) => Math.abs(at - u) < 6));
    const isFirst = below(wire.from) === 0 && trouble.length > 1;
    const port = (isFirst ? candidates : candidates.toReversed()).find(free) ?? box.u + box.lu / 2;
    taken.add(port);
    return port;
  };

  const main = wires.filter((wire) => isNext(wire) && above(wire.from) === last);
  if (next !== null && main.length + round.length > 0)
    opens.push({
      to: next,
      at: [lu, axis],
      side: 'flow',
      label: main[0]?.label ?? null,
      traces: [
        ...main.map(
          (wire): Trace => ({
            wire,
            points: [
              [end(top[last] as PlacedNode), axis],
              [lu, axis],
            ],
          }),
        ),
        ...round.map(({ wire, points }): Trace => ({ wire, points: [...points, [lu, axis]] })),
      ],
    });
  for (const to of gutters) {
    const own = fails.filter(
      (wire) => wire.to === to && (above(wire.from) >= 0 || escapes.includes(wire)),
    );
    const side = axis + (gutters.indexOf(to) + 1) * 14;
    opens.push({
      to,
      at: [gutterU(to), lv],
      side: 'cross',
      label: own[0]?.label ?? null,
      traces: own.map((wire): Trace => {
        const bend = bends.find((one) => one.wire === wire);
        const box = node(wire.from);
        const beside = bottomEnd + 10 + escapes.indexOf(wire) * track;
        const port = escapes.includes(wire) ? freePort(wire) : 0;
        const begin: Point[] = escapes.includes(wire)
          ? [
              [port, far(box)],
              [port, beside],
              [gutterU(to), beside],
            ]
          : bend
            ? [
                [portOf(bend), far(box)],
                [portOf(bend), trackOf(bend)],
                [gutterU(to), trackOf(bend)],
              ]
            : [
                [end(box), side],
                [gutterU(to), side],
              ];
        return { wire, points: [...begin, [gutterU(to), lv]] };
      }),
    });
  }
  // From the second row failure drops straight out, beside the labels under it.
  for (const wire of fails.filter((one) => below(one.from) >= 0 && !escapes.includes(one))) {
    const u = freePort(wire);
    opens.push({
      to: wire.to,
      at: [u, lv],
      side: 'cross',
      label: wire.label,
      traces: [
        {
          wire,
          points: [
            [u, far(node(wire.from))],
            [u, lv],
          ],
        },
      ],
    });
  }

  // What the stage as a whole handles leaves its border.
  wires
    .filter((wire) => wire.from === path && isOut(wire))
    .forEach((wire, index) => {
      const u = plane.head.u + 12 + index * portGap;
      opens.push({
        to: wire.to,
        at: [u, lv],
        side: 'cross',
        label: wire.label,
        traces: [{ wire, points: [[u, lv]] }],
      });
    });

  const entries = new Map<string, Point[]>();
  input.entries.forEach((state, index) => {
    const gutter = plane.head.u + 10 + index * portGap;
    const from: Point = [0, axis + 18 + index * portGap];
    const box = node(state);
    const side = box.v + 19;
    if (below(state) === 0)
      entries.set(state, [from, [gutter, from[1]], [gutter, side], [box.u, side]]);
    else if (below(state) > 0) {
      const at = lv - pad / 2 - index * 4;
      const port = portAt(state, 'end');
      entries.set(state, [from, [gutter, from[1]], [gutter, at], [port, at], [port, far(box)]]);
    } else
      entries.set(state, [
        from,
        [gutter, from[1]],
        [gutter, overV - 6],
        [box.u + portGap, overV - 6],
        [box.u + portGap, box.v],
      ]);
  });

  const grid = !input.grid
    ? undefined
    : plane.direction === 'right'
      ? { u: pad, v: plane.head.v + 12, lu: lu - pad * 2, lv: gridSize }
      : {
          u: plane.head.u + 12,
          v: axis + 16,
          lu: gridSize,
          lv: Math.max(40, lv - axis - 16 - pad),
        };
  const frame: PlacedNode = { path, u: 0, v: 0, lu, lv, ...(grid && { grid }) };
  return { path, lu, lv, axis, nodes: [frame, ...top, ...bottom], labels, traces, opens, entries };
};
