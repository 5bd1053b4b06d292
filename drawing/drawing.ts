import type { PlacedLabel, PlacedNode, Trace } from './block.ts';
import type { ChartGraph, ChartState } from './graph.ts';
import type { LabelRow } from './label.ts';
import { type Direction, end, far, type Point, type Rect } from './plane.ts';
import type { Roles, Tone } from './roles.ts';

export type Box = { x: number; y: number; w: number; h: number };
export type StateBox = Box & {
  state: ChartState;
  shape: 'state' | 'frame' | 'title' | 'choice';
  tone: Tone;
  number: number | null;
  /** Lines between the branches of a group, as the `d` of a path. */
  stripes: string[];
  grid: Box | null;
  /** Where the mark of an initial state stands. */
  start: 'above' | 'before' | null;
};
/**
 * `points` are the corners from source to target; every transition from one state to another is one
 * line.
 */
export type ChartLine = { id: string; from: string; to: string; tone: Tone; points: Point[] };
/** A label stands on each of its lines. */
export type ChartLabel = Box & { rows: LabelRow[]; lines: string[] };
export type ChartLayout = {
  width: number;
  height: number;
  direction: Direction;
  boxes: StateBox[];
  lines: ChartLine[];
  labels: ChartLabel[];
};

export const margin = 24;

const tidy = (points: readonly Point[]): Point[] => {
  const distinct = points.filter(
    (point, index) =>
      index === 0 ||
      Math.hypot(
        point[0] - (points[index - 1] as Point)[0],
        point[1] - (points[index - 1] as Point)[1],
      ) > 0.01,
  );
  return distinct.filter((point, index) => {
    const [before, after] = [distinct[index - 1], distinct[index + 1]];
    return (
      !before ||
      !after ||
      !(
        (before[0] === point[0] && point[0] === after[0]) ||
        (before[1] === point[1] && point[1] === after[1])
      )
    );
  });
};

/** From the plane to the page, with whole pixels. */
export const drawn = (
  direction: Direction,
  roles: Roles,
  graph: ChartGraph,
  nodes: PlacedNode[],
  labels: PlacedLabel[],
  traces: Trace[],
): ChartLayout => {
  const byPath = new Map(graph.states.map((state) => [state.path, state]));
  const all: Point[] = [
    ...[...nodes, ...labels].flatMap((rect): Point[] => [
      [rect.u, rect.v],
      [end(rect), far(rect)],
    ]),
    ...traces.flatMap(({ points }) => points),
  ];
  const [du, dv] = [
    margin - Math.min(...all.map(([u]) => u)),
    margin - Math.min(...all.map(([, v]) => v)),
  ];
  const round = (value: number): number => Math.round(value * 2) / 2;
  const place = ([u, v]: Point): [number, number] =>
    direction === 'right' ? [round(u + du), round(v + dv)] : [round(v + dv), round(u + du)];
  const box = (rect: Rect): Box => {
    const [x, y] = place([rect.u, rect.v]);
    const [x2, y2] = place([end(rect), far(rect)]);
    return { x, y, w: x2 - x, h: y2 - y };
  };
  const stages = graph.states.filter(({ stage }) => stage !== null).map(({ path }) => path);
  const [width, height] = place([
    Math.max(...all.map(([u]) => u)) + margin,
    Math.max(...all.map(([, v]) => v)) + margin,
  ]);
  return {
    width,
    height,
    direction,
    boxes: nodes.map((node) => {
      const state = byPath.get(node.path) as ChartState;
      const number = stages.indexOf(node.path);
      return {
        ...box(node),
        state,
        tone: roles.tone(node.path),
        number: number < 0 ? null : number + 1,
        shape:
          roles.children(node.path).length > 0
            ? 'frame'
            : number >= 0
              ? 'title'
              : roles.isChoice(node.path)
                ? 'choice'
                : 'state',
        stripes: (node.stripes ?? []).map(
          (v) => `M${place([node.u, v]).join(' ')}L${place([end(node), v]).join(' ')}`,
        ),
        grid: node.grid ? box(node.grid) : null,
        // Above a choice there is a line.
        start: !state.initial
          ? null
          : roles.isChoice(node.path) && direction === 'right'
            ? 'before'
            : 'above',
      };
    }),
    lines: traces.map(({ wire, points }) => ({
      id: wire.id,
      from: wire.from,
      to: wire.to,
      tone: roles.tone(wire.to),
      points: tidy(points.map(place)),
    })),
    labels: labels
      .filter(({ label }) => label.rows.length > 0)
      .map((label) => ({ ...box(label), rows: label.label.rows, lines: label.wires })),
  };
};
