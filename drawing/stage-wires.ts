import type { Wire } from './block.ts';
import { type Label, merged, textOf } from './label.ts';
import { type Lane, straightLanes } from './label-rows.ts';
import type { Plane, Size } from './plane.ts';

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
type StageLane = Lane & { wires: Wire[]; down: boolean };
/**
 * An end of a line that cannot go straight: it reaches its lane, or without one the gutter, over a
 * track.
 */
export type Bend = {
  wire: Wire;
  row: 'above' | 'below';
  index: number;
  lane: StageLane | null;
  atEnd: boolean;
};
export type StageWires = ReturnType<typeof stageWires>;

/** Every order of a few things, their own one first. */
const orders = <T>(some: T[]): T[][] =>
  some.length < 2
    ? [some]
    : some.flatMap((one, index) =>
        orders(some.filter((_, other) => other !== index)).map((rest) => [one, ...rest]),
      );

/**
 * The order in which lines between these states are shortest, so that none has to go round another
 * state.
 */
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

/** Which way each line of a stage goes, before anything has a place. */
export const stageWires = (plane: Plane, input: StageInput) => {
  const { path, work, wires, next } = input;
  const trouble = inBestOrder(input);
  const above = (state: string): number => work.findIndex((one) => one.path === state);
  const below = (state: string): number => trouble.findIndex((one) => one.path === state);
  const last = work.length - 1;
  const isOut = ({ to }: Wire): boolean => to !== path && !to.startsWith(`${path}.`);
  const isNext = ({ to }: Wire): boolean => to === next;

  // Lines between the rows; those with one label and one target run together.
  const lanes: StageLane[] = [];
  for (const wire of wires) {
    const down = above(wire.from) >= 0 && below(wire.to) >= 0;
    if (!down && !(below(wire.from) >= 0 && above(wire.to) >= 0)) continue;
    const together = lanes.find(
      (lane) =>
        lane.down === down &&
        lane.wires[0]?.to === wire.to &&
        textOf(lane.label) === textOf(wire.label),
    );
    if (together) together.wires.push(wire);
    else
      lanes.push({
        wires: [wire],
        down,
        label: wire.label,
        lu: plane.lu(wire.label),
        lv: plane.lv(wire.label),
        at: 0,
        level: 'whole',
        above: above(down ? wire.from : wire.to),
        below: below(down ? wire.to : wire.from),
      });
  }
  lanes.sort(
    (a, b) =>
      a.above + a.below - b.above - b.below || b.above - a.above || Number(b.down) - Number(a.down),
  );
  const straight = { above: straightLanes(lanes, 'above'), below: straightLanes(lanes, 'below') };

  const bends: Bend[] = [];
  for (const row of ['above', 'below'] as const)
    lanes.forEach((lane, at) => {
      const own =
        (row === 'above') === lane.down
          ? lane.wires.slice(straight[row][at] ? 1 : 0)
          : straight[row][at]
            ? []
            : lane.wires.slice(0, 1);
      for (const wire of own) {
        const index =
          row === 'above'
            ? above(lane.down ? wire.from : wire.to)
            : below(lane.down ? wire.to : wire.from);
        const first = lanes.findIndex((other, i) => straight[row][i] && other[row] === index);
        bends.push({ wire, row, index, lane, atEnd: first >= 0 && at > first });
      }
    });
  const fails = wires.filter((wire) => isOut(wire) && !isNext(wire) && wire.from !== path);
  for (const wire of fails)
    if (above(wire.from) >= 0 && above(wire.from) < last)
      bends.push({ wire, row: 'above', index: above(wire.from), lane: null, atEnd: true });

  const flowWires = work
    .slice(0, -1)
    .map(({ path: from }, index) =>
      wires.find((wire) => wire.from === from && wire.to === work[index + 1]?.path),
    );
  const overs = wires.filter(
    (wire) =>
      above(wire.from) >= 0 &&
      !flowWires.includes(wire) &&
      (above(wire.to) >= 0 || (isNext(wire) && above(wire.from) !== last)),
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

  // Between other states there is no way down past the labels: such a line leaves through the
  // gutter too.
  const escapes =
    unders.length === 0
      ? []
      : fails.filter(({ from }) => below(from) >= 0 && below(from) < trouble.length - 1);
  const gutters = [
    ...new Set(
      fails.filter((wire) => above(wire.from) >= 0 || escapes.includes(wire)).map(({ to }) => to),
    ),
  ];
  const joins = overs.some(isNext) || unders.some(isNext);
  return {
    trouble,
    above,
    below,
    isOut,
    isNext,
    lanes,
    straight,
    bends,
    fails,
    flowWires,
    overs,
    unders,
    onward,
    onwardLabel,
    labelOf,
    escapes,
    gutters,
    joins,
  };
};
