import { labelAt, type PlacedLabel, type PlacedNode, type Trace, type Wire } from './block.ts';
import type { Label } from './label.ts';
import { portGap } from './label-rows.ts';
import { end, far, type Plane, type Point } from './plane.ts';
import { sizeOf } from './sequence.ts';
import { type StagePlaces, track } from './stage-place.ts';
import type { StageWires } from './stage-wires.ts';

/**
 * The lines within a stage with their labels. `round` are those that join the flow at its end, up
 * to where they join it.
 */
export const stageLines = (plane: Plane, sorted: StageWires, places: StagePlaces) => {
  const { below, isNext, lanes, bends, flowWires, overs, unders, onward, labelOf, escapes } =
    sorted;
  const { top, node, axis, overV, labelsV, band, bottomEnd, joinU, trackOf, portOf } = places;
  const size = (label: Label) => sizeOf(plane, label);
  const labels: PlacedLabel[] = [];
  const traces: Trace[] = [];

  let overAt = overV;
  const over = overs.map((wire) => {
    const { lu, lv } = size(wire.label);
    const from = node(wire.from);
    const at = overAt + lv / 2;
    overAt += lv + 8;
    const start = end(from) - portGap;
    const stop = isNext(wire) ? joinU : node(wire.to).u + portGap * 2;
    const trace: Trace = {
      wire,
      points: [
        [start, from.v],
        [start, at],
        [stop, at],
        isNext(wire) ? [stop, axis] : [stop, node(wire.to).v],
      ],
    };
    labels.push(labelAt(wire.label, { lu, lv }, [(start + stop) / 2, at], [trace]));
    if (!isNext(wire)) traces.push(trace);
    return trace;
  });

  // Lanes.
  // Where its lines come together, a lane has one end for all of them.
  const bendOf = (lane: (typeof lanes)[number], wire: Wire, row: 'above' | 'below') => {
    const isShared = (row === 'above') !== lane.down;
    return bends.find(
      (bend) => bend.lane === lane && bend.row === row && (isShared || bend.wire === wire),
    );
  };
  for (const lane of lanes) {
    const mine: Trace[] = lane.wires.map((wire) => {
      const legs = (row: 'above' | 'below', state: string): Point[] => {
        const bend = bendOf(lane, wire, row);
        const box = node(state);
        const edge = row === 'above' ? far(box) : box.v;
        return bend
          ? [
              [portOf(bend), edge],
              [portOf(bend), trackOf(bend)],
              [lane.at, trackOf(bend)],
            ]
          : [[lane.at, edge]];
      };
      const upper = legs('above', lane.down ? wire.from : wire.to);
      const lower = legs('below', lane.down ? wire.to : wire.from);
      return {
        wire,
        points: lane.down ? [...upper, ...lower.toReversed()] : [...lower, ...upper.toReversed()],
      };
    });
    traces.push(...mine);
    const { lu, lv } = size(lane.label);
    const middle = { near: lv / 2, far: band - lv / 2, whole: band / 2 }[lane.level];
    labels.push(labelAt(lane.label, { lu, lv }, [lane.at, labelsV + middle], mine));
  }
  flowWires.forEach((wire, index) => {
    if (!wire) return;
    const [from, to] = [top[index] as PlacedNode, top[index + 1] as PlacedNode];
    const trace: Trace = {
      wire,
      points: [
        [end(from), axis],
        [to.u, axis],
      ],
    };
    traces.push(trace);
    labels.push(labelAt(wire.label, size(wire.label), [(end(from) + to.u) / 2, axis], [trace]));
  });

  // Under the second row: nested, the nearest first.
  const used = new Map<string, number>();
  const portAt = (state: string, side: 'begin' | 'end'): number => {
    const offset = used.get(`${state} ${side}`) ?? 16;
    return side === 'begin' ? node(state).u + offset : end(node(state)) - offset;
  };
  const take = (state: string, side: 'begin' | 'end', by: number) =>
    used.set(`${state} ${side}`, (used.get(`${state} ${side}`) ?? 16) + by);
  const underV = bottomEnd + (unders.length > 0 ? 14 : 0) + escapes.length * track;
  // Those that have nothing of the flow in common stand beside each other.
  const levels: { from: number; to: number; far: number }[] = [];
  const under = unders.flatMap((wire) => {
    const { lu, lv } = size(labelOf(wire));
    const backwards = !isNext(wire) && below(wire.to) < below(wire.from);
    const start = portAt(wire.from, backwards ? 'begin' : 'end');
    const stop = isNext(wire) ? joinU : portAt(wire.to, backwards ? 'end' : 'begin');
    const overflow = Math.max(0, (lu - Math.abs(stop - start)) / 2);
    const others = isNext(wire) ? onward.slice(1) : [];
    const mid = (start + stop) / 2;
    const ends = [
      start,
      stop,
      mid - lu / 2,
      mid + lu / 2,
      ...others.map(({ from }) => node(from).u),
    ];
    const [from, to] = [Math.min(...ends) - 10, Math.max(...ends) + 10];
    const underAt = Math.max(
      underV,
      ...levels.filter((level) => level.from < to && from < level.to).map((level) => level.far),
    );
    const at = underAt + lv / 2;
    levels.push({ from, to, far: underAt + lv + 8 });
    take(wire.from, backwards ? 'begin' : 'end', Math.max(portGap, overflow + 10));
    if (!isNext(wire)) take(wire.to, backwards ? 'end' : 'begin', Math.max(portGap, overflow + 10));
    const trace: Trace = {
      wire,
      points: [
        [start, far(node(wire.from))],
        [start, at],
        [stop, at],
        isNext(wire) ? [stop, axis] : [stop, far(node(wire.to))],
      ],
    };
    const joined = others.map((other): Trace => {
      const port = portAt(other.from, 'end');
      take(other.from, 'end', portGap);
      return {
        wire: other,
        points: [
          [port, far(node(other.from))],
          [port, at],
          [stop, at],
          [stop, axis],
        ],
      };
    });
    const all = [trace, ...joined];
    // Between the last of its lines and the gutter: no line of it goes under it from above.
    const ports = all.map(({ points }) => (points[0] as Point)[0]).sort((a, b) => a - b);
    const between = [...ports.slice(1), stop].map(
      (after, index) => [ports[index] as number, after] as const,
    );
    const [begin, last] =
      between.findLast(([a, b]) => b - a > lu + 20) ??
      (between.at(-1) as readonly [number, number]);
    labels.push(
      labelAt(labelOf(wire), { lu, lv }, [isNext(wire) ? (begin + last) / 2 : mid, at], all),
    );
    if (!isNext(wire)) traces.push(trace);
    return all;
  });

  return {
    labels,
    traces,
    under,
    round: [...over, ...under].filter(({ wire }) => isNext(wire)),
    underEnd: Math.max(underV, ...levels.map(({ far: last }) => last)),
    portAt,
  };
};
