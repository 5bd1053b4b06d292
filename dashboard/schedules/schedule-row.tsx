import { Link } from 'wouter';
import { useDesk } from '../desk/desk.tsx';
import { useOffline } from '../live/use-offline.ts';
import { api, queries } from '../service-api.ts';
import { Icon } from '../ui/icon.tsx';
import { At, Countdown } from '../ui/time-text.tsx';
import { Why } from '../ui/why.tsx';
import { ZonedTime } from '../ui/zoned-time.tsx';
import { type Coming, type Schedule, usePipelines } from '../use-reads.ts';
import { useCronWords } from './cron-words.ts';
import { predictionWord } from './schedule-words.ts';
import { Decisions } from './slot-decisions.tsx';
import { everyInWords, everyText, momentsInWords, writtenOf } from './slot-times.ts';

const shownSlots = 3;

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

/**
 * When it is due in words, and beside them as it is written; only the latter where there are no
 * words, and no list of times twice.
 */
const When = ({ schedule }: { schedule: Schedule }) => {
  const { cron, every_ms, at } = schedule;
  const cronWords = useCronWords(cron);
  const words =
    cronWords ?? (every_ms === null ? momentsInWords(at ?? []) : everyInWords(everyText(every_ms)));
  return (
    <p className="when">
      {words !== null && <span>{words} </span>}
      {(words === null || at === null) && <code className="cron">{writtenOf(schedule)}</code>}
    </p>
  );
};

type Due = Pick<Coming, 'slot' | 'fires_at' | 'why'> & { predicted: string };
const Next = ({ coming, zone }: { coming: readonly Due[]; zone: string }) => (
  <ol className="coming">
    {coming.slice(0, shownSlots).map(({ slot, fires_at, predicted, why }, index) => (
      <li key={slot}>
        <ZonedTime iso={fires_at} zone={zone} />
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
                : <Why text={why} zone={zone} />
              </>
            )}
          </span>
        )}
      </li>
    ))}
  </ol>
);

type Props = {
  schedule: Schedule;
  coming: readonly Coming[];
  onEdit: () => void;
  onBackfill: () => void;
};
/** One schedule: when it is due, what became of it lately, and whether it is on. */
export const ScheduleRow = ({ schedule, coming, onEdit, onBackfill }: Props) => {
  const { id, pipeline, timezone, source, problem, lint, overrides, enabled, created } = schedule;
  const title = usePipelines().data?.items.find(({ name }) => name === pipeline)?.title ?? pipeline;
  // The list of all has room for so many; what is due after those is not predicted.
  const next =
    coming.length > 0
      ? coming
      : schedule.next_slots.map((slot) => ({
          slot,
          fires_at: slot,
          predicted: 'start',
          why: null,
        }));
  return (
    <li className="schedule-row">
      <div>
        <h2>
          <Link href={`/pipelines/${pipeline}`}>{title}</Link>
        </h2>
        <When schedule={schedule} />
        <p className="muted">
          {timezone} · <code>{id}</code> ·{' '}
          {source === 'file' ? 'in its file' : `made by ${created.by}`}
          {overrides.length > 0 && `, ${overrides.map(({ field }) => field).join(', ')} changed`}
        </p>
      </div>
      <div>
        {problem && <p className="field-error">{problem}</p>}
        {lint.map(({ code, detail, advice }) => (
          <p key={code} className="field-error">
            <Why text={detail} zone={timezone} />; {advice}
          </p>
        ))}
        {next.length === 0 && (
          <p className="muted">{enabled ? 'Nothing is due.' : 'Nothing is due while it is off.'}</p>
        )}
        <Next coming={next} zone={timezone} />
      </div>
      <div>
        <Decisions schedule={schedule} />
        <button
          type="button"
          className="button quiet align-start"
          aria-label={`Backfill schedule ${id}`}
          onClick={onBackfill}
        >
          <Icon name="retry" />
          Backfill…
        </button>
      </div>
      <Enabled schedule={schedule} />
      <button
        type="button"
        className="button"
        aria-label={`Change schedule ${id}`}
        onClick={onEdit}
      >
        <Icon name="schedules" />
        Change
      </button>
    </li>
  );
};
