import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { api } from '../service-api.ts';
import { Loading } from '../ui/loading.tsx';
import { lookOfRun, plural } from '../ui/state-words.ts';
import { duration, moment } from '../ui/time.ts';
import { useSearchState } from '../ui/use-search.ts';
import { usePipelines } from '../use-reads.ts';
import { type Filters, queryOf } from './filters.ts';
import { type TrendPoint, trendOf } from './trend-data.ts';

const TrendPlot = lazy(() =>
  import('./trend-plot.tsx').then(({ TrendPlot }) => ({ default: TrendPlot })),
);
const mostRuns = 200;
const fewest = 2;

const dayText = (ms: number): string => {
  const at = new Date(ms);
  return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, '0')}-${String(at.getDate()).padStart(2, '0')}`;
};

const TrendTable = ({ points }: { points: TrendPoint[] }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
  <section className="scroll-x" aria-label="Durations" tabIndex={0}>
    <table className="table">
      <caption className="visually-hidden">
        Duration of each run, with the median and the 90th percentile of the twenty up to it
      </caption>
      <thead>
        <tr>
          <th scope="col">Run</th>
          <th scope="col">Result</th>
          <th scope="col">Started</th>
          <th scope="col">Duration</th>
          <th scope="col">Median</th>
          <th scope="col">p90</th>
        </tr>
      </thead>
      <tbody>
        {points.toReversed().map(({ run, at, seconds, median, p90 }) => (
          <tr key={run.run_id}>
            <th scope="row">
              <Link href={`/runs/${run.run_id}`}>{run.number}</Link>
            </th>
            <td>{lookOfRun(run).word}</td>
            <td>{moment(at, Date.now())}</td>
            <td>{duration(seconds * 1000)}</td>
            <td>{duration(median * 1000)}</td>
            <td>{duration(p90 * 1000)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);

/**
 * How long the runs of one pipeline took, and whether that changes. Of several at once it would say
 * nothing.
 */
export const Trend = ({ filters }: { filters: Filters }) => {
  const [search, setSearch] = useSearchState();
  const [, navigate] = useLocation();
  const pipelines = usePipelines().data?.items ?? [];
  const pipeline = filters.pipeline || (pipelines.length === 1 ? pipelines[0]?.name : undefined);
  const query = { ...queryOf(filters), pipeline: pipeline ?? null, limit: mostRuns };
  const { data } = useQuery({
    queryKey: ['runs', 'trend', query],
    queryFn: () => api.ask('GET /api/runs', { query }),
    enabled: pipeline !== undefined,
  });
  const points = useMemo(() => trendOf(data?.items ?? []), [data]);
  const [at, setAt] = useState<TrendPoint | null>(null);
  const isTable = search.get('view') === 'table';
  if (pipeline === undefined || (data && points.length < fewest)) return null;
  const last = points.at(-1);
  const said = at
    ? `Run ${at.run.number}: ${lookOfRun(at.run).word.toLowerCase()}, ${duration(at.seconds * 1000)}, ${moment(at.at, Date.now())}`
    : last
      ? `${plural(points.length, 'run')} · median ${duration(last.median * 1000)} · p90 ${duration(last.p90 * 1000)}`
      : '';
  return (
    <section className="trend" aria-labelledby="trend-title">
      <header className="section-head">
        <h2 id="trend-title">Duration</h2>
        <p className="muted figure">{said}</p>
        <fieldset className="segments">
          <legend className="visually-hidden">Show as</legend>
          {(['plot', 'table'] as const).map((view) => (
            <label key={view}>
              <input
                type="radio"
                name="view"
                checked={isTable === (view === 'table')}
                onChange={() => setSearch({ view: view === 'table' ? view : null })}
              />
              <span>{view === 'plot' ? 'Plot' : 'Table'}</span>
            </label>
          ))}
        </fieldset>
      </header>
      {isTable ? (
        <TrendTable points={points} />
      ) : (
        <>
          <Suspense fallback={<div className="trend-plot" />}>
            {data ? (
              <TrendPlot
                points={points}
                onPoint={setAt}
                onOpen={({ run }) => navigate(`/runs/${run.run_id}`)}
                onRange={(from, to) => setSearch({ from: dayText(from), to: dayText(to) })}
              />
            ) : (
              <Loading what="the durations" />
            )}
          </Suspense>
          <p className="trend-legend">
            <span data-line="median">median of 20</span>
            <span data-line="p90">p90</span>
            <span>● done ○ nothing new ✕ failed ■ stopped</span>
          </p>
        </>
      )}
    </section>
  );
};
