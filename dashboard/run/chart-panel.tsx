import { useMemo, useRef, useState } from 'react';
import type { ChartGraph } from '../../drawing/graph.ts';
import { stageNow } from '../../wire/beside.ts';
import type { RunView } from '../../wire/patch.ts';
import { Chart } from '../chart/chart.tsx';
import { type Marks, marksOf, type Transition } from '../chart/marks.ts';
import { ChartTwin } from '../chart/twin.tsx';
import { useChart } from '../chart/use-chart.ts';
import { useWidth } from '../chart/use-width.ts';
import { heightFor, narrowPx } from '../chart/view.ts';
import { useNow } from '../live/use-live.ts';
import { Icon } from '../ui/icon.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import type { Timer } from './countdowns.ts';
import { Scrubber } from './scrubber.tsx';
import { shownChart } from './shown-chart.ts';
import { stateFacts } from './state-facts.ts';
import type { Change, View } from './use-view.ts';

type Props = {
  runId: string;
  run: RunView;
  ledger: readonly Transition[];
  timers: readonly Timer[];
  view: View;
  onView: (change: Change) => void;
};

const lowest = 260;

/** The stage that a state is, or is in. */
const stageAt = (graph: ChartGraph | undefined, path: string): string | null | undefined =>
  graph?.states.find((state) => state.path === path && state.stage !== null)?.stage ??
  graph?.states.find((state) => path.startsWith(`${state.path}.`) && state.stage !== null)?.stage;

/** The stage that is drawn open when not all are. `last` = where the last step that is looked at led. */
const openStage = (
  graph: ChartGraph | undefined,
  run: RunView,
  view: Props['view'],
  last: string | undefined,
): string | null => {
  const eventful = run.stages.find(({ attempt }) => attempt > 1)?.name ?? null;
  // Where an earlier step left the run is what is looked at then.
  const then = view.n === null ? undefined : last;
  const stageThen =
    then === undefined
      ? null
      : (graph?.states.find(({ stage, path }) => stage !== null && then.startsWith(`${path}.`))
          ?.stage ?? null);
  return (
    stageThen ??
    view.stage ??
    run.error?.stage ??
    (run.ended_at === null ? stageNow(run) : eventful)
  );
};

const focusOf = (
  graph: ChartGraph | undefined,
  marks: Pick<Marks, 'active'> | null,
  open: string | null,
): string | null => {
  // The stage that it is about is seen whole; without one, the state.
  return (
    graph?.states.find(
      ({ stage, path }) => stage !== null && (open === stage || marks?.active.has(path)),
    )?.path ??
    [...(marks?.active ?? [])].at(-1) ??
    null
  );
};

type ToolsProps = Pick<Props, 'onView'> & {
  flow: 'down' | 'right';
  isTold: boolean;
  /** Whether stages are closed; null where there is only one. */
  isFew: boolean | null;
  onTold: (isTold: boolean) => void;
};

const Tools = ({ flow, isTold, isFew, onTold, onView }: ToolsProps) => (
  <div className="pane-tools">
    <button
      type="button"
      className="button quiet small"
      aria-pressed={isTold}
      onClick={() => onTold(!isTold)}
    >
      In words
    </button>
    <button
      type="button"
      className="button quiet small"
      onClick={() => onView({ flow: flow === 'right' ? 'down' : 'right' })}
    >
      <Icon name="turn" /> {flow === 'right' ? 'Upright' : 'Lengthwise'}
    </button>
    {isFew !== null && (
      <button
        type="button"
        className="button quiet small"
        onClick={() => onView({ stages: isFew ? 'all' : 'few' })}
      >
        <Icon name="unfold" /> {isFew ? 'Open all stages' : 'Close other stages'}
      </button>
    )}
  </div>
);

/**
 * The chart that the run was started with: where it stands, how it came there, and what it waits
 * for.
 */
export const ChartPanel = ({ runId, run, ledger, timers, view, onView }: Props) => {
  const { data: graph, error, refetch } = useChart({ run: runId });
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const isLive = run.ended_at === null && view.n === null;
  const now = useNow(isLive && timers.length > 0);
  const [isTold, setTold] = useState(false);

  const accepted = useMemo(() => ledger.filter(({ verdict }) => verdict === 'accepted'), [ledger]);
  const past = useMemo(
    () => (view.n === null ? accepted : accepted.filter(({ n }) => n <= (view.n as number))),
    [accepted, view.n],
  );
  const open = openStage(graph, run, view, past.at(-1)?.to);
  const flow = view.flow ?? (width > 0 && width < narrowPx ? 'down' : 'right');
  const { closed, layout } = useMemo(() => {
    if (!graph || width === 0) return { closed: new Set<string>(), layout: null };
    return shownChart(graph, { width, flow, stages: view.stages, open });
  }, [graph, flow, width, view.stages, open]);
  const marks = useMemo(() => (graph ? marksOf(graph, past, closed) : null), [graph, past, closed]);

  if (error && !graph) return <ProblemCard error={error} onRetry={() => void refetch()} />;
  const select = (path: string): void => {
    const stage = stageAt(graph, path);
    if (view.path === path) onView({ path: null });
    else
      onView({
        path,
        ...(stage && stage !== view.stage && { stage, attempt: null, stream: null }),
      });
  };
  const here = focusOf(graph, marks, open);
  const isFew = closed.size > 0;
  return (
    <section className="pane" id="chart" aria-labelledby="chart-title">
      <header className="pane-head">
        <h2 id="chart-title" tabIndex={-1}>
          Statechart
        </h2>
        <Tools
          flow={flow}
          isTold={isTold}
          isFew={run.stages.length > 1 ? isFew : null}
          onTold={setTold}
          onView={onView}
        />
      </header>
      <div
        ref={frame}
        className="chart-frame"
        style={{ blockSize: `${layout ? heightFor(layout, width) : lowest}px` }}
      >
        {graph && layout && marks && (
          <Chart
            layout={layout}
            marks={marks}
            isLive={isLive}
            factsOf={(box) =>
              stateFacts({ graph, run, marks, timers, now, isPast: view.n !== null }, box)
            }
            focus={here}
            selected={view.path}
            onSelect={select}
            caption={`Statechart of ${run.pipeline}, run ${run.number}`}
          />
        )}
      </div>
      {accepted.length > 1 && (
        <Scrubber rows={accepted} n={view.n} isLive={run.ended_at === null} onView={onView} />
      )}
      {graph && marks && (
        <div className={isTold ? '' : 'visually-hidden'}>
          <h3 className="visually-hidden">The statechart in words</h3>
          <ChartTwin graph={graph} marks={marks} />
        </div>
      )}
    </section>
  );
};
