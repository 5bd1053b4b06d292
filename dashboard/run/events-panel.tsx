import type { JournalEvent } from '../../wire/events.ts';
import { clockTime } from '../ui/time.ts';
import type { Change } from './use-view.ts';

type Props = {
  runId: string;
  events: readonly JournalEvent[];
  stage: string | null;
  onView: (change: Change) => void;
};
const most = 300;

/** The recorded facts of the run, newest first; of one stage, or of all. */
export const Events = ({ runId, events, stage, onView }: Props) => {
  const some =
    stage === null
      ? events
      : events.filter((event) => event.stage === stage || event.stage === 'pipeline');
  const shown = some.slice(-most).toReversed();
  return (
    <>
      <p className="pane-note muted small">
        {stage === null ? 'All events' : `Events of ${stage} and of the run`}
        {some.length > most && `, the newest ${most}`}
        {stage !== null && (
          <button
            type="button"
            className="link"
            onClick={() => onView({ stage: null, attempt: null })}
          >
            Show all
          </button>
        )}
        <a href={`/api/events?run_id=${runId}&limit=1000`}>As JSON</a>
      </p>
      <ol className="events" reversed>
        {shown.map(({ seq, timestamp, stage: of, event, attempt, msg, severity }) => (
          <li key={seq} data-severity={severity}>
            <time dateTime={timestamp} title={timestamp}>
              {clockTime(Date.parse(timestamp))}
            </time>
            <code>
              {of}/{event}
            </code>
            <span className="events-what">
              {msg}
              {attempt !== undefined && attempt > 1 && (
                <span className="muted"> (attempt {attempt})</span>
              )}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
};
