import {
  allStages,
  type PipelineDefinition,
  roleOf,
  shownRole,
} from '../../definition/definition.ts';
import { groupOf } from '../../definition/groups.ts';
import { iso } from '../../wire/iso.ts';
import type { RunView } from '../../wire/patch.ts';
import { shownOf } from '../../wire/shown-run.ts';
import type { Progress, Status } from '../../wire/status.ts';
import type { RunRow } from './run-rows.ts';
import type { RunStore } from './run-store.ts';

/**
 * What working stages said and showed since the row was written; `heartbeats` are instants by
 * stage.
 */
export type LiveMarks = {
  progress: Record<string, Progress>;
  heartbeats: Record<string, number>;
  /** What a live run waits for that its row does not know; it is said instead of the row's `why`. */
  why?: string | null;
};
const nothingLive: LiveMarks = { progress: {}, heartbeats: {} };
/** A stage may be called `constructor`. */
const ofStage = <T>(marks: Record<string, T>, stage: string | null): T | undefined =>
  stage !== null && Object.hasOwn(marks, stage) ? marks[stage] : undefined;

/** What every client sees of a run: its row, and the marks that are newer than the row. */
export const viewOf = (run: RunRow, live: LiveMarks = nothingLive): RunView => {
  const {
    state,
    canonical,
    stage,
    attempt,
    max_attempts,
    outcome,
    why,
    allowed,
    pause_requested,
    stages,
    retry_count,
    error,
  } = run.projection;
  return {
    run_id: run.runId,
    pipeline: run.pipeline,
    number: run.number,
    state,
    canonical,
    stage,
    attempt,
    max_attempts,
    version: run.version,
    // Absent in rows of an earlier version.
    outcome,
    why: (run.endedAt === null && live.why) || why,
    allowed,
    pause_requested: pause_requested ?? false,
    trigger: run.trigger,
    only_stage: run.onlyStage,
    params: run.params,
    created_at: iso(run.createdAt),
    started_at: run.projection.started_at,
    updated_at: iso(run.updatedAt),
    ended_at: run.projection.ended_at,
    duration_ms: run.projection.duration_ms,
    retry_count,
    error,
    // Of another stage it is a moment older than the row.
    progress: ofStage(live.progress, stage) ?? run.progress,
    stages: stages.map((stage) => {
      const isWorking = stage.state === 'running';
      const at = isWorking ? ofStage(live.heartbeats, stage.name) : undefined;
      const progress = isWorking ? ofStage(live.progress, stage.name) : undefined;
      return {
        ...stage,
        heartbeat_at: at === undefined ? null : iso(at),
        ...(stage.group !== undefined && { progress: progress ?? null }),
      };
    }),
    lock: run.lock && { key: run.lock.key, since: iso(run.lock.since) },
    last_run_id: run.runId,
    metadata: run.metadata,
  };
};

export const statusOf = (run: RunRow, headSeq: number, live: LiveMarks = nothingLive): Status => ({
  ...viewOf(run, live),
  as_of_seq: headSeq,
});

/** The group of a stage, where it has one. */
export const groupField = (definition: PipelineDefinition, stage: string): { group?: string } => {
  const group = groupOf(definition, stage);
  return group ? { group: group.name } : {};
};

/** A pipeline that never ran, or was reset: nothing is shown but what could run. */
export const idleStatus = (
  definition: PipelineDefinition,
  headSeq: number,
  lastRunId: string | null,
): Status => ({
  run_id: null,
  pipeline: definition.name,
  number: null,
  state: 'IDLE',
  canonical: 'idle',
  stage: null,
  attempt: null,
  max_attempts: null,
  version: 0,
  as_of_seq: headSeq,
  outcome: null,
  why: lastRunId ? 'was reset; the history stays' : 'nothing ever ran',
  allowed: [],
  pause_requested: false,
  trigger: null,
  only_stage: null,
  params: {},
  created_at: null,
  started_at: null,
  updated_at: null,
  ended_at: null,
  duration_ms: null,
  retry_count: 0,
  error: null,
  progress: null,
  stages: allStages(definition).map(({ name, retry }) => ({
    name,
    ...groupField(definition, name),
    ...shownRole(roleOf(definition, name)),
    state: 'pending',
    attempt: 0,
    max_attempts: retry.limit + 1,
    started_at: null,
    ended_at: null,
    duration_ms: null,
    heartbeat_at: null,
    outputs: {},
    metrics: {},
    reason: null,
  })),
  lock: null,
  last_run_id: lastRunId,
  metadata: {},
});

/** Which of these runs of one pipeline it shows. */
export const shownRun = (runs: readonly RunRow[], reset: string | null | undefined) =>
  shownOf(
    runs,
    ({ number, endedAt, lock, runId }) => ({
      number,
      isLive: endedAt === null,
      hasLock: lock !== null,
      id: runId,
    }),
    reset,
  );

/** Every live run, oldest first. */
export const liveRuns = async (store: Pick<RunStore, 'runs'>): Promise<RunRow[]> => {
  const { items } = await store.runs({ isLive: true, limit: 1_000_000 });
  return items.reverse();
};
