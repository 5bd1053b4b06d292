import type { ChartEdge, ChartGraph, ChartState } from './graph.ts';

/**
 * A state as a box: its name, what it invokes, and a row for each way out. Labels stand in the rows and never on the lines, so
 * nothing can lie over anything, however long the names are.
 */
export type Row = { icon: ChartEdge['trigger']['kind']; text: string; to: string; y: number };
export type Box = {
  path: string;
  name: string;
  kind: ChartState['kind'];
  x: number;
  y: number;
  w: number;
  h: number;
  notes: string[];
  rows: Row[];
};
export type Frame = { path: string; name: string; x: number; y: number; w: number; h: number; number: number | null };
/** Corners from the row where it leaves to the box where it arrives. */
export type Line = { from: string; to: string; icon: Row['icon']; points: [number, number][] };
export type ChartLayout = { width: number; height: number; boxes: Box[]; frames: Frame[]; lines: Line[]; notes: string[] };

export const size = { header: 30, note: 17, row: 19, pad: 10, char: 7.3, gap: 22, lane: 13, margin: 28 } as const;

const nameOf = (path: string): string => path.split('.').at(-1) as string;
const textOf = (edge: ChartEdge, shown: string): string => {
  const { kind, name } = edge.trigger;
  const word = kind === 'done' || kind === 'error' ? kind : name;
  return `${word}${edge.guard ? ` [${edge.guard}]` : ''} → ${shown}`;
};

const boxOf = (state: ChartState, edges: ChartEdge[]): Box => {
  const notes = state.invokes.map((invoke) => `invoke ${invoke}`);
  const parts = state.path.split('.');
  const rows = edges
    .filter(({ from }) => from === state.path)
    .map((edge): Row => {
      const target = edge.to.split('.');
      // Within a stage the state's own name says it; another stage is named.
      const shown = target.slice(0, -1).join('.') === parts.slice(0, -1).join('.') ? nameOf(edge.to) : (target[1] ?? nameOf(edge.to));
      return { icon: edge.trigger.kind, text: textOf(edge, shown), to: edge.to, y: 0 };
    });
  const chars = Math.max(state.name.length * 1.2 + 3, ...notes.map(({ length }) => length + 2), ...rows.map(({ text }) => text.length + 4));
  const h = size.header + notes.length * size.note + rows.length * size.row + (rows.length + notes.length > 0 ? size.pad : 0);
  return {
    path: state.path,
    name: state.name,
    kind: state.kind,
    x: 0,
    y: 0,
    w: Math.ceil(chars * size.char + size.pad * 2),
    h,
    notes,
    rows,
  };
};

const place = (box: Box, x: number, y: number): Box => {
  box.x = x;
  box.y = y;
  const first = y + size.header + box.notes.length * size.note + size.row / 2;
  box.rows.forEach((row, index) => {
    row.y = first + index * size.row;
  });
  return box;
};

/** Boxes one below the other, equally wide. @returns the lower end */
const stack = (boxes: Box[], x: number, y: number): number => {
  const w = Math.max(0, ...boxes.map((box) => box.w));
  let below = y;
  for (const box of boxes) {
    box.w = w;
    place(box, x, below);
    below += box.h + size.gap;
  }
  return below - size.gap;
};

const headerY = (box: Box): number => box.y + size.header / 2;

