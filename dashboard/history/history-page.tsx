import { useInfiniteQuery } from '@tanstack/react-query';
import { useDesk } from '../desk/desk.tsx';
import { api } from '../service-api.ts';
import { Icon } from '../ui/icon.tsx';
import { Loading } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { useSearchState } from '../ui/use-search.ts';
import { FilterBar } from './filter-bar.tsx';
import { filtersOf, isFiltered, queryOf } from './filters.ts';
import { RunsTable } from './runs-table.tsx';
import { Trend } from './trend.tsx';

const pageRuns = 50;

/** Every run there was, newest first; what is asked for stands in the address. */
export const History = () => {
  const { show } = useDesk();
  const [search, setSearch] = useSearchState();
  const filters = filtersOf(search);
  const query = queryOf(filters);
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    {
      queryKey: ['runs', 'history', query],
      queryFn: ({ pageParam }) =>
        api.ask('GET /api/runs', { query: { ...query, limit: pageRuns, cursor: pageParam } }),
      initialPageParam: null as string | null,
      getNextPageParam: ({ next_cursor }) => next_cursor,
    },
  );
  const runs = data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <Page title="Runs">
      <FilterBar filters={filters} onChange={setSearch} />
      {error && <ProblemCard error={error} onRetry={() => void refetch()} />}
      <Trend filters={filters} />
      {!data && !error && <Loading what="the runs" />}
      {runs.length > 0 && <RunsTable runs={runs} />}
      {data && runs.length === 0 && !hasNextPage && (
        <div className="empty">
          {isFiltered(filters) ? (
            <p>No run matches these filters.</p>
          ) : (
            <>
              <p>No runs yet.</p>
              <button
                type="button"
                className="button primary"
                onClick={() => show({ kind: 'start', pipeline: null })}
              >
                <Icon name="start" />
                Start a run
              </button>
            </>
          )}
        </div>
      )}
      {hasNextPage && (
        <button
          type="button"
          className="button more"
          disabled={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          {isFetchingNextPage ? 'Reading…' : 'Older runs'}
        </button>
      )}
    </Page>
  );
};
