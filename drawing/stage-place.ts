import type { PlacedNode } from './block.ts';
import type { Label } from './label.ts';
import { placeRows, portGap, type RowBox } from './label-rows.ts';
import { end, far, type Plane, type Size } from './plane.ts';
import { sizeOf } from './sequence.ts';
import type { Bend, StageInput, StageWires } from './stage-wires.ts';

export const track = 12;
const pad = 20;
const lead = 18;
const labelGap = 36;
export const gridSize = 44;
export type StagePlaces = ReturnType<typeof placeStage>;

/** Where the states of a stage stand, and its tracks, gutters and lanes. */
export const placeStage = (plane: Plane, input: StageInput, sorted: StageWires) => {
  const { work, wires } = input;
  const {
    trouble,
    above,
    below,
    lanes,
    straight,
    bends,
    flowWires,
    overs,
    onward,
    onwardLabel,
    gutters,
    joins,
  } = sorted;
  const size = (label: Label) => sizeOf(plane, label);
  const count = (row: 'above' | 'below', index: number, atEnd: boolean) =>
    bends.filter((bend) => bend.row === row && bend.index === index && bend.atEnd === atEnd).length;
  /** Room for every line at the far side of a state in the second row. */
  const sockets = (state: string): number =>
    18 +
    portGap *
      wires.filter(
        ({ from, to }) => (from === state && above(to) < 0) || (to === state && below(from) >= 0),
      ).length;
  const boxes = (states: StageInput['work'], row: 'above' | 'below'): RowBox[] =>
    states.map((state, index) => ({
      path: state.path,
      lu: Math.max(plane.lu(state.size), row === 'below' ? sockets(state.path) : 0),
      lv: plane.lv(state.size),
      before: count(row, index, false),
      after: count(row, index, true),
    }));
  const [top, bottom] = placeRows(
    [
      {
        boxes: boxes(work, 'above'),
        gaps: flowWires.map((wire) => (wire ? size(wire.label).lu + labelGap : 28)),
        straight: straight.above,
        side: 'above',
      },
      {
        boxes: boxes(trouble, 'below'),
        gaps: trouble.map(() => 20),
        straight: straight.below,
        side: 'below',
      },
    ],
    lanes,
  );

  // Everything from here on is shifted by what stands before it along the flow.
  const left = pad + input.entries.length * portGap;
  const u0 = left + plane.head.u + (input.grid && plane.direction === 'down' ? gridSize + 8 : 0);
  for (const node of [...top, ...bottom]) node.u += u0;
  for (const lane of lanes) lane.at += u0;
  const node = (state: string): PlacedNode =>
    (top[above(state)] ?? bottom[below(state)]) as PlacedNode;
  // Along `v`: over tracks, the row that works, tracks, labels, tracks, the other row, under
  // tracks.
  const overV = plane.head.v + pad + (input.grid && plane.direction === 'right' ? gridSize + 8 : 0);
  const oversV = overs.reduce((sum, { label }) => sum + size(label).lv + 8, 0);
  const topV = overV + Math.max(oversV + (overs.length > 0 ? 6 : 0), 14);
  const axisOf = (index: number): number => plane.axisOf((work[index] as { size: Size }).size);
  const axis = topV + Math.max(...work.map((_, index) => axisOf(index)));
  top.forEach((one, index) => {
    one.v = axis - axisOf(index);
  });
  const topEnd = Math.max(...top.map(far));
  const bandsOf = (row: 'above' | 'below') => bends.filter((bend) => bend.row === row);
  const labelsV = topEnd + lead + bandsOf('above').length * track;
  const band = Math.max(0, ...lanes.map(({ label }) => size(label).lv));
  const bottomV =
    trouble.length === 0 ? topEnd : labelsV + band + lead + bandsOf('below').length * track;
  for (const one of bottom) one.v = bottomV;
  const bottomEnd = Math.max(topEnd, ...bottom.map(far));
  const trackOf = (bend: Bend): number =>
    bend.row === 'above'
      ? topEnd + track + bandsOf('above').indexOf(bend) * track
      : bottomV - track - bandsOf('below').indexOf(bend) * track;
  const portOf = (bend: Bend): number => {
    const box = node(
      bend.wire[bend.lane && (bend.row === 'above') !== bend.lane.down ? 'to' : 'from'],
    );
    const mine = bends.filter(
      (other) => other.row === bend.row && other.index === bend.index && other.atEnd === bend.atEnd,
    );
    const step = (mine.indexOf(bend) + 1) * portGap;
    return bend.atEnd ? end(box) - step : box.u + step;
  };

  const rowsEnd = Math.max(
    ...top.map(end),
    ...bottom.map(end),
    ...lanes.map(({ at, lu }) => at + lu / 2),
  );
  // What goes round joins the flow in the first gutter; failure has one for each target.
  /** A label of lines that run together stands where it fits between them, at best. */
  function onwardRoom(): number {
    const lasts = onward.map(({ from }) => end(node(from))).sort((a, b) => a - b);
    const fits = [...lasts.slice(1), rowsEnd].some(
      (to, index) => to - (lasts[index] as number) > size(onwardLabel).lu + 60,
    );
    return fits ? 0 : Math.max(0, Math.max(...lasts) + size(onwardLabel).lu + 30 - rowsEnd);
  }
  const joinU = rowsEnd + 14 + (onward.length > 0 ? onwardRoom() : 0);
  const gutterU = (to: string): number =>
    (joins ? joinU + portGap : rowsEnd + 14) + gutters.indexOf(to) * portGap;

  return {
    top,
    bottom,
    node,
    axis,
    overV,
    labelsV,
    band,
    bottomEnd,
    rowsEnd,
    joinU,
    gutterU,
    trackOf,
    portOf,
  };
};
