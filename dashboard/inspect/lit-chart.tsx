import { useMemo, useRef } from 'react';
import type { ChartGraph } from '../../drawing/graph.ts';
import { Chart } from '../chart/chart.tsx';
import { type Marks, marksOf, type Taken } from '../chart/marks.ts';
import type { ShownState } from '../chart/shown-state.ts';
import { useChart } from '../chart/use-chart.ts';
import { useWidth } from '../chart/use-width.ts';
import { heightFor, narrowPx } from '../chart/view.ts';
import { shownChart } from '../run/shown-chart.ts';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { activeIn, leavesOf } from './state-value.ts';
import type { Inspection } from './use-inspection.ts';

const lowest = 200;
/** Beside the frames, not instead of them. */
const highest = 620;
const plain: ShownState = { stage: null, note: null, timer: null };

/** The steps of the run up to a place, as the chart lights them; places of its snapshots. */
const takenUpTo = ({ frames }: Inspection, places: readonly number[], chosen: number): Taken[] => {
  let from = '';
  return places.flatMap((place) => {
    const frame = frames[place];
    if (!frame?.value || place > chosen) return [];
    const to = leavesOf(frame.value).join(' ');
    const taken = { from, to, event: { type: frame.event ?? '' } };
    from = to;
    return taken.from === '' ? [] : [taken];
  });
};

/** The stage that a snapshot of the run stands in. */
const stageAt = (
  graph: ChartGraph | undefined,
  { frames }: Inspection,
  place: number,
): string | null => {
  const value = frames[place]?.value ?? null;
  const active = value === null ? null : activeIn(value);
  return (
    graph?.states.find(({ stage, path }) => stage !== null && active?.has(path))?.stage ?? null
  );
};

/** The next step that enters a state, seen from a place; after the last it begins again. */
const entryOf = (
  { frames }: Inspection,
  places: readonly number[],
  chosen: number,
  path: string,
): number | null => {
  const isIn = (place: number | undefined): boolean => {
    const value = place === undefined ? null : (frames[place]?.value ?? null);
    return value !== null && activeIn(value).has(path);
  };
  const entries = places.filter((place, index) => isIn(place) && !isIn(places[index - 1]));
  return entries.find((place) => place > chosen) ?? entries[0] ?? null;
};

/**
 * The run's chart as it stood at the chosen step. A state that is pressed leads to the step that
 * enters it, pressed again to the next one.
 */
export const LitChart = ({
  runId,
  inspection,
  isLive,
}: {
  runId: string;
  inspection: Inspection;
  isLive: boolean;
}) => {
  const { data: graph, error, refetch } = useChart({ run: runId });
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const { actors, chosen, upTo, choose } = inspection;
  const places = actors.find(({ depth }) => depth === 0)?.snapshots ?? [];
  const value = inspection.frames[places.findLast((place) => place <= upTo) ?? -1]?.value ?? null;
  const active = useMemo(() => (value === null ? new Set<string>() : activeIn(value)), [value]);
  const open = useMemo(() => {
    // Of a run that is over, the stage that it was in last.
    const stood = places.findLast((place) => place <= upTo && stageAt(graph, inspection, place));
    return stood === undefined ? null : stageAt(graph, inspection, stood);
  }, [graph, inspection.frames, places, upTo]);
  const { closed, layout } = useMemo(() => {
    if (!graph || width === 0) return { closed: new Set<string>(), layout: null };
    const flow = width < narrowPx ? 'down' : 'right';
    return shownChart(graph, { width, flow, stages: null, open });
  }, [graph, width, open]);
  const marks = useMemo((): Marks | null => {
    if (!graph) return null;
    return { ...marksOf(graph, takenUpTo(inspection, places, upTo), closed), active };
  }, [graph, inspection.frames, places, upTo, closed, active]);
  if (error && !graph) return <ProblemCard error={error} onRetry={() => void refetch()} />;
  const height = layout ? Math.min(highest, heightFor(layout, width)) : lowest;
  return (
    <div ref={frame} className="chart-frame" style={{ blockSize: `${height}px` }}>
      {graph && layout && marks && (
        <Chart
          layout={layout}
          marks={marks}
          isLive={isLive}
          factsOf={() => plain}
          focus={[...active].at(-1) ?? null}
          selected={null}
          onSelect={(path) => {
            const place = entryOf(inspection, places, chosen, path);
            if (place !== null) choose(place);
          }}
          caption="Statechart at the chosen step"
        />
      )}
    </div>
  );
};
