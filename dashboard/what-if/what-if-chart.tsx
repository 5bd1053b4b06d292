import { useMemo, useRef } from 'react';
import { Chart } from '../chart/chart.tsx';
import { type Marks, marksOf } from '../chart/marks.ts';
import { type ChartOf, useChart } from '../chart/use-chart.ts';
import { useWidth } from '../chart/use-width.ts';
import { heightFor, narrowPx } from '../chart/view.ts';
import { shownChart } from '../run/shown-chart.ts';
import { ProblemCard } from '../ui/problem-notice.tsx';
import type { WhatIf } from './use-what-if.ts';

const lowest = 260;
const plain = { stage: null, note: null, timer: null };
const partsOf = (paths: string): Set<string> =>
  new Set(
    paths.split(' ').flatMap((path) => {
      const parts = path.split('.');
      return parts.map((_, index) => parts.slice(0, index + 1).join('.'));
    }),
  );

/**
 * The chart as it would stand. What an event that is looked at would lead to is ringed; a state that
 * is pressed is one that somebody wants to come to.
 */
export const WhatIfChart = ({
  of,
  data,
  looked,
  onSelect,
  onWay,
}: {
  of: ChartOf;
  data: WhatIf;
  looked: string | null;
  onSelect: (path: string) => void;
  /** What stands on lines that leave where it stands was pressed: the states that they lead to. */
  onWay: (to: readonly string[]) => void;
}) => {
  const { data: graph, error, refetch } = useChart(of);
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const { steps } = data;
  const at = data.now.path;
  const active = useMemo(() => partsOf(at), [at]);
  const open = useMemo(() => {
    const stageOf = (paths: string): string | null => {
      const inside = partsOf(paths);
      return (
        graph?.states.find(({ stage, path }) => stage !== null && inside.has(path))?.stage ?? null
      );
    };
    // What is over stays open at the stage that it came from.
    return [at, ...steps.map(({ from }) => from).toReversed()].flatMap(
      (path) => stageOf(path) ?? [],
    )[0];
  }, [graph, at, steps]);
  const { closed, layout } = useMemo(() => {
    if (!graph || width === 0) return { closed: new Set<string>(), layout: null };
    const flow = width < narrowPx ? 'down' : 'right';
    return shownChart(graph, { width, flow, stages: null, open: open ?? null });
  }, [graph, width, open]);
  const marks = useMemo((): Marks | null => {
    if (!graph) return null;
    const taken = steps
      .filter(({ verdict }) => verdict === 'accepted')
      .map(({ from, to }) => ({ from, to, event: { type: '' } }));
    return { ...marksOf(graph, taken, closed), active };
  }, [graph, steps, closed, active]);
  if (error && !graph) return <ProblemCard error={error} onRetry={() => void refetch()} />;
  const height = layout ? heightFor(layout, width) : lowest;
  return (
    <div ref={frame} className="chart-frame" style={{ blockSize: `${height}px` }}>
      {graph && layout && marks && (
        <Chart
          layout={layout}
          marks={marks}
          isLive={true}
          factsOf={() => plain}
          focus={looked ?? [...active].at(-1) ?? null}
          selected={looked}
          onSelect={onSelect}
          onLabel={(lines) =>
            onWay(
              lines.flatMap((line) => {
                const [from = '', to = ''] = line.split('→');
                return from === '' || active.has(from) ? [to] : [];
              }),
            )
          }
          caption="Statechart as it would stand"
        />
      )}
    </div>
  );
};
