import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { JournalEvent } from '../../wire/events.ts';
import type { RunView } from '../../wire/patch.ts';
import { StateMark } from '../ui/state-mark.tsx';
import { lookOfRun, triggerWord } from '../ui/state-words.ts';
import { quantile } from '../ui/statistics.ts';
import { duration } from '../ui/time.ts';
import { At, Countdown, Elapsed } from '../ui/time-text.tsx';
import { useRecentRuns } from '../use-reads.ts';
import type { Timer } from './countdowns.ts';
import { localized } from './run-words.ts';

type Props = {
  runId: string;
  run: RunView;
  events: readonly JournalEvent[];
  timer: Timer | null;
  children: ReactNode;
};

const textOf = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null;
const usualOf = 20;

/** Who or what began the run, and why, as its first event says. */
const origin = (run: RunView, events: readonly JournalEvent[]) => {
  const accepted = events.find(({ event, stage }) => event === 'accepted' && stage === 'pipeline');
  return {
    word: triggerWord(run.trigger),
    by: textOf(accepted?.data.by),
    reason: textOf(accepted?.data.reason),
  };
};

const progressText = ({
  done,
  total,
  unit = '',
  note,
}: NonNullable<RunView['progress']>): string => {
  const count =
    done === undefined
      ? ''
      : total === undefined
        ? `${done} ${unit}`
        : `${done} of ${total} ${unit}`;
  return [count.trim(), note].filter(Boolean).join(', ');
};

/** How long runs of the pipeline that are done took; null while too few have. */
const useUsual = (pipeline: string, runId: string): number | null => {
  const { data: recent } = useRecentRuns(pipeline, usualOf);
  const done = (recent?.items ?? []).filter(
    ({ state, run_id }) => state === 'DONE' && run_id !== runId,
  );
  return done.length >= 3
    ? quantile(
        done.flatMap(({ duration_ms }) => duration_ms ?? []),
        0.5,
      )
    : null;
};

const Row = ({ name, children }: { name: string; children: ReactNode }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

/** How the run stands, in the order in which people ask. */
export const RunHead = ({ runId, run, events, timer, children }: Props) => {
  const usual = useUsual(run.pipeline, runId);
  const { word, by, reason } = origin(run, events);
  const [retryOf, from] = [textOf(run.metadata.retry_of), textOf(run.metadata.retry_from)];
  return (
    <div className="run-head">
      <div className="run-now">
        <p className="run-state">
          <StateMark look={lookOfRun(run)} size={22} />
          {timer?.kind === 'backoff' && (
            <span className="run-next">
              next attempt in <Countdown to={new Date(timer.to).toISOString()} over="a moment" />
            </span>
          )}
        </p>
        {/* Of a failure the card above says all there is. */}
        {run.state !== 'FAILED' && <p className="run-why">{localized(run.why)}</p>}
        <dl className="run-facts">
          <Row name="Started">
            {run.started_at ? <At iso={run.started_at} /> : 'not yet'}
            <span className="muted">
              {' '}
              {word}
              {by && ` (${by})`}
            </span>
          </Row>
          {run.started_at && (
            <Row name={run.ended_at ? 'Took' : 'Runs for'}>
              <Elapsed since={run.started_at} until={run.ended_at} />
              {usual !== null && <span className="muted"> usually {duration(usual)}</span>}
            </Row>
          )}
          {run.attempt !== null && run.attempt > 0 && run.stage !== null && (
            <Row name="Attempt">
              {run.attempt} of {run.max_attempts} <span className="muted">of {run.stage}</span>
            </Row>
          )}
          {timer?.kind === 'timeout' && (
            <Row name="Time limit">
              <Countdown to={new Date(timer.to).toISOString()} over="reached" />{' '}
              <span className="muted">left</span>
            </Row>
          )}
          {run.progress && <Row name="Progress">{progressText(run.progress)}</Row>}
          {retryOf && (
            <Row name="Goes on from">
              <Link href={`/runs/${retryOf}`}>an earlier run</Link>
              {from && <span className="muted"> at {from}</span>}
            </Row>
          )}
          {reason && <Row name="Reason given">{reason}</Row>}
        </dl>
      </div>
      {children}
    </div>
  );
};
