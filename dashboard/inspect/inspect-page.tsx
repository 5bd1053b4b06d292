import { useQuery } from '@tanstack/react-query';
import { Link, Route, Switch } from 'wouter';
import { useLive } from '../live/use-live.ts';
import { api } from '../service-api.ts';
import { Icon } from '../ui/icon.tsx';
import { Loading } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { StateMark } from '../ui/state-mark.tsx';
import { lookOfRun } from '../ui/state-words.ts';
import { At } from '../ui/time-text.tsx';
import { type RunFacts, usePipelines } from '../use-reads.ts';
import { InspectLive, InspectRun } from './inspect-run.tsx';
import '../run/run.css';
import './inspect.css';

/** What can be inspected: what runs, and what ran lately. */
export const InspectPage = () => (
  <Switch>
    <Route path="/inspect">
      <Choice />
    </Route>
    <Route path="/inspect/live">
      <InspectLive />
    </Route>
    <Route path="/inspect/:id">{({ id }) => <InspectRun key={id} id={id} />}</Route>
  </Switch>
);

const recent = 30;

type RunRow = Pick<RunFacts, 'run_id' | 'pipeline' | 'number' | 'state' | 'outcome' | 'created_at'>;

const Rows = ({ runs, titles }: { runs: readonly RunRow[]; titles: Map<string, string> }) => (
  <ul className="inspect-runs">
    {runs.map((run) => (
      <li key={run.run_id}>
        <Link href={`/inspect/${run.run_id}`}>
          {titles.get(run.pipeline) ?? run.pipeline} <span className="figure">{run.number}</span>
        </Link>
        <StateMark look={lookOfRun(run)} />
        <span className="muted">{run.created_at && <At iso={run.created_at} />}</span>
      </li>
    ))}
  </ul>
);

const Choice = () => {
  const stream = useLive((live) => live.stream);
  const { data: pipelines } = usePipelines();
  const { data, error, refetch } = useQuery({
    queryKey: ['runs', 'inspect'],
    queryFn: () => api.ask('GET /api/runs', { query: { limit: recent } }),
  });
  const titles = new Map(pipelines?.items.map(({ name, title }) => [name, title]));
  const live = Object.values(stream?.runs ?? {}).filter(({ ended_at }) => ended_at === null);
  const ended = (data?.items ?? []).filter(({ ended_at }) => ended_at !== null);
  return (
    <Page title="Inspector">
      <p className="lead inspect-lead">
        What the statechart of a run was told, what it judged and took, live or long after: each
        event, guard, microstep and snapshot, as XState saw it.
      </p>
      {error && <ProblemCard error={error} onRetry={() => void refetch()} />}
      <section className="inspect-list">
        <div className="section-head">
          <h2>Runs now</h2>
          <Link href="/inspect/live" className="button quiet small">
            All of them together <Icon name="right" size={14} />
          </Link>
        </div>
        {live.length > 0 ? (
          <Rows runs={live} titles={titles} />
        ) : (
          <p className="muted">Nothing runs. A run that starts appears here by itself.</p>
        )}
      </section>
      <section className="inspect-list">
        <div className="section-head">
          <h2>Ran lately</h2>
        </div>
        {!data && !error && <Loading what="the runs" />}
        {data && ended.length === 0 && <p className="muted">No run has ended yet.</p>}
        <Rows runs={ended} titles={titles} />
      </section>
    </Page>
  );
};
