import type { PlacedNode } from './block.ts';
import type { Label } from './label.ts';

/** A line between the two rows of a stage; `above` and `below` are the states it touches, by their place in the row. */
export type Lane = { above: number; below: number; label: Label; lu: number; at: number };
/** `before` and `after` count the lines that reach it over a track, at either end of its side. */
export type RowBox = { path: string; lu: number; lv: number; before: number; after: number };

const laneGap = 12;
export const portGap = 14;

/** The most lanes that can go straight into a row: those whose states stand in the same order as they do. The others are led there. */
export const straightLanes = (lanes: Lane[], row: 'above' | 'below'): boolean[] => {
  const length: number[] = [];
  const best = lanes.map((lane, index) => {
    let from = -1;
    for (let before = 0; before < index; before += 1)
      if ((lanes[before] as Lane)[row] <= lane[row] && (from < 0 || (length[before] as number) >= (length[from] as number))) from = before;
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

type Row = { boxes: RowBox[]; gaps: number[]; straight: boolean[]; side: 'above' | 'below' };

/**
 * Places two rows of states and the lanes between them along the flow: a state is as wide as its lanes need, and lanes move
 * on where a state before them needs the room. Sets `at` of each lane. @returns where each state begins, and its length
 */
export const placeRows = (rows: [Row, Row], lanes: Lane[]): [PlacedNode[], PlacedNode[]] => {
  const shift = lanes.map(() => 0);
  for (;;) {
    let edge = 0;
    lanes.forEach((lane, index) => {
      edge += shift[index] as number;
      lane.at = edge + lane.lu / 2;
      edge += lane.lu + laneGap;
    });
    let moved = false;
    const placed = rows.map(({ boxes, gaps, straight, side }) => {
      let cursor = 0;
      return boxes.map((box, index): PlacedNode => {
        const own = lanes.map((_, at) => at).filter((at) => straight[at] && lanes[at]?.[side] === index);
        const before = (box.before + 1) * portGap;
        const after = (box.after + 1) * portGap;
        const first = own.length > 0 ? (lanes[own[0] as number] as Lane).at : cursor + box.lu / 2;
        const last = own.length > 0 ? (lanes[own.at(-1) as number] as Lane).at : first;
        const u = Math.max(cursor, Math.min(first - before, (first + last + after - before - box.lu) / 2));
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
