import { type Block, labelAt, type Open, type PlacedLabel, type PlacedNode, type Trace, type Wire } from './block.ts';
import { type Label, merged, textOf } from './label.ts';
import { end, far, type Plane, type Point, type Size } from './plane.ts';
import { type Lane, placeRows, portGap, type RowBox, straightLanes } from './rows.ts';

const pad = 20;
const lead = 18;
const track = 12;
const labelGap = 36;
const gridSize = 44;

export type StageInput = {
  path: string;
  work: { path: string; size: Size }[];
  trouble: { path: string; size: Size }[];
  /** Those that begin in the stage; what leads elsewhere is left open at its border. */
  wires: Wire[];
  /** Where the success of the stage leads. */
  next: string | null;
  /** States that lines from outside lead to, other than the first. */
  entries: string[];
  minimum: Size;
  grid: boolean;
};
type Bend = { wire: Wire; row: 'above' | 'below'; index: number; lane: Lane | null; atEnd: boolean };

/** Every order of a few things, their own one first. */
const orders = <T>(some: T[]): T[][] =>
  some.length < 2 ? [some] : some.flatMap((one, index) => orders(some.filter((_, other) => other !== index)).map((rest) => [one, ...rest]));

/** The order in which lines between these states are shortest, so that none has to go round another state. */
const inBestOrder = ({ trouble, work, wires }: StageInput): StageInput['trouble'] => {
  if (trouble.length > 5) return trouble;
  const cost = (order: StageInput['trouble']): number => {
    const place = new Map(order.map(({ path }, index) => [path, index]));
    const column = new Map(work.map(({ path }, index) => [path, index]));
    return wires.reduce((sum, { from, to }) => {
      const [a, b] = [place.get(from), place.get(to)];
      if (a !== undefined && b !== undefined) return sum + Math.abs(a - b) * 10;
      const [at, over] = [a ?? b, column.get(a === undefined ? from : to)];
      return at === undefined || over === undefined ? sum : sum + Math.abs(at - over);
    }, 0);
  };
  return orders(trouble).reduce((best, order) => (cost(order) < cost(best) ? order : best));
};

/**
 * A stage: what works in one row, what happens when it does not in another, and between them a lane for each line with its
 * label. Lines between states of one row go round it; failure leaves through a gutter at the end, success along the flow.
 */
