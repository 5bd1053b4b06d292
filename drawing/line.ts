type Corner = readonly [x: number, y: number];

const radius = 9;
const toward = ([x, y]: Corner, [tx, ty]: Corner, by: number): string => {
  const length = Math.hypot(tx - x, ty - y) || 1;
  const r = Math.min(by, length / 2);
  const cut = (value: number): number => Math.round(value * 100) / 100;
  return `${cut(x + ((tx - x) / length) * r)} ${cut(y + ((ty - y) / length) * r)}`;
};

/**
 * The `d` of a line with right angles and round corners. It ends before its head, so that a broad
 * line does not blunt it.
 */
export const linePath = (points: readonly Corner[]): string =>
  points
    .map((point, index) => {
      const [x, y] = point;
      const before = points[index - 1];
      const after = points[index + 1];
      if (!before) return `M${x} ${y}`;
      if (!after) return `L${toward(point, before, 5)}`;
      return `L${toward(point, before, radius)}Q${x} ${y} ${toward(point, after, radius)}`;
    })
    .join('');

/** The `d` of the head of a line. */
export const headPath = (points: readonly Corner[]): string => {
  const [x, y] = points.at(-1) as Corner;
  const [fromX, fromY] = points.at(-2) as Corner;
  const [dx, dy] = [Math.sign(x - fromX), Math.sign(y - fromY)];
  return `M${x} ${y}L${x - dx * 8 - dy * 3.5} ${y - dy * 8 - dx * 3.5}L${x - dx * 8 + dy * 3.5} ${y - dy * 8 + dx * 3.5}Z`;
};

/** The `d` of a choice, as high as it is broad, in the middle of its place. */
export const diamond = ({ x, y, w, h }: { x: number; y: number; w: number; h: number }): string => {
  const [cx, cy] = [x + w / 2, y + h / 2];
  return `M${x} ${cy}L${cx} ${cy - w / 2}L${x + w} ${cy}L${cx} ${cy + w / 2}Z`;
};

/** The mark of an initial state: a dot, and the `d` of its short line to the state. */
export const startMark = (
  { x, y, w, h, start }: { x: number; y: number; w: number; h: number; start: 'above' | 'before' },
  isSmall: boolean,
) => {
  if (start === 'before') return { cx: x - 12, cy: y + h / 2, d: `M${x - 9} ${y + h / 2}h9` };
  const cx = isSmall ? x + w / 2 : x + 16;
  return { cx, cy: y - 12, d: `M${cx} ${y - 9}v${isSmall ? 9 + h / 2 - w / 2 : 9}` };
};
