import { api, queries } from '../api.ts';
import { useOffline } from '../live/use-offline.ts';
import { useSchedules, useUpcoming } from '../reads.ts';
import { useDesk } from '../shell/desk.tsx';
import { Icon } from '../ui/icon.tsx';
import { Loading } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { ProblemCard } from '../ui/problem.tsx';
import { At } from '../ui/times.tsx';
import { useSearchState } from '../ui/use-search.ts';
import { ScheduleDialog } from './schedule-dialog.tsx';
import { ScheduleRow } from './schedule-row.tsx';

const sample = `schedules:
  - cron: "30 17 * * 1-5"
    timezone: America/Chicago`;

/** Every schedule: when it is due next, what became of its last slots and why, and a way to change it. */
export const SchedulesPage = () => {
  const { say } = useDesk();
  const offline = useOffline();
  const [search, setSearch] = useSearchState();
  const { data, error, refetch } = useSchedules();
  const coming = useUpcoming().data?.items ?? [];
  const edited = data?.items.find(({ id }) => id === search.get('edit'));
  const isPaused = data?.paused != null;
  const turnAll = (): void => {
    const asked = isPaused ? api.ask('POST /api/schedules/resume', { body: {} }) : api.ask('POST /api/schedules/pause', { body: {} });
    asked
      .then(() => queries.invalidateQueries({ queryKey: ['schedules'] }))
      .catch((refusal: unknown) => say({ tone: 'bad', title: 'Schedules', error: refusal }));
  };
  return (
    <Page
      title="Schedules"
      aside={
        data &&
        data.items.length > 0 && (
          <button type="button" className="button" disabled={offline !== null} title={offline ?? undefined} onClick={turnAll}>
            <Icon name={isPaused ? 'start' : 'pause'} />
            {isPaused ? 'Resume all' : 'Pause all'}
          </button>
        )
      }
    >
      {error && <ProblemCard error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading what="the schedules" />}
      {data?.paused && (
        <p className="outlook paused" data-tone="wait">
          <Icon name="pause" />
          <span>
            All schedules are paused by {data.paused.by}, <At iso={data.paused.at} as="relative" />
            {data.paused.reason && `: ${data.paused.reason}`}. Their slots are skipped.
          </span>
        </p>
      )}
      <ul className="schedule-rows">
        {data?.items.map((schedule) => (
          <ScheduleRow
            key={schedule.id}
            schedule={schedule}
            coming={coming.filter((slot) => slot.schedule === schedule.id)}
            onEdit={() => setSearch({ edit: schedule.id })}
          />
        ))}
      </ul>
      {data?.items.length === 0 && (
        <div className="empty">
          <p>No pipeline has a schedule. One is written into its file like this:</p>
          <pre>{sample}</pre>
        </div>
      )}
      {edited && <ScheduleDialog key={edited.id} schedule={edited} onClose={() => setSearch({ edit: null })} />}
    </Page>
  );
};
