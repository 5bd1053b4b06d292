import { foldAttempt } from '../../wire/fold-attempt.ts';
import type { HealthReport } from '../../wire/health-report.ts';
import { iso } from '../../wire/iso.ts';
import type { Measures } from '../health/measures.ts';
import type { Clock } from '../host/clock.ts';
import { ServiceError } from '../host/service-error.ts';
import type { Charts } from '../interpreter/charts.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import { type LoadedPipelines, labelled } from '../pipelines/pipelines.ts';
import type { Schedules } from '../scheduler/schedules-port.ts';
import type { Store } from '../store/store.ts';
import { createChartQueries } from './chart-queries.ts';
import type { Queries, StreamSource } from './orchestrator-port.ts';
import { createPipelineStatus } from './pipeline-status.ts';
import { createStreamSnapshots } from './stream-snapshots.ts';

/** What XState stores of a run. */
type StoredSnapshot = { value: unknown; context: Record<string, unknown>; status: string };
type Deps = {
  store: Store;
  charts: Charts;
  clock: Clock;
  lookup: RunLookup;
  loaded: LoadedPipelines;
  defaultPipeline: string | null;
  health: () => HealthReport;
  measures: () => Promise<Measures>;
} & Pick<StreamSource, 'onJournal' | 'onNews'> &
  Pick<Schedules, 'schedule' | 'scheduleSummaries'>;

/**
 * Everything that only looks (pipelines apart, pipeline-queries.ts): at the store, the loaded
 * pipelines, and what working stages said last.
 */
export const createQueries = (
  deps: Deps,
): Omit<Queries, 'pipelines' | 'pipeline'> & StreamSource => {
  const { store } = deps;
  const { assertReady, show, requireRun } = deps.lookup;
  const statuses = createPipelineStatus(deps);

  return {
    defaultPipeline: statuses.defaultPipeline,
    status: statuses.status,
    run: async (runId) => {
      assertReady();
      const { run, headSeq } = await requireRun(runId);
      return show(run, headSeq);
    },
    runWithAttempts: async (runId) => {
      assertReady();
      await requireRun(runId);
      const read = await store.snapshotRead({ runId }, 0);
      const run = read.runs[0];
      if (!run) throw new ServiceError('unknown-run', `there is no run ${runId}`);
      return { ...show(run, read.headSeq), attempts: read.attemptEvents.reduce(foldAttempt, []) };
    },
    runs: async ({ label, ...filter }) => {
      assertReady();
      const names = labelled(deps.loaded, label).map(({ definition }) => definition.name);
      const pipelines = label === undefined ? {} : { pipelines: names };
      const { items, next, headSeq } = await store.runs({ ...filter, ...pipelines });
      return {
        items: items.map((run) => show(run, headSeq)),
        next_cursor: next,
        as_of_seq: headSeq,
      };
    },
    events: async (filter) => {
      const { events: items, headSeq } = await store.journal(filter);
      // Full pages end where they end; a page that is not full has seen everything up to the head
      // it was read at.
      return {
        items,
        as_of_seq: items.length === filter.limit ? (items.at(-1)?.seq ?? headSeq) : headSeq,
      };
    },
    transitions: async (runId, after, limit) => {
      assertReady();
      const { headSeq } = await requireRun(runId);
      const rows = await store.ledger(runId, { after, limit });
      return { items: rows.map((row) => ({ ...row, at: iso(row.at) })), as_of_seq: headSeq };
    },
    snapshotAt: async (runId, version) => {
      assertReady();
      const { run, headSeq } = await requireRun(runId);
      const [row] = await store.ledger(runId, { version });
      if (!row)
        throw new ServiceError('unknown-version', `run ${runId} has versions 1 to ${run.version}`);
      const { value, context, status: activity } = row.snapshot as StoredSnapshot;
      const of = {
        run_id: runId,
        version,
        n: row.n,
        at: iso(row.at),
        from: row.from,
        to: row.to,
        event: row.event,
        cause: row.cause,
      };
      return { ...of, value, context, status: activity, as_of_seq: headSeq };
    },
    ...createChartQueries(deps),
    ...createStreamSnapshots({ ...deps, statuses }),
    health: deps.health,
    measures: deps.measures,
    epoch: () => store.epoch,
    journalAfter: (scope, after, limit) => store.journal({ ...scope, after, limit }),
    onJournal: deps.onJournal,
    onNews: deps.onNews,
  };
};
