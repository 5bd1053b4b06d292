import type { JournalEvent } from '../../wire/events.ts';
import { foldAttempt } from '../../wire/fold-attempt.ts';
import { iso } from '../../wire/iso.ts';
import type { HealthReport } from '../health/health.ts';
import type { Clock } from '../host/clock.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import type { LoadedPipelines } from '../pipelines/pipelines.ts';
import type { Schedules } from '../scheduler/schedules-port.ts';
import type { Store, StoreSnapshot, TimerRow } from '../store/store.ts';
import type { Queries, StreamSource } from './orchestrator-port.ts';
import type { PipelineStatus } from './pipeline-status.ts';

type Deps = {
  store: Pick<Store, 'snapshotRead'>;
  clock: Pick<Clock, 'monotonicMs' | 'wallMs'>;
  lookup: RunLookup;
  loaded: LoadedPipelines;
  statuses: Pick<PipelineStatus, 'namesByPreference' | 'statusIn'>;
  health: () => HealthReport;
} & Pick<Schedules, 'schedule' | 'scheduleSummaries'>;

const recentEvents = 100;
/** A snapshot stays within 256 kB (stream.md, rule 5): the events take at most half of it. */
const maxRecentChars = 128 * 1024;

/** The newest events that fit. */
const bounded = (events: JournalEvent[]): JournalEvent[] => {
  let left = maxRecentChars;
  const first = events.findLastIndex((event) => {
    left -= JSON.stringify(event).length;
    return left < 0;
  });
  return events.slice(first + 1);
};

const finalOf = (run: StoreSnapshot['runs'][number] | undefined): string | null =>
  run && run.endedAt !== null ? run.projection.state : null;

const runData = (
  read: StoreSnapshot,
  { show }: Pick<RunLookup, 'show'>,
  clock: Deps['clock'],
): Record<string, unknown> => {
  /** When a timer is due, on the clock that people read. */
  const dueAt = ({ clock: kind, dueAt: at }: TimerRow): number =>
    kind === 'wall' ? at : at - clock.monotonicMs() + clock.wallMs();
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

/** What a stream begins with: everything of its scope, as one read of the store shows it. */
export const createStreamSnapshots = (
  deps: Deps,
): Pick<StreamSource, 'scopeState' | 'streamSnapshot'> & Pick<Queries, 'snapshot'> => {
  const { store, loaded, lookup, clock } = deps;
  const { requirePipeline, assertReady, show, requireRun } = lookup;
  const { namesByPreference, statusIn } = deps.statuses;

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

  const serviceData = () => ({
    status: deps.health().status,
    default_pipeline: namesByPreference()[0] ?? null,
    pipelines: [...loaded.pipelines.values()].map(({ definition }) => ({
      name: definition.name,
      title: definition.title,
      stages: definition.stages.map(({ name }) => name),
    })),
  });

  const scopeState: StreamSource['scopeState'] = async ({ runId, pipeline }) => {
    assertReady();
    if (pipeline) requirePipeline(pipeline);
    return { final: runId ? finalOf((await requireRun(runId)).run) : null };
  };

  return {
    scopeState,
    snapshot: async (pipeline) => {
      assertReady();
      requirePipeline(pipeline);
      return snapshotBody(await store.snapshotRead({ pipeline }, recentEvents), pipeline);
    },
    streamSnapshot: async (scope, { classic }) => {
      await scopeState(scope);
      const read = await store.snapshotRead(scope, recentEvents);
      if (scope.runId)
        return {
          seq: read.headSeq,
          data: runData(read, lookup, clock),
          final: finalOf(read.runs[0]),
        };
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
  };
};
