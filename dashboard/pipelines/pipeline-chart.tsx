import { useMemo, useRef, useState } from 'react';
import { Link } from 'wouter';
import { collapse } from '../../drawing/collapse.ts';
import type { ChartGraph } from '../../drawing/graph.ts';
import { layoutChart } from '../../drawing/layout.ts';
import { Chart } from '../chart/chart.tsx';
import { marksOf } from '../chart/marks.ts';
import { ChartTwin } from '../chart/twin.tsx';
import { useChart } from '../chart/use-chart.ts';
import { useWidth } from '../chart/use-width.ts';
import { heightFor, narrowPx } from '../chart/view.ts';
import { Icon } from '../ui/icon.tsx';
import { Loading } from '../ui/loading.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import './pipeline-chart.css';

/** Smaller than this nothing can be read: then the stages are drawn closed. */
const openScale = 0.8;
const lowest = 260;
const formats = ['svg', 'mermaid', 'scxml', 'xstate'] as const;
const nothing = { stage: null, note: null, timer: null };

/** All stages, or none where they do not fit; `isOpen` = what the reader asked for. */
const useDrawing = (graph: ChartGraph | undefined, width: number, isOpen: boolean | null) =>
  useMemo(() => {
    if (!graph || width === 0) return null;
    const flow = width < narrowPx ? 'down' : 'right';
    const whole = layoutChart(graph, flow);
    const isAll = isOpen ?? whole.width * openScale <= width;
    const closed = new Set(
      isAll ? [] : graph.states.flatMap(({ path, stage }) => (stage === null ? [] : [path])),
    );
    return {
      isAll,
      layout: isAll ? whole : layoutChart(collapse(graph, closed), flow),
      marks: { ...marksOf(graph, [], closed), active: new Set<string>() },
    };
  }, [graph, width, isOpen]);

/**
 * The lifecycle of a pipeline's runs before any of them: nothing is lit, every way can be followed.
 */
export const PipelineChart = ({ name, title }: { name: string; title: string }) => {
  const { data: graph, error, refetch } = useChart({ pipeline: name });
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const [selected, setSelected] = useState<string | null>(null);
  const [isOpen, setOpen] = useState<boolean | null>(null);
  const [isTold, setTold] = useState(false);
  const drawn = useDrawing(graph, width, isOpen);
  if (error && !graph) return <ProblemCard error={error} onRetry={() => void refetch()} />;
  const height = drawn ? heightFor(drawn.layout, width) : lowest;
  return (
    <section aria-labelledby="chart-title" className="section">
      <header className="section-head">
        <h2 id="chart-title">Statechart</h2>
        <div className="chart-links">
          {formats.map((format) => (
            <a key={format} href={`/api/pipelines/${name}/chart?format=${format}`}>
              {format}
            </a>
          ))}
          <button
            type="button"
            className="button quiet"
            aria-pressed={isTold}
            onClick={() => setTold(!isTold)}
          >
            In words
          </button>
          <button type="button" className="button quiet" onClick={() => setOpen(!drawn?.isAll)}>
            <Icon name="unfold" />
            {drawn?.isAll ? 'Close the stages' : 'Open all stages'}
          </button>
          <Link href={`/pipelines/${name}/what-if`} className="button quiet">
            <Icon name="whatif" />
            What if…
          </Link>
        </div>
      </header>
      <div ref={frame} className="chart-frame" style={{ blockSize: `${height}px` }}>
        {drawn ? (
          <Chart
            layout={drawn.layout}
            marks={drawn.marks}
            selected={selected}
            factsOf={() => nothing}
            focus={null}
            isLive={false}
            onSelect={(path) => setSelected(path === selected ? null : path)}
            caption={`Statechart of ${title}`}
          />
        ) : (
          <Loading what="the chart" />
        )}
      </div>
      {graph && drawn && (
        <div className={isTold ? '' : 'visually-hidden'}>
          <h3 className="visually-hidden">The statechart in words</h3>
          <ChartTwin graph={graph} marks={drawn.marks} />
        </div>
      )}
    </section>
  );
};
