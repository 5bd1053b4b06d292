import type { PlacedNode } from './block.ts';
import type { Label } from './label.ts';

/**
 * A line between the two rows of a stage; `above` and `below` are the states it touches, by their
 * place in the row.
 */
export type Lane = {
  above: number;
  below: number;
  label: Label;
  lu: number;
  lv: number;
  at: number;
  level: Level;
};
/**
 * Where the label of a lane stands between the rows: short ones take turns, so that neighbours can
 * be nearer than they are wide.
 */
type Level = 'near' | 'far' | 'whole';
/** `before` and `after` count the lines that reach it over a track, at either end of its side. */
export type RowBox = { path: string; lu: number; lv: number; before: number; after: number };

const laneGap = 8;
/** Between a line and the label of the next one, which it passes. */
const passGap = 8;
export const portGap = 14;

/**
 * The most lanes that can go straight into a row: those whose states stand in the same order as
 * they do. The others are led there.
 */
export const straightLanes = (lanes: Lane[], row: 'above' | 'below'): boolean[] => {
  const length: number[] = [];
  const best = lanes.map((lane, index) => {
    let from = -1;
    for (let before = 0; before < index; before += 1)
      if (
        (lanes[before] as Lane)[row] <= lane[row] &&
        (from < 0 || (length[before] as number) >= (length[from] as number))
      )
        from = before;
    length[index] = 1 + (from < 0 ? 0 : (length[from] as number));
    return from;
  });
  const straight = lanes.map(() => false);
  let at = length.indexOf(Math.max(0, ...length));
  while (at >= 0 && at < lanes.length) {
    straight[at] = true;
    at = best[at] as number;
  }
  return straight;
};

/** How far apart two lanes are at least. */
const apart = (a: Lane, b: Lane): number =>
  a.level === 'whole' || b.level === 'whole' || a.level === b.level
    ? (a.lu + b.lu) / 2 + laneGap
    : Math.max(a.lu, b.lu) / 2 + passGap;

/**
 * Gives each lane its level: two labels that are together no higher than the highest one can stand
 * at two levels.
 */
const level = (lanes: Lane[]): void => {
  const band = Math.max(0, ...lanes.map(({ lv }) => lv));
  const isShort = ({ lv }: Lane): boolean => lv * 2 + laneGap <= band;
  lanes.filter(isShort).forEach((lane, index) => {
    lane.level = index % 2 === 0 ? 'near' : 'far';
  });
};

type Row = { boxes: RowBox[]; gaps: number[]; straight: boolean[]; side: 'above' | 'below' };

/**
 * Places two rows of states and the lanes between them along the flow: a state is as wide as its
 * lanes need, and lanes move on where a state before them needs the room. Sets `at` of each lane.
 * @returns where each state begins, and its length
 */
export const placeRows = (rows: [Row, Row], lanes: Lane[]): [PlacedNode[], PlacedNode[]] => {
  level(lanes);
  const shift = lanes.map(() => 0);
  for (;;) {
    lanes.forEach((lane, index) => {
      const least = lanes.slice(0, index).map((before) => before.at + apart(before, lane));
      lane.at = Math.max(lane.lu / 2, ...least) + (shift[index] as number);
    });
    let moved = false;
    const placed = rows.map(({ boxes, gaps, straight, side }) => {
      let cursor = 0;
      return boxes.map((box, index): PlacedNode => {
        const own = lanes
          .map((_, at) => at)
          .filter((at) => straight[at] && lanes[at]?.[side] === index);
        const before = (box.before + 1) * portGap;
        const after = (box.after + 1) * portGap;
        const first = own.length > 0 ? (lanes[own[0] as number] as Lane).at : cursor + box.lu / 2;
        const last = own.length > 0 ? (lanes[own.at(-1) as number] as Lane).at : first;
        const u = Math.max(
          cursor,
          Math.min(first - before, (first + last + after - before - box.lu) / 2),
        );
        const lack = u + before - first;
        if (own.length > 0 && lack > 0.01) {
          shift[own[0] as number] = (shift[own[0] as number] as number) + lack;
          moved = true;
        }
        const lu = Math.max(box.lu, last + after - u);
        cursor = u + lu + (gaps[index] ?? 0);
        return { path: box.path, u, v: 0, lu, lv: box.lv };
      });
    });
    if (!moved) return placed as [PlacedNode[], PlacedNode[]];
  }
};
