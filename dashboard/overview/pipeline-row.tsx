import { Link } from 'wouter';
import { shownRun } from '../../client/run-state.ts';
import type { RunView } from '../../wire/patch.ts';
import type { StageStatus } from '../../wire/status.ts';
import { firstOf, meantIn, wordsOf } from '../commands/command-words.ts';
import { useCommand } from '../commands/use-command.ts';
import { useDesk } from '../desk/desk.tsx';
import { useLive } from '../live/use-live.ts';
import { useOffline } from '../live/use-offline.ts';
import { Icon } from '../ui/icon.tsx';
import { StateGlyph } from '../ui/state-mark.tsx';
import { lookOfRun, triggerWord } from '../ui/state-words.ts';
import { fullTime, minuteTime } from '../ui/time.ts';
import { At, Countdown, Elapsed } from '../ui/time-text.tsx';
import { Why } from '../ui/why.tsx';
import { type PipelineFacts, useRecentRuns, useSchedules, useUpcoming } from '../use-reads.ts';
import { Barcode, barcodeRuns } from './barcode.tsx';
import { StageStrip } from './stage-strip.tsx';

const pendingStages = ({ stages }: PipelineFacts): StageStatus[] =>
  stages.map(({ name }) => ({
    name,
    state: 'pending',
    attempt: 0,
    max_attempts: 0,
    started_at: null,
    ended_at: null,
    duration_ms: null,
    heartbeat_at: null,
    outputs: {},
    metrics: {},
    reason: null,
  }));

/** The one thing to press: the first command that is possible, else Start. */
const RowCommand = ({ facts, run }: { facts: PipelineFacts; run: RunView | null }) => {
  const { show } = useDesk();
  const command = useCommand();
  const offline = useOffline();
  // Who stopped a run may want another one; going on from where it stood is on its own page.
  const first = run && run.state !== 'STOPPED' ? firstOf(run.allowed) : null;
  const type = run && first && meantIn(run.state, first);
  const off = { disabled: offline !== null, title: offline ?? undefined };
  if (run && type) {
    const { label, icon } = wordsOf(type);
    return (
      <button
        type="button"
        className="button"
        {...off}
        onClick={() => command(run, type)}
        aria-label={`${label} ${facts.title}`}
      >
        <Icon name={icon} />
        {label}
      </button>
    );
  }
  if (run && run.ended_at === null) return null;
  return (
    <button
      type="button"
      className="button"
      {...off}
      onClick={() => show({ kind: 'start', pipeline: facts.name })}
      aria-label={`Start ${facts.title}`}
    >
      <Icon name="start" />
      Start
    </button>
  );
};

const NextFire = ({ pipeline }: { pipeline: string }) => {
  const coming = useUpcoming().data?.items.find(
    (slot) => slot.pipeline === pipeline && slot.predicted !== 'left_out',
  );
  const schedules = useSchedules().data?.items;
  if (!schedules) return null;
  if (!coming)
    return (
      <p className="next muted">
        {schedules.some((one) => one.pipeline === pipeline) ? 'Nothing is due' : 'No schedule'}
      </p>
    );
  const at = Date.parse(coming.fires_at);
  return (
    <p className="next" title={coming.why ?? undefined}>
      <span className="muted">{coming.predicted === 'skip' ? 'Skips' : 'Next'}</span>{' '}
      <time dateTime={coming.fires_at} title={fullTime(at)}>
        {minuteTime(at)}
      </time>{' '}
      <span className="muted">in</span>{' '}
      <b>
        <Countdown to={coming.fires_at} over="a moment" />
      </b>
    </p>
  );
};

const Since = ({ run }: { run: RunView }) => (
  <>
    <Link href={`/runs/${run.run_id}`} className="row-run">
      Run {run.number}
    </Link>
    {run.ended_at === null ? (
      <>
        {run.started_at && (
          <>
            , for <Elapsed since={run.started_at} until={null} />
          </>
        )}
        {run.trigger && `, ${triggerWord(run.trigger)}`}
      </>
    ) : (
      <>
        , <At iso={run.ended_at} as="relative" />
      </>
    )}
  </>
);

/**
 * One pipeline: what it does now, what it did lately, when it is due, and the one thing to press.
 */
export const PipelineRow = ({ facts }: { facts: PipelineFacts }) => {
  const run = useLive(({ stream }) => (stream ? shownRun(stream, facts.name) : null));
  const retryAt = useLive(({ stream }) => {
    if (run?.state !== 'RETRYING') return null;
    const said = stream?.recent_events.findLast(
      ({ run_id, event }) => run_id === run.run_id && event === 'retrying',
    );
    const due = said?.data.due_at;
    return typeof due === 'number'
      ? new Date(due).toISOString()
      : typeof due === 'string'
        ? due
        : null;
  });
  const { data: recent } = useRecentRuns(facts.name, barcodeRuns);
  const look = run ? lookOfRun(run) : lookOfRun({ state: 'IDLE', outcome: null });
  const why =
    run?.state === 'FAILED' ? run.error?.message : run?.ended_at === null ? run.why : null;
  return (
    <li className="row" data-tone={look.tone}>
      <div className="row-name">
        <h2>
          <Link href={`/pipelines/${facts.name}`}>{facts.title}</Link>
        </h2>
        <p className="row-state state" data-tone={look.tone}>
          <StateGlyph look={look} size={20} />
          <span>{look.word}</span>
        </p>
        <p className="row-since muted">{run ? <Since run={run} /> : 'Nothing ran yet'}</p>
      </div>
      <div className="row-now">
        <StageStrip run={run} stages={run?.stages ?? pendingStages(facts)} retryAt={retryAt} />
        {why && (
          <p className="row-why muted">
            <Why text={why} />
          </p>
        )}
      </div>
      <div className="row-past">
        {recent && recent.items.length > 0 && (
          <Barcode pipeline={facts.name} runs={recent.items} title={facts.title} />
        )}
        <NextFire pipeline={facts.name} />
      </div>
      <div className="row-do">
        <RowCommand facts={facts} run={run} />
      </div>
    </li>
  );
};
