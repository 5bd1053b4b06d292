import { lazy, Suspense } from 'react';
import { useDesk } from '../desk/desk.tsx';
import { useOffline } from '../live/use-offline.ts';
import { api, queries } from '../service-api.ts';
import { Icon } from '../ui/icon.tsx';
import { Loading } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { At } from '../ui/time-text.tsx';
import { useSearchState } from '../ui/use-search.ts';
import { useSchedules, useUpcoming } from '../use-reads.ts';
import { ScheduleRow } from './schedule-row.tsx';

/** What writes is no part of the first load. */
const ScheduleDialog = lazy(() =>
  import('./schedule-dialog.tsx').then(({ ScheduleDialog }) => ({ default: ScheduleDialog })),
);
const NewScheduleDialog = lazy(() =>
  import('./new-schedule-dialog.tsx').then((all) => ({ default: all.NewScheduleDialog })),
);
const BackfillDialog = lazy(() =>
  import('./backfill-dialog.tsx').then(({ BackfillDialog }) => ({ default: BackfillDialog })),
);
const DeleteDialog = lazy(() =>
  import('./delete-dialog.tsx').then(({ DeleteDialog }) => ({ default: DeleteDialog })),
);

const sample = `schedules:
  - cron: "30 17 * * 1-5"
    timezone: America/Chicago`;

/**
 * Every schedule: when it is due next, what became of its last slots and why, and a way to change
 * it.
 */
export const SchedulesPage = () => {
  const { say } = useDesk();
  const offline = useOffline();
  const [search, setSearch] = useSearchState();
  const { data, error, refetch } = useSchedules();
  const coming = useUpcoming().data?.items ?? [];
  const byId = (id: string | null) => data?.items.find((schedule) => schedule.id === id);
  const edited = byId(search.get('edit'));
  const deleted = byId(search.get('delete'));
  const filled = byId(search.get('backfill'));
  const close = (): void => setSearch({ edit: null, delete: null, backfill: null, new: null });
  const isPaused = data?.paused != null;
  const turnAll = (): void => {
    const asked = isPaused
      ? api.ask('POST /api/schedules/resume', { body: {} })
      : api.ask('POST /api/schedules/pause', { body: {} });
    asked
      .then(() => queries.invalidateQueries({ queryKey: ['schedules'] }))
      .catch((refusal: unknown) => say({ tone: 'bad', title: 'Schedules', error: refusal }));
  };
  return (
    <Page
      title="Schedules"
      aside={
        data && (
          <>
            {data.items.length > 0 && (
              <button
                type="button"
                className="button"
                disabled={offline !== null}
                title={offline ?? undefined}
                onClick={turnAll}
              >
                <Icon name={isPaused ? 'start' : 'pause'} />
                {isPaused ? 'Resume all' : 'Pause all'}
              </button>
            )}
            <button
              type="button"
              className="button primary"
              onClick={() => setSearch({ new: 'schedule' })}
            >
              <Icon name="plus" />
              New schedule
            </button>
          </>
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
            onBackfill={() => setSearch({ backfill: schedule.id })}
          />
        ))}
      </ul>
      {data?.items.length === 0 && (
        <div className="empty">
          <p>No pipeline has a schedule yet. Create one here, or add it to a pipeline file:</p>
          <pre>{sample}</pre>
        </div>
      )}
      <Suspense>
        {edited && (
          <ScheduleDialog
            key={edited.id}
            schedule={edited}
            onClose={close}
            onDelete={() => setSearch({ edit: null, delete: edited.id })}
          />
        )}
        {filled && <BackfillDialog key={filled.id} schedule={filled} onClose={close} />}
        {deleted?.source === 'api' && <DeleteDialog schedule={deleted} onClose={close} />}
        {data && search.has('new') && (
          <NewScheduleDialog taken={data.items.map(({ id }) => id)} onClose={close} />
        )}
      </Suspense>
    </Page>
  );
};
