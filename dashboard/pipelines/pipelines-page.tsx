import { Fragment } from 'react';
import { Link } from 'wouter';
import { shownRun } from '../../client/run-state.ts';
import { flowText } from '../../wire/beside.ts';
import { useDesk } from '../desk/desk.tsx';
import { useLive } from '../live/use-live.ts';
import { Icon } from '../ui/icon.tsx';
import { Loading } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { StateMark } from '../ui/state-mark.tsx';
import { lookOfRun } from '../ui/state-words.ts';
import { At } from '../ui/time-text.tsx';
import { Why } from '../ui/why.tsx';
import { type PipelineFacts, usePipelines } from '../use-reads.ts';

const Row = ({ facts }: { facts: PipelineFacts }) => {
  const { show } = useDesk();
  const run = useLive(({ stream }) => (stream ? shownRun(stream, facts.name) : null));
  const began = run?.started_at ?? run?.created_at;
  return (
    <li className="pipeline-row">
      <div>
        <h2>
          <Link href={`/pipelines/${facts.name}`}>{facts.title}</Link>
        </h2>
        <p className="muted">
          <code>{facts.name}</code>
          {facts.default && ' · started when no name is given'}
          {facts.labels.map((label) => (
            <Fragment key={label}>
              {' · '}
              <Link
                href={`/runs?label=${encodeURIComponent(label)}`}
                title={`Runs of all ${label}`}
              >
                {label}
              </Link>
            </Fragment>
          ))}
        </p>
      </div>
      <p className="pipeline-stages">{flowText(facts.stages)}</p>
      <p>
        <StateMark look={lookOfRun(run ?? { state: 'IDLE', outcome: null })} />
        {began && (
          <span className="muted">
            {run?.ended_at === null ? ' since ' : ' '}
            <At iso={began} as="relative" />
          </span>
        )}
      </p>
      <button
        type="button"
        className="button"
        aria-label={`Start ${facts.title}`}
        onClick={() => show({ kind: 'start', pipeline: facts.name })}
      >
        <Icon name="start" />
        Start
      </button>
    </li>
  );
};

/** Every pipeline that is loaded, and every file that is not. */
export const PipelinesPage = () => {
  const { data, error, refetch } = usePipelines();
  return (
    <Page title="Pipelines">
      {error && <ProblemCard error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading what="the pipelines" />}
      {data && data.problems.length > 0 && (
        <section className="file-problems" aria-labelledby="problems-title">
          <h2 id="problems-title">Invalid pipeline files</h2>
          <ul>
            {data.problems.map(({ file, line, pointer, detail, code }) => (
              <li key={`${file}${pointer}${detail}`}>
                <Icon name="warning" />
                <p>
                  <code>
                    {file}
                    {line !== null && `:${line}`}
                  </code>{' '}
                  <Why text={detail} />
                  <span className="muted">
                    {' '}
                    at <code>{pointer || '/'}</code>, <code>{code}</code>
                  </span>
                </p>
              </li>
            ))}
          </ul>
          <p className="muted">
            Mend the file and run <code>stagewright reload</code>; until then what it last said, if
            anything, stays in force. <code>stagewright validate</code> checks a file beforehand.
          </p>
        </section>
      )}
      <ul className="pipeline-rows">
        {data?.items.map((facts) => (
          <Row key={facts.name} facts={facts} />
        ))}
      </ul>
      {data?.items.length === 0 && (
        <div className="empty">
          <p>
            No pipeline is loaded. Put a file into <code>pipelines/</code> and run{' '}
            <code>stagewright reload</code>.
          </p>
        </div>
      )}
    </Page>
  );
};
