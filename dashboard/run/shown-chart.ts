import { collapse } from '../../drawing/collapse.ts';
import type { ChartLayout } from '../../drawing/drawing.ts';
import type { ChartGraph } from '../../drawing/graph.ts';
import { layoutChart } from '../../drawing/layout.ts';
import { narrowPx } from '../chart/view.ts';

/**
 * A chart that would have to be drawn smaller than this shows its stages closed, but for the one
 * that matters.
 */
const openScale = 0.8;
const openUpright = { scale: 0.66, tallest: 1100 } as const;

type Wanted = {
  width: number;
  flow: 'right' | 'down';
  /** What somebody chose; null leaves it to the room there is. */
  stages: 'all' | 'few' | null;
  /** The stage that is shown open in any case. */
  open: string | null;
};

/**
 * The drawing of a run's chart for a width: `closed` are the paths of the stages that show only
 * their title.
 */
export const shownChart = (
  graph: ChartGraph,
  { width, flow, stages, open }: Wanted,
): { closed: Set<string>; layout: ChartLayout } => {
  const whole = layoutChart(graph, flow);
  const fits =
    flow === 'right'
      ? whole.width * openScale <= width
      : width >= narrowPx && whole.height * openUpright.scale <= openUpright.tallest;
  if (stages === 'all' || (stages === null && fits)) return { closed: new Set(), layout: whole };
  const closed = new Set(
    graph.states.flatMap(({ stage, path }) => (stage === null || stage === open ? [] : [path])),
  );
  return { closed, layout: layoutChart(collapse(graph, closed), flow) };
};
