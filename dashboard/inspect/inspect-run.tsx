import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Link } from 'wouter';
import { Refused } from '../../client/api.ts';
import { useLive } from '../live/use-live.ts';
import { api } from '../service-api.ts';
import { Icon } from '../ui/icon.tsx';
import { Loading } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { StateMark } from '../ui/state-mark.tsx';
import { lookOfRun } from '../ui/state-words.ts';
import { ActorList } from './actor-list.tsx';
import { FeedState } from './feed-state.tsx';
import { FrameList } from './frame-list.tsx';
import '../run/run.css';
import './inspect.css';
import { InspectTools } from './inspect-tools.tsx';
import { LitChart } from './lit-chart.tsx';
import { PlaybackBar } from './playback-bar.tsx';
import { SequenceDiagram } from './sequence-diagram.tsx';
import { OpenInStately } from './stately-dialog.tsx';
import { StepSide } from './step-side.tsx';
import { type ChangeView, type InspectView, useInspectView } from './use-inspect-view.ts';
import { type Inspection, useInspection } from './use-inspection.ts';

const NoRun = ({ error }: { error: unknown }) => {
  const isUnknown = error instanceof Refused && error.problem.status < 500;
  return (
    <Page title={isUnknown ? 'Run not found' : 'This run could not be loaded'}>
      <ProblemCard error={error} />
      <p>
        <Link href="/inspect">All that can be inspected</Link> · <Link href="/runs">All runs</Link>
      </p>
    </Page>
  );
};

/** A run as it is now: what the stream knows is never older than what REST said. */
const useShownRun = (id: string) => {
  const { data, error } = useQuery({
    queryKey: ['run', id],
    queryFn: () => api.ask('GET /api/runs/{id}', { path: { id } }),
  });
  const live = useLive(({ stream }) => stream?.runs[id]);
  return { run: live && live.version >= (data?.version ?? 0) ? live : data, error };
};

/** The chart asked about its future, from the chosen step on. */
const WhatIfLink = ({ id, inspection }: { id: string; inspection: Inspection }) => {
  const { frames, upTo, isFollowing } = inspection;
  const version = frames[upTo]?.version ?? null;
  const query = isFollowing || version === null || version === 0 ? '' : `?version=${version}`;
  return (
    <Link href={`/runs/${id}/what-if${query}`} className="button quiet">
      <Icon name="whatif" />
      What if…
    </Link>
  );
};

/** One run in the inspector. */
export const InspectRun = ({ id }: { id: string }) => {
  const { run, error } = useShownRun(id);
  const [view, onView] = useInspectView();
  const inspection = useInspection(id, view);
  if (!run && error) return <NoRun error={error} />;
  if (!run) return <Loading what="the run" />;
  const isLive = run.ended_at === null;
  return (
    <Page
      title={`Inspector · ${run.pipeline} run ${run.number}`}
      heading={
        <>
          {run.pipeline} <span className="muted">run {run.number}, inspected</span>
        </>
      }
      aside={
        <>
          <StateMark look={lookOfRun(run)} />
          {inspection.feed && <FeedState feed={inspection.feed} onRetry={inspection.retry} />}
          <span className="inspect-actions">
            <OpenInStately frames={inspection.frames} />
            <WhatIfLink id={id} inspection={inspection} />
            <Link href={`/runs/${id}`} className="button">
              Run page
            </Link>
          </span>
        </>
      }
    >
      <Frames inspection={inspection} view={view} onView={onView}>
        <LitChart runId={id} inspection={inspection} isLive={isLive && inspection.isFollowing} />
      </Frames>
    </Page>
  );
};

/** All that runs now, and what other programs send. */
export const InspectLive = () => {
  const [view, onView] = useInspectView();
  const inspection = useInspection(null, view);
  return (
    <Page
      title="Inspector · all that runs"
      heading="All that runs, inspected"
      aside={inspection.feed && <FeedState feed={inspection.feed} onRetry={inspection.retry} />}
    >
      <Frames inspection={inspection} view={view} onView={onView} />
    </Page>
  );
};

type FramesProps = {
  inspection: Inspection;
  view: InspectView;
  onView: ChangeView;
  children?: ReactNode;
};

const Frames = ({ inspection, view, onView, children }: FramesProps) => {
  const { feed, frames, places } = inspection;
  const [isChartShown, setChartShown] = useState(true);
  const { connection } = feed ?? {};
  if (connection?.state === 'refused')
    return (
      <p className="outlook" data-tone="wait" role="alert">
        <Icon name="warning" />
        The service refused the feed: {connection.reason || `code ${connection.code}`}.
      </p>
    );
  if (frames.length === 0)
    return (
      <p className="inspect-none muted" role="status">
        {connection?.state === 'live'
          ? 'Nothing was told yet. The first frame is shown as soon as it comes.'
          : 'Reading the frames…'}
      </p>
    );
  return (
    <div className="inspect" data-chart={isChartShown}>
      {isChartShown && (
        <div className="inspect-top" data-alone={children === undefined || undefined}>
          {children}
          <ActorList
            inspection={inspection}
            shown={view.actor}
            onShow={(actor) => onView({ actor })}
          />
        </div>
      )}
      <PlaybackBar inspection={inspection}>
        <button
          type="button"
          className="button quiet small"
          aria-expanded={isChartShown}
          onClick={() => setChartShown(!isChartShown)}
        >
          {isChartShown ? 'More room' : 'Chart and actors'}
        </button>
      </PlaybackBar>
      <InspectTools inspection={inspection} view={view} onView={onView} />
      <div className="inspect-columns">
        <section className="inspect-frames" aria-label="Frames">
          {places.length === 0 ? (
            <p className="inspect-none muted">No frame matches the filter.</p>
          ) : view.form === 'list' ? (
            <FrameList inspection={inspection} />
          ) : (
            <SequenceDiagram inspection={inspection} />
          )}
        </section>
        <StepSide inspection={inspection} view={view} onView={onView} />
      </div>
    </div>
  );
};
