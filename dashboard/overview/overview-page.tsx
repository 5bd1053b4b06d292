import { shownRun } from '../../client/run-state.ts';
import { useLive } from '../live/use-live.ts';
import { Loading } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { plural } from '../ui/state-words.ts';
import { type PipelineFacts, usePipelines } from '../use-reads.ts';
import { Attention } from './attention.tsx';
import { FirstSteps } from './first-steps.tsx';
import { PipelineRow } from './pipeline-row.tsx';
import { Ruler } from './ruler.tsx';

/** The state of everything in one line, readable from across the room. */
const useHeadline = (pipelines: readonly PipelineFacts[]): string => {
  const stream = useLive((live) => live.stream);
  if (!stream) return 'Overview';
  const runs = pipelines.flatMap(({ name }) => shownRun(stream, name) ?? []);
  const working = runs.filter(({ ended_at }) => ended_at === null).length;
  const failed = runs.filter(({ state }) => state === 'FAILED').length;
  if (pipelines.length === 0) return 'No pipeline yet';
  if (runs.length === 0) return 'Ready for a first run';
  const of = pipelines.length > 1 ? ` of ${pipelines.length}` : '';
  const parts = [
    working > 0 ? `${working}${of} running` : null,
    failed > 0 ? `${failed}${working > 0 ? '' : of} failed` : null,
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(', ') : `All quiet, ${plural(pipelines.length, 'pipeline')}`;
};

/** Every pipeline at a glance: now, lately, next. */
export const Overview = () => {
  const { data, error, refetch } = usePipelines();
  const pipelines = data?.items ?? [];
  const headline = useHeadline(pipelines);
  const ran = useLive(
    ({ stream }) =>
      stream !== null &&
      (Object.keys(stream.runs).length > 0 || Object.keys(stream.resets).length > 0),
  );
  const isNew = data !== undefined && !ran;
  return (
    <Page title="Overview" heading={headline}>
      {error && <ProblemCard error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading what="the pipelines" />}
      {data && <Attention pipelines={pipelines} problems={data.problems} />}
      {isNew && <FirstSteps pipelines={pipelines} />}
      <ul className="rows">
        {pipelines.map((facts) => (
          <PipelineRow key={facts.name} facts={facts} />
        ))}
      </ul>
      {pipelines.length > 0 && !isNew && <Ruler pipelines={pipelines} />}
    </Page>
  );
};
