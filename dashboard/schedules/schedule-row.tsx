import { Link } from 'wouter';
import { api, queries } from '../api.ts';
import { useOffline } from '../live/use-offline.ts';
import { type Coming, type Schedule, usePipelines } from '../reads.ts';
import { useDesk } from '../shell/desk.tsx';
import { Icon } from '../ui/icon.tsx';
import { StateGlyph } from '../ui/state-mark.tsx';
import { fullTime, moment } from '../ui/time.ts';
import { At, Countdown } from '../ui/times.tsx';
import { Why } from '../ui/why.tsx';
import { lookOfDecision, predictionWord, whenOf } from './words.ts';

const shownSlots = 3;
const shownDecisions = 10;

const Enabled = ({ schedule }: { schedule: Schedule }) => {
  const { say } = useDesk();
  const offline = useOffline();
  const { id, enabled, enabled_set: set } = schedule;
  const turn = (): void => {
    api
      .ask('PATCH /api/schedules/{id}', { path: { id }, body: { enabled: !enabled } })
      .then(() => queries.invalidateQueries({ queryKey: ['schedules'] }))
      .catch((error: unknown) => say({ tone: 'bad', title: id, error }));
  };
  return (
    <div className="schedule-switch">
      <button
        type="button"
        role="switch"
        aria-checked={enabled}
        aria-label={`Schedule ${id}`}
        className="switch"
        disabled={offline !== null}
        title={offline ?? undefined}
        onClick={turn}
      >
        <span aria-hidden="true" />
        {enabled ? 'On' : 'Off'}
      </button>
      {set && (
        <p className="muted">
          by {set.by}, <At iso={set.at} as="relative" />
        </p>
      )}
    </div>
  );
};

/** What became of the last slots, oldest left; the words say why. */
const Decisions = ({ last }: { last: Schedule['last'] }) => {
  const shown = last.slice(0, shownDecisions).reverse();
  const worst = last[0];
  if (!worst) return <p className="muted">No slot was due yet.</p>;
  return (
    <>
      <ul className="decisions" aria-label="What became of the last slots">
        {shown.map(({ slot, decision, reason, run_id, run_number }) => {
          const look = lookOfDecision(decision);
          const text = `${moment(Date.parse(slot), Date.now())}: ${look.word}${run_number === null ? '' : `, run ${run_number}`}${reason ? `, ${reason}` : ''}`;
          const glyph = <StateGlyph look={look} />;
          return (
            <li key={slot} title={text}>
              {run_id === null ? glyph : <Link href={`/runs/${run_id}`}>{glyph}</Link>}
              <span className="visually-hidden">{text}</span>
            </li>
          );
        })}
      </ul>
      <p className="muted">
        Last: {lookOfDecision(worst.decision).word}
        {worst.reason && (
          <>
            , <Why text={worst.reason} />
          </>
        )}
      </p>
    </>
  );
};

/** One schedule: when it is due, what became of it lately, and whether it is on. */
export const ScheduleRow = ({ schedule, coming, onEdit }: { schedule: Schedule; coming: readonly Coming[]; onEdit: () => void }) => {
  const { id, pipeline, timezone, source, problem, overrides } = schedule;
  const title = usePipelines().data?.items.find(({ name }) => name === pipeline)?.title ?? pipeline;
  return (
    <li className="schedule-row">
      <div>
        <h2>
          <Link href={`/pipelines/${pipeline}`}>{title}</Link>
        </h2>
        <p>
          <code className="cron">{whenOf(schedule)}</code>
        </p>
        <p className="muted">
          {timezone} · <code>{id}</code> · {source === 'file' ? 'in its file' : 'made by the API'}
          {overrides.length > 0 && `, ${overrides.map(({ field }) => field).join(', ')} changed`}
        </p>
      </div>
      <div>
        {problem && <p className="field-error">{problem}</p>}
        {coming.length === 0 && <p className="muted">Nothing is due.</p>}
        <ol className="coming">
          {coming.slice(0, shownSlots).map(({ slot, fires_at, predicted, why }, index) => (
            <li key={slot}>
              <time dateTime={fires_at} title={fullTime(Date.parse(fires_at))} className="figure">
                {moment(Date.parse(fires_at), Date.now())}
              </time>
              {index === 0 && (
                <span className="muted">
                  in{' '}
                  <b>
                    <Countdown to={fires_at} over="a moment" />
                  </b>
                </span>
              )}
              {predicted !== 'start' && (
                <span className="muted">
                  {predictionWord(predicted)}
                  {why && (
                    <>
                      : <Why text={why} />
                    </>
                  )}
                </span>
              )}
            </li>
          ))}
        </ol>
      </div>
      <div>
        <Decisions last={schedule.last} />
      </div>
      <Enabled schedule={schedule} />
      <button type="button" className="button" aria-label={`Change schedule ${id}`} onClick={onEdit} disabled={schedule.cron === null}>
        <Icon name="schedules" />
        Change
      </button>
    </li>
  );
};
