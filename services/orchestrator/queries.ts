import { chartGraph } from '../../drawing/graph.ts';
import { chartMermaid } from '../../drawing/mermaid.ts';
import { chartScxml } from '../../drawing/scxml.ts';
import { chartSvg } from '../../drawing/svg.ts';
import type { ChartConfig } from '../../machines/chart-config.ts';
import type { JournalEvent } from '../../wire/events.ts';
import { foldAttempt } from '../../wire/fold-attempt.ts';
import { commandTypeSchema, type Status } from '../../wire/status.ts';
import type { HealthReport } from '../health/health.ts';
import type { Measures } from '../health/measures.ts';
import type { Clock } from '../host/clock.ts';
import { ServiceError } from '../host/service-error.ts';
import type { Charts } from '../interpreter/charts.ts';
import { outlook } from '../lifecycle/outlook.ts';
import type { Look } from '../lookup/run-lookup.ts';
import type { LoadedPipelines } from '../pipelines/pipelines.ts';
import type { Schedules } from '../scheduler/schedules-port.ts';
import { idleStatus } from '../store/run-view.ts';
import type { Store, StoreSnapshot, TimerRow } from '../store/store.ts';
import type { ChartFormat, Queries, StreamSource } from './orchestrator-port.ts';

type Deps = {
  store: Store;
  charts: Charts;
  clock: Clock;
  look: Look;
  loaded: LoadedPipelines;
  defaultPipeline: string | null;
  health: () => HealthReport;
  measures: () => Promise<Measures>;
} & Pick<StreamSource, 'onJournal' | 'onNews'> &
  Pick<Schedules, 'schedule' | 'scheduleSummaries'>;

const recentEvents = 100;
/** A snapshot stays within 256 kB (stream.md, rule 5): the events take at most half of it. */
const maxRecentChars = 128 * 1024;

const iso = (at: number): string => new Date(at).toISOString();

/** The newest events that fit. */
const bounded = (events: JournalEvent[]): JournalEvent[] => {
  let left = maxRecentChars;
  const first = events.findLastIndex((event) => {
    left -= JSON.stringify(event).length;
    return left < 0;
  });
  return events.slice(first + 1);
};

const drawings: Record<
  ChartFormat,
  { type: string; draw: (config: ChartConfig, title: string) => string }
> = {
  json: { type: 'application/json', draw: (config) => JSON.stringify(chartGraph(config)) },
  xstate: { type: 'application/json', draw: (config) => JSON.stringify(config) },
  svg: { type: 'image/svg+xml', draw: (config, title) => chartSvg(chartGraph(config), { title }) },
  mermaid: { type: 'text/plain', draw: (config) => chartMermaid(chartGraph(config)) },
  scxml: { type: 'application/scxml+xml', draw: (config) => chartScxml(chartGraph(config)) },
};

/**
 * Everything that only looks (pipelines apart, pipeline-queries.ts): at the store, the loaded
 * pipelines, and what working stages said last.
 */