export const stageBlock = (plane: Plane, input: StageInput): Block => {
  const { path, work, wires, next } = input;
  const trouble = inBestOrder(input);
  const sizeOf = ({ w, h }: Label) => ({ lu: plane.lu({ w, h }), lv: plane.lv({ w, h }) });
  const above = (state: string): number => work.findIndex((one) => one.path === state);
  const below = (state: string): number => trouble.findIndex((one) => one.path === state);
  const last = work.length - 1;
  const isOut = ({ to }: Wire): boolean => to !== path && !to.startsWith(`${path}.`);
  const isNext = ({ to }: Wire): boolean => to === next;

  // Lines between the rows; those with one label and one target run together.
  const lanes: (Lane & { wires: Wire[]; down: boolean })[] = [];
  for (const wire of wires) {
    const down = above(wire.from) >= 0 && below(wire.to) >= 0;
    if (!down && !(below(wire.from) >= 0 && above(wire.to) >= 0)) continue;
    const together = lanes.find((lane) => lane.down === down && lane.wires[0]?.to === wire.to && textOf(lane.label) === textOf(wire.label));
    if (together) together.wires.push(wire);
    else
      lanes.push({
        ...{ wires: [wire], down, label: wire.label, lu: sizeOf(wire.label).lu, at: 0 },
        above: above(down ? wire.from : wire.to),
        below: below(down ? wire.to : wire.from),
      });
  }
  lanes.sort((a, b) => a.above + a.below - b.above - b.below || b.above - a.above || Number(b.down) - Number(a.down));
  const straight = { above: straightLanes(lanes, 'above'), below: straightLanes(lanes, 'below') };

  // Ends that cannot go straight: they reach their lane, or the gutter, over a track.
  const bends: Bend[] = [];
  for (const row of ['above', 'below'] as const)
    lanes.forEach((lane, at) => {
      const own =
        (row === 'above') === lane.down ? lane.wires.slice(straight[row][at] ? 1 : 0) : straight[row][at] ? [] : lane.wires.slice(0, 1);
      for (const wire of own) {
        const index = row === 'above' ? above(lane.down ? wire.from : wire.to) : below(lane.down ? wire.to : wire.from);
        const first = lanes.findIndex((other, i) => straight[row][i] && other[row] === index);
        bends.push({ wire, row, index, lane, atEnd: first >= 0 && at > first });
      }
    });
  const fails = wires.filter((wire) => isOut(wire) && !isNext(wire) && wire.from !== path);
  for (const wire of fails)
    if (above(wire.from) >= 0 && above(wire.from) < last)
      bends.push({ wire, row: 'above', index: above(wire.from), lane: null, atEnd: true });

  const count = (row: 'above' | 'below', index: number, atEnd: boolean) =>
    bends.filter((bend) => bend.row === row && bend.index === index && bend.atEnd === atEnd).length;
  /** Room for every line at the far side of a state in the second row. */
  const sockets = (state: string): number =>
    18 + portGap * wires.filter(({ from, to }) => (from === state && above(to) < 0) || (to === state && below(from) >= 0)).length;
  const boxes = (states: StageInput['work'], row: 'above' | 'below'): RowBox[] =>
    states.map((state, index) => ({
      ...{ path: state.path, lu: Math.max(plane.lu(state.size), row === 'below' ? sockets(state.path) : 0), lv: plane.lv(state.size) },
      before: count(row, index, false),
      after: count(row, index, true),
    }));
  const flowWires = work
    .slice(0, -1)
    .map(({ path: from }, index) => wires.find((wire) => wire.from === from && wire.to === work[index + 1]?.path));
  const [top, bottom] = placeRows(
    [
      {
        boxes: boxes(work, 'above'),
        gaps: flowWires.map((wire) => (wire ? sizeOf(wire.label).lu + labelGap : 36)),
        straight: straight.above,
        side: 'above',
      },
      { boxes: boxes(trouble, 'below'), gaps: trouble.map(() => 30), straight: straight.below, side: 'below' },
    ],
    lanes,
  );

  const overs = wires.filter(
    (wire) => above(wire.from) >= 0 && !flowWires.includes(wire) && (above(wire.to) >= 0 || (isNext(wire) && above(wire.from) !== last)),
  );
  // All that leads on from the second row runs together.
  const onward = wires.filter((wire) => below(wire.from) >= 0 && isNext(wire));
  const unders = wires
    .filter((wire) => below(wire.from) >= 0 && (below(wire.to) >= 0 || wire === onward[0]))
    .sort((a, b) => span(a) - span(b));
  const onwardLabel = merged(onward.map(({ label }) => label));
  const labelOf = (wire: Wire): Label => (wire === onward[0] ? onwardLabel : wire.label);
  function span(wire: Wire): number {
    return isNext(wire) ? 1000 : Math.abs(below(wire.from) - below(wire.to));
  }

  // Everything from here on is shifted by what stands before it along the flow.
  const left = pad + input.entries.length * portGap;
  const u0 = left + plane.head.u + (input.grid && plane.direction === 'down' ? gridSize + 8 : 0);
  for (const node of [...top, ...bottom]) node.u += u0;
  for (const lane of lanes) lane.at += u0;
  const node = (state: string): PlacedNode => (top[above(state)] ?? bottom[below(state)]) as PlacedNode;
  const labels: PlacedLabel[] = [];
  const traces: Trace[] = [];
  const opens: Open[] = [];

  // Along `v`: over tracks, the row that works, tracks, labels, tracks, the other row, under tracks.
  const overV = plane.head.v + pad + (input.grid && plane.direction === 'right' ? gridSize + 8 : 0);
  const oversV = overs.reduce((sum, { label }) => sum + sizeOf(label).lv + 8, 0);
  const topV = overV + Math.max(oversV + (overs.length > 0 ? 6 : 0), 14);
  const axisOf = (index: number): number => plane.axisOf((work[index] as { size: Size }).size);
  const axis = topV + Math.max(...work.map((_, index) => axisOf(index)));
  top.forEach((one, index) => {
    one.v = axis - axisOf(index);
  });
  const topEnd = Math.max(...top.map(far));
  const bandsOf = (row: 'above' | 'below') => bends.filter((bend) => bend.row === row);
  const labelsV = topEnd + lead + bandsOf('above').length * track;
  const band = Math.max(0, ...lanes.map(({ label }) => sizeOf(label).lv));
  const bottomV = trouble.length === 0 ? topEnd : labelsV + band + lead + bandsOf('below').length * track;
  for (const one of bottom) one.v = bottomV;
  const bottomEnd = Math.max(topEnd, ...bottom.map(far));
  const trackOf = (bend: Bend): number =>
    bend.row === 'above'
      ? topEnd + track + bandsOf('above').indexOf(bend) * track
      : bottomV - track - bandsOf('below').indexOf(bend) * track;
  const portOf = (bend: Bend): number => {
    const box = node(bend.wire[bend.lane && (bend.row === 'above') !== (bend.lane as (typeof lanes)[number]).down ? 'to' : 'from']);
    const mine = bends.filter((other) => other.row === bend.row && other.index === bend.index && other.atEnd === bend.atEnd);
    const step = (mine.indexOf(bend) + 1) * portGap;
    return bend.atEnd ? end(box) - step : box.u + step;
  };

  const rowsEnd = Math.max(...top.map(end), ...bottom.map(end), ...lanes.map(({ at, lu }) => at + lu / 2));
  // What goes round joins the flow in the first gutter; failure has one for each target.
  /** A label of lines that run together stands where it fits between them, at best. */
  function onwardRoom(): number {
    const lasts = onward.map(({ from }) => end(node(from))).sort((a, b) => a - b);
    const fits = [...lasts.slice(1), rowsEnd].some((to, index) => to - (lasts[index] as number) > sizeOf(onwardLabel).lu + 60);
    return fits ? 0 : Math.max(0, Math.max(...lasts) + sizeOf(onwardLabel).lu + 30 - rowsEnd);
  }
  const joins = overs.some(isNext) || unders.some(isNext);
  const joinU = rowsEnd + 14 + (onward.length > 0 ? onwardRoom() : 0);
  // Between other states there is no way down past the labels: such a line leaves through the gutter too.
  const escapes = unders.length === 0 ? [] : fails.filter(({ from }) => below(from) >= 0 && below(from) < trouble.length - 1);
  const gutters = [...new Set(fails.filter((wire) => above(wire.from) >= 0 || escapes.includes(wire)).map(({ to }) => to))];
  const gutterU = (to: string): number => (joins ? joinU + portGap : rowsEnd + 14) + gutters.indexOf(to) * portGap;

  let overAt = overV;
  const over = overs.map((wire) => {
    const { lu, lv } = sizeOf(wire.label);
    const from = node(wire.from);
    const at = overAt + lv / 2;
    overAt += lv + 8;
    const start = end(from) - portGap;
    const stop = isNext(wire) ? joinU : node(wire.to).u + portGap * 2;
    const trace: Trace = {
      wire,
      points: [[start, from.v], [start, at], [stop, at], isNext(wire) ? [stop, axis] : [stop, node(wire.to).v]],
    };
    labels.push(labelAt(wire.label, { lu, lv }, [(start + stop) / 2, at], [trace]));
    if (!isNext(wire)) traces.push(trace);
    return trace;
  });

  // Lanes.
  const bendOf = (wire: Wire, row: 'above' | 'below') => bends.find((bend) => bend.wire === wire && bend.row === row && bend.lane !== null);
  for (const lane of lanes) {
    const mine: Trace[] = lane.wires.map((wire) => {
      const legs = (row: 'above' | 'below', state: string): Point[] => {
        const bend = bendOf(wire, row);
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
      return { wire, points: lane.down ? [...upper, ...lower.toReversed()] : [...lower, ...upper.toReversed()] };
    });
    traces.push(...mine);
    const { lu, lv } = sizeOf(lane.label);
    labels.push(labelAt(lane.label, { lu, lv }, [lane.at, labelsV + band / 2], mine));
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
    labels.push(labelAt(wire.label, sizeOf(wire.label), [(end(from) + to.u) / 2, axis], [trace]));
  });

  // Under the second row: nested, the nearest first.
  const used = new Map<string, number>();
  const portAt = (state: string, side: 'begin' | 'end'): number => {
    const offset = used.get(`${state} ${side}`) ?? 16;
    return side === 'begin' ? node(state).u + offset : end(node(state)) - offset;
  };
  const take = (state: string, side: 'begin' | 'end', by: number) =>
    used.set(`${state} ${side}`, (used.get(`${state} ${side}`) ?? 16) + by);
  let underAt = bottomEnd + (unders.length > 0 ? 14 : 0) + escapes.length * track;
  const under = unders.flatMap((wire) => {
    const { lu, lv } = sizeOf(labelOf(wire));
    const [a, b] = [below(wire.from), below(wire.to)];
    const backwards = !isNext(wire) && b < a;
    const start = portAt(wire.from, backwards ? 'begin' : 'end');
    const stop = isNext(wire) ? joinU : portAt(wire.to, backwards ? 'end' : 'begin');
    const overflow = Math.max(0, (lu - Math.abs(stop - start)) / 2);
    const at = underAt + lv / 2;
    underAt += lv + 8;
    take(wire.from, backwards ? 'begin' : 'end', Math.max(portGap, overflow + 10));
    if (!isNext(wire)) take(wire.to, backwards ? 'end' : 'begin', Math.max(portGap, overflow + 10));
    const trace: Trace = {
      wire,
      points: [[start, far(node(wire.from))], [start, at], [stop, at], isNext(wire) ? [stop, axis] : [stop, far(node(wire.to))]],
    };
    const others = (isNext(wire) ? onward.slice(1) : []).map((other): Trace => {
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
    const all = [trace, ...others];
    // Between the last of its lines and the gutter: no line of it goes under it from above.
    const ports = all.map(({ points }) => (points[0] as Point)[0]).sort((a, b) => a - b);
    const between = [...ports.slice(1), stop].map((to, index) => [ports[index] as number, to] as const);
    const [from, to] = between.findLast(([begin, last]) => last - begin > lu + 20) ?? (between.at(-1) as readonly [number, number]);
    labels.push(labelAt(labelOf(wire), { lu, lv }, [isNext(wire) ? (from + to) / 2 : (start + stop) / 2, at], all));
    if (!isNext(wire)) traces.push(trace);
    return all;
  });

  const lv = Math.max(Math.max(underAt, bottomEnd) + pad, plane.lv(input.minimum));
  const lastGutter = gutters.length > 0 ? gutterU(gutters.at(-1) as string) : joins ? joinU : rowsEnd;
  const lu = Math.max(lastGutter + pad - 4, plane.lu(input.minimum));

  const taken = new Set<number>();
  /** Where a line can leave the far side of a state in the second row, beside the lines and labels that are there. */
  const freePort = (wire: Wire): number => {
    const box = node(wire.from);
    const goesDown = !escapes.includes(wire);
    const candidates = Array.from({ length: Math.max(1, Math.floor((box.lu - 20) / 2)) }, (_, index) => box.u + 10 + index * 2);
    const free = (u: number): boolean =>
      ![...taken].some((other) => Math.abs(other - u) < 8) &&
      !(goesDown && labels.some((label) => label.v >= bottomEnd && u > label.u - 6 && u < end(label) + 6)) &&
      !under.some(({ points }) => points.some(([at]) => Math.abs(at - u) < 6));
    const isFirst = below(wire.from) === 0 && trouble.length > 1;
    const port = (isFirst ? candidates : candidates.toReversed()).find(free) ?? box.u + box.lu / 2;
    taken.add(port);
    return port;
  };

  const main = wires.filter((wire) => isNext(wire) && above(wire.from) === last);
  const round = [...over, ...under].filter(({ wire }) => isNext(wire));
  if (next !== null && main.length + round.length > 0)
    opens.push({
      ...{ to: next, at: [lu, axis], side: 'flow', label: main[0]?.label ?? null },
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
    const own = fails.filter((wire) => wire.to === to && (above(wire.from) >= 0 || escapes.includes(wire)));
    const side = axis + (gutters.indexOf(to) + 1) * 14;
    opens.push({
      ...{ to, at: [gutterU(to), lv], side: 'cross', label: own[0]?.label ?? null },
      traces: own.map((wire): Trace => {
        const bend = bends.find((one) => one.wire === wire);
        const box = node(wire.from);
        const beside = bottomEnd + 10 + escapes.indexOf(wire) * track;
        const port = freePort(wire);
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
      opens.push({ to: wire.to, at: [u, lv], side: 'cross', label: wire.label, traces: [{ wire, points: [[u, lv]] }] });
    });

  const entries = new Map<string, Point[]>();
  input.entries.forEach((state, index) => {
    const gutter = plane.head.u + 10 + index * portGap;
    const from: Point = [0, axis + 18 + index * portGap];
    const box = node(state);
    const side = box.v + 19;
    if (below(state) === 0) entries.set(state, [from, [gutter, from[1]], [gutter, side], [box.u, side]]);
    else if (below(state) > 0) {
      const at = lv - pad / 2 - index * 4;
      const port = portAt(state, 'end');
      entries.set(state, [from, [gutter, from[1]], [gutter, at], [port, at], [port, far(box)]]);
    } else entries.set(state, [from, [gutter, from[1]], [gutter, overV - 6], [box.u + portGap, overV - 6], [box.u + portGap, box.v]]);
  });

  const grid = !input.grid
    ? undefined
    : plane.direction === 'right'
      ? { u: pad, v: plane.head.v + 12, lu: lu - pad * 2, lv: gridSize }
      : { u: plane.head.u + 12, v: axis + 16, lu: gridSize, lv: Math.max(40, lv - axis - 16 - pad) };
  const frame: PlacedNode = { path, u: 0, v: 0, lu, lv, ...(grid && { grid }) };
  return { path, lu, lv, axis, nodes: [frame, ...top, ...bottom], labels, traces, opens, entries };
};