/** Lays out a lifecycle: what comes before, the stages side by side, the good end to the right, the other ends below. */
export const layoutChart = ({ states, edges }: ChartGraph): ChartLayout => {
  const tops = states.filter(({ parent }) => parent === null);
  const container = tops.find(({ kind }) => kind === 'compound');
  const isInside = (path: string): boolean => container !== undefined && path.startsWith(`${container.path}.`);
  const own = edges.map((edge) => ({ ...edge, to: enterOf(states, edge.to) }));
  const boxes = new Map(states.filter(({ kind }) => kind !== 'compound').map((state) => [state.path, boxOf(state, own)]));
  const pick = (some: ChartState[]): Box[] => some.flatMap(({ path }) => boxes.get(path) ?? []);
  const split = container ? tops.indexOf(container) : tops.length;
  const before = pick(tops.slice(0, split));
  const after = tops.slice(split + 1);
  // Reached from inside without anything in between: the good end.
  const goods = pick(after.filter(({ path, kind }) => kind === 'final' && own.some((edge) => edge.to === path && isInside(edge.from))));
  const rest = pick(after).filter((box) => !goods.includes(box));
  // Each with what it leads to beside it.
  const others = [
    ...new Set(rest.flatMap((box) => [box, ...rest.filter((end) => end.kind === 'final' && box.rows.some(({ to }) => to === end.path))])),
  ].filter((box, _, all) => box.kind !== 'final' || all.some(({ rows }) => rows.some(({ to }) => to === box.path)));

  const frames: Frame[] = [];
  const lines: Line[] = [];
  const top = size.margin + 44;
  const framesTop = top + size.header + 14;
  let x = size.margin;
  let bottom = stack(before, x, framesTop + size.header + 12);
  const lanesRight = new Map<string, number>();
  /** Room to the right of a column: a lane for each place its rows lead to. */
  const laneRoom = (column: Box[]): number => {
    const targets = [...new Set(column.flatMap(({ rows }) => rows.map(({ to }) => to)))];
    const right = Math.max(...column.map((box) => box.x + box.w));
    targets.forEach((to, index) => {
      lanesRight.set(`${column[0]?.path} ${to}`, right + 16 + index * size.lane);
    });
    return right + 16 + targets.length * size.lane + 12;
  };
  const columns: Box[][] = before.length > 0 ? [before] : [];
  if (before.length > 0) x = laneRoom(before) + size.gap;

  const frameLeft = x;
  const stages = container ? states.filter(({ parent }) => parent === container.path) : [];
  x += 18;
  for (const [index, stage] of stages.entries()) {
    const column = pick(states.filter(({ parent }) => parent === stage.path));
    const end = stack(column, x + 16, framesTop + size.header + 12);
    columns.push(column);
    const right = laneRoom(column);
    frames.push({
      path: stage.path,
      name: stage.title ?? stage.name,
      x,
      y: framesTop,
      w: right - x,
      h: end - framesTop + 16,
      number: index + 1,
    });
    bottom = Math.max(bottom, end + 16);
    x = right + size.gap;
  }
  for (const frame of frames) frame.h = bottom - framesTop;
  const containerRows = own.filter(({ from }) => from === container?.path);
  if (container) {
    bottom += 18 + containerRows.length * size.row;
    frames.unshift({ path: container.path, name: container.name, x: frameLeft, y: top, w: x - frameLeft, h: bottom - top, number: null });
    x += size.gap * 2;
  }
  stack(goods, x, framesTop + size.header + 12);
  if (goods.length > 0) columns.push(goods);
  const right = Math.max(x + Math.max(0, ...goods.map(({ w }) => w)), ...frames.map((frame) => frame.x + frame.w));

  // The other ends in one line below, each with what it leads to at its right.
  const reached = [...new Set([...columns.flat().flatMap(({ rows }) => rows), ...containerRows].map(({ to }) => to))];
  const below = reached.filter((to) => others.some(({ path }) => path === to));
  const bus = new Map(below.map((to, index) => [to, bottom + 20 + index * 16]));
  const endsTop = bottom + 20 + below.length * 16 + 20;
  let endX = container ? frameLeft : size.margin;
  let height = bottom;
  for (const box of others) {
    place(box, endX, endsTop);
    columns.push([box]);
    endX = laneRoom([box]) + (box.rows.length > 0 ? 8 : size.gap * 2);
    height = Math.max(height, endsTop + box.h);
  }

  const lane = (column: Box[], to: string): number => lanesRight.get(`${column[0]?.path} ${to}`) as number;
  /** From a point in a lane to the box: straight in from the side where it lies. */
  const arrive = (from: string, icon: Row['icon'], points: [number, number][], laneX: number, to: Box, inColumn: boolean): void => {
    const busY = bus.get(to.path);
    // What comes from its own column arrives a little lower: two lines with two meanings are never one.
    const y = headerY(to) + (inColumn ? 6 : -4);
    if (busY !== undefined && !inColumn && to.y >= endsTop && (points[0]?.[1] ?? 0) < busY)
      points.push([laneX, busY], [to.x + to.w / 2, busY], [to.x + to.w / 2, to.y]);
    else points.push([laneX, y], [inColumn || to.x < laneX ? to.x + to.w : to.x, y]);
    lines.push({ from, to: to.path, icon, points });
  };
  for (const column of columns)
    for (const box of column)
      for (const row of box.rows) {
        const to = boxes.get(row.to);
        if (!to) continue;
        const laneX = lane(column, row.to);
        const points: [number, number][] = [
          [box.x + box.w, row.y],
          [laneX, row.y],
        ];
        arrive(box.path, row.icon, points, laneX, to, column.includes(to));
      }
  const notes = own.filter(({ from }) => from === '').map((edge) => `${textOf(edge, nameOf(edge.to))}, from every state`);
  const longest = Math.max(0, ...containerRows.map((edge) => textOf(edge, nameOf(edge.to)).length));
  if (container)
    containerRows.forEach((edge, index) => {
      const to = boxes.get(edge.to);
      const y = bottom - (containerRows.length - index) * size.row;
      const text = textOf(edge, nameOf(edge.to));
      const from = frameLeft + 44 + longest * size.char;
      const proxy: Box = {
        path: `${container.path}#${index}`,
        name: '',
        kind: 'atomic',
        x: frameLeft + 12,
        y: y - 9,
        w: 0,
        h: 0,
        notes: [],
        rows: [],
      };
      boxes.set(proxy.path, { ...proxy, rows: [{ icon: edge.trigger.kind, text, to: edge.to, y }] });
      if (to)
        arrive(
          container.path,
          edge.trigger.kind,
          [
            [from, y],
            [from + 10 + index * size.lane, y],
          ],
          from + 10 + index * size.lane,
          to,
          false,
        );
    });
  return {
    width: Math.max(right, endX) + size.margin,
    height: height + size.margin,
    boxes: [...boxes.values()],
    frames,
    lines,
    notes,
  };
};

/** A line to a compound state arrives at the state it begins with. */
const enterOf = (states: ChartState[], path: string): string => {
  const initial = states.find((state) => state.parent === path && state.initial);
  return initial ? enterOf(states, initial.path) : path;
};