export const createQueries = (
  deps: Deps,
): Omit<Queries, 'pipelines' | 'pipeline'> & StreamSource => {
  const { store, charts, clock, loaded, look } = deps;
  const { known, truthful, show, runOr404 } = look;

  const namesByPreference = (): string[] => {
    const names = [...loaded.pipelines.keys()].sort();
    return [deps.defaultPipeline ?? 'market-data', ...names].filter(
      (name) => loaded.pipelines.has(name) || name === deps.defaultPipeline,
    );
  };
  const defaultPipeline = (): string => {
    const [preferred] = namesByPreference();
    if (!preferred) throw new ServiceError('unknown-pipeline', 'no pipeline is loaded');
    return preferred;
  };

  const status = async (pipeline: string): Promise<Status> => {
    truthful();
    const { definition } = known(pipeline);
    const { run, reset, headSeq } = await store.latest(pipeline);
    return run && !reset ? show(run, headSeq) : idleStatus(definition, headSeq, run?.runId ?? null);
  };

  /** The status of a pipeline as a snapshot of the store shows it; the same rule as `status`. */
  const statusIn = ({ runs, resets, headSeq }: StoreSnapshot, pipeline: string): Status => {
    const mine = runs
      .filter((run) => run.pipeline === pipeline)
      .sort((a, b) => b.number - a.number);
    const live = mine.filter(({ endedAt }) => endedAt === null);
    const run = live.find(({ lock }) => lock !== null) ?? live.at(-1) ?? mine[0];
    const isHidden =
      !run || (run.endedAt !== null && pipeline in resets && resets[pipeline] === run.runId);
    return isHidden
      ? idleStatus(known(pipeline).definition, headSeq, run?.runId ?? null)
      : show(run, headSeq);
  };

  const snapshotBody = async (
    read: StoreSnapshot,
    pipeline: string,
  ): Promise<Record<string, unknown>> => {
    const now = statusIn(read, pipeline);
    const metrics = Object.fromEntries(now.stages.map((stage) => [stage.name, stage.metrics]));
    const rest = {
      metrics,
      lock: now.lock,
      schedule: await deps.schedule(pipeline),
      as_of_seq: read.headSeq,
    };
    return { status: now, recent_events: bounded(read.recent), ...rest };
  };

  /** When a timer is due, on the clock that people read. */
  const dueAt = ({ clock: kind, dueAt: at }: TimerRow): number =>
    kind === 'wall' ? at : at - clock.monotonicMs() + clock.wallMs();

  const runData = (read: StoreSnapshot): Record<string, unknown> => {
    const run = show(read.runs[0] as StoreSnapshot['runs'][number], read.headSeq);
    return {
      run,
      stages: run.stages,
      attempts: read.attemptEvents.reduce(foldAttempt, []),
      timers: read.timers.map((timer) => ({
        id: timer.id,
        due_at: iso(dueAt(timer)),
        delay_ms: timer.delayMs,
      })),
      recent_events: bounded(read.recent),
    };
  };

  const serviceData = () => ({
    status: deps.health().status,
    default_pipeline: namesByPreference()[0] ?? null,
    pipelines: [...loaded.pipelines.values()].map(({ definition }) => ({
      name: definition.name,
      title: definition.title,
      stages: definition.stages.map(({ name }) => name),
    })),
  });

  const finalOf = (run: StoreSnapshot['runs'][number] | undefined): string | null =>
    run && run.endedAt !== null ? run.projection.state : null;

  const scopeState: StreamSource['scopeState'] = async ({ runId, pipeline }) => {
    truthful();
    if (pipeline) known(pipeline);
    return { final: runId ? finalOf((await runOr404(runId)).run) : null };
  };

  return {
    defaultPipeline,
    status,
    run: async (runId) => {
      truthful();
      const { run, headSeq } = await runOr404(runId);
      return show(run, headSeq);
    },
    runWithAttempts: async (runId) => {
      truthful();
      await runOr404(runId);
      const read = await store.snapshotRead({ runId }, 0);
      const run = read.runs[0];
      if (!run) throw new ServiceError('unknown-run', `there is no run ${runId}`);
      return { ...show(run, read.headSeq), attempts: read.attemptEvents.reduce(foldAttempt, []) };
    },
    runs: async (filter) => {
      truthful();
      const { items, next, headSeq } = await store.runs(filter);
      return {
        items: items.map((run) => show(run, headSeq)),
        next_cursor: next,
        as_of_seq: headSeq,
      };
    },
    snapshot: async (pipeline) => {
      truthful();
      known(pipeline);
      return snapshotBody(await store.snapshotRead({ pipeline }, recentEvents), pipeline);
    },
    events: async (filter) => {
      const items = await store.journal(filter);
      const { headSeq } = await store.journalAfter({}, Number.MAX_SAFE_INTEGER, 1);
      // Full pages end where they end; a page that is not full has seen everything up to the head
      // it was read at.
      return {
        items,
        as_of_seq: items.length === filter.limit ? (items.at(-1)?.seq ?? headSeq) : headSeq,
      };
    },
    transitions: async (runId, after, limit) => {
      truthful();
      const { headSeq } = await runOr404(runId);
      const rows = await store.ledger(runId, after, limit);
      return { items: rows.map((row) => ({ ...row, at: iso(row.at) })), as_of_seq: headSeq };
    },
    snapshotAt: async (runId, version) => {
      truthful();
      const { run, headSeq } = await runOr404(runId);
      const found = await store.transitionTo(runId, version);
      if (!found)
        throw new ServiceError('unknown-version', `run ${runId} has versions 1 to ${run.version}`);
      const { row } = found;
      const { value, context, status: activity } = found.snapshot as Record<string, unknown>;
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
    commands: async (runId) => {
      truthful();
      const { run, headSeq } = await runOr404(runId);
      const reasons = outlook(await charts.loaded(run.chart), run.snapshot, run.projection);
      const items = commandTypeSchema.options.map((type) => ({
        type,
        allowed: reasons[type] === null,
        why_not: reasons[type],
      }));
      return { run_id: runId, version: run.version, items, as_of_seq: headSeq };
    },
    chart: async (of, format) => {
      const { type, draw } = drawings[format];
      if ('pipeline' in of) {
        const { definition } = known(of.pipeline);
        return { type, body: draw(charts.pin(definition).config, definition.title) };
      }
      truthful();
      const { run } = await runOr404(of.runId);
      const stored = await store.chart(run.chart);
      if (!stored) throw new Error(`the chart of run ${of.runId} is not in the store`);
      return { type, body: draw(stored.config, `${run.definition.title}, run ${run.number}`) };
    },
    health: deps.health,
    measures: deps.measures,

    epoch: () => store.epoch,
    scopeState,
    streamSnapshot: async (scope, { classic }) => {
      await scopeState(scope);
      const read = await store.snapshotRead(scope, recentEvents);
      if (scope.runId)
        return { seq: read.headSeq, data: runData(read), final: finalOf(read.runs[0]) };
      const runs = read.runs.map((run) => show(run, read.headSeq));
      const { headSeq: seq, resets } = read;
      const data = { runs, resets, recent_events: bounded(read.recent) };
      const schedules = classic ? [] : await deps.scheduleSummaries();
      if (!classic)
        return { seq, data: { service: serviceData(), schedules, ...data }, final: null };
      // Seed-era clients know one pipeline: its snapshot, as REST gives it.
      const pipeline = scope.pipeline ?? namesByPreference()[0];
      return {
        seq,
        data: pipeline ? { ...(await snapshotBody(read, pipeline)), ...data } : data,
        final: null,
      };
    },
    journalAfter: (scope, after, limit) => store.journalAfter(scope, after, limit),
    onJournal: deps.onJournal,
    onNews: deps.onNews,
  };
};
