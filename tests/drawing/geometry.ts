import type { Box, ChartLayout } from '../../drawing/drawing.ts';

type Flat = { x: number; y: number; w: number; h: number };
const overlap = (a: Flat, b: Flat, slack = 0): boolean =>
  a.x < b.x + b.w - slack &&
  b.x < a.x + a.w - slack &&
  a.y < b.y + b.h - slack &&
  b.y < a.y + a.h - slack;
const inside = (a: Flat, b: Flat): boolean =>
  a.x >= b.x && a.y >= b.y && a.x + a.w <= b.x + b.w && a.y + a.h <= b.y + b.h;
const within = (path: string, frame: string): boolean => path.startsWith(`${frame}.`);
type Leg = { id: string; to: string; from: string; horizontal: boolean; box: Box };

/** All that would make a drawing wrong to look at, as sentences. */
export const defectsOf = ({ boxes, lines, labels, width, height }: ChartLayout): string[] => {
  const found: string[] = [];
  const frames = boxes.filter(({ shape }) => shape === 'frame');
  const solid = boxes.filter(({ shape }) => shape !== 'frame');
  const page = { x: 0, y: 0, w: width, h: height };

  for (const box of boxes) {
    if (!inside(box, page)) found.push(`${box.state.path} is not on the page`);
    for (const frame of frames) {
      if (frame === box) continue;
      if (
        within(box.state.path, frame.state.path)
          ? !inside(box, frame)
          : overlap(box, frame) && !within(frame.state.path, box.state.path)
      )
        found.push(`${box.state.path} and the frame ${frame.state.path} cross`);
    }
  }
  solid.forEach((a, index) => {
    for (const b of solid.slice(index + 1))
      if (overlap(a, b)) found.push(`${a.state.path} and ${b.state.path} overlap`);
  });
  labels.forEach((a, index) => {
    const name = a.rows.map(({ text }) => text).join(' ');
    if (!inside(a, page)) found.push(`the label ${name} is not on the page`);
    for (const b of solid)
      if (overlap(a, b)) found.push(`the label ${name} lies on ${b.state.path}`);
    for (const b of labels.slice(index + 1))
      if (overlap(a, b)) found.push(`the labels ${name} and ${b.rows[0]?.text} overlap`);
  });

  const legs: Leg[] = lines.flatMap(({ id, from, to, points }) =>
    points.slice(1).map(([bx, by], index): Leg => {
      const [ax, ay] = points[index] as [number, number];
      if (ax !== bx && ay !== by) found.push(`${id} is not at right angles`);
      return {
        id,
        from,
        to,
        horizontal: ay === by,
        box: {
          x: Math.min(ax, bx),
          y: Math.min(ay, by),
          w: Math.abs(ax - bx),
          h: Math.abs(ay - by),
        },
      };
    }),
  );
  const wide = ({ x, y, w, h }: Box): Flat => ({ x: x - 0.5, y: y - 0.5, w: w + 1, h: h + 1 });
  for (const leg of legs) {
    for (const { state, ...box } of solid) {
      const isEnd = state.path === leg.from || state.path === leg.to;
      // At its own states it may touch the edge, and no more.
      if (overlap(wide(leg.box), box, isEnd ? 1.1 : 0))
        found.push(`${leg.id} goes through ${state.path}`);
    }
    for (const label of labels)
      if (!label.lines.includes(leg.id) && overlap(wide(leg.box), label))
        found.push(`${leg.id} goes under the label ${label.rows[0]?.text}`);
  }
  // Lines with different targets never share a way; those that meet at one target become one.
  legs.forEach((a, index) => {
    for (const b of legs.slice(index + 1)) {
      if (a.horizontal !== b.horizontal || a.to === b.to) continue;
      const [near, along] = a.horizontal
        ? [
            Math.abs(a.box.y - b.box.y),
            Math.min(a.box.x + a.box.w, b.box.x + b.box.w) - Math.max(a.box.x, b.box.x),
          ]
        : [
            Math.abs(a.box.x - b.box.x),
            Math.min(a.box.y + a.box.h, b.box.y + b.box.h) - Math.max(a.box.y, b.box.y),
          ];
      if (near < 4 && along > 1) found.push(`${a.id} and ${b.id} run on top of each other`);
    }
  });
  for (const { id, from, to, points } of lines) {
    const target = boxes.find(({ state }) => state.path === to) as Box;
    const [x, y] = points.at(-1) as [number, number];
    const onEdge =
      (x === target.x ||
        x === target.x + target.w ||
        y === target.y ||
        y === target.y + target.h) &&
      x >= target.x &&
      x <= target.x + target.w &&
      y >= target.y &&
      y <= target.y + target.h;
    if (!onEdge) found.push(`${id} does not end at the edge of ${to} (from ${from})`);
  }
  return [...new Set(found)];
};
