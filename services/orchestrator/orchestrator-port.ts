import type { Command } from '../../machines/commands.ts';
import type { Actor } from '../../wire/actor.ts';
import type { Attempt } from '../../wire/attempts.ts';
import type { JournalEvent } from '../../wire/events.ts';
import type { HealthReport } from '../../wire/health-report.ts';
import type { LiveNews } from '../../wire/live-news.ts';
import type {
  Acknowledged,
  PipelineHistory,
  Pipelines,
  ReloadReport,
} from '../../wire/pipeline-answers.ts';
import type {
  CommandOutlook,
  Events,
  Runs,
  Snapshot,
  SnapshotAt,
  Stopped,
  Transitions,
} from '../../wire/run-answers.ts';
import type { Status } from '../../wire/status.ts';
import type { Measures } from '../health/measures.ts';
import type { ArtefactQueries } from '../history/artefact-queries.ts';
import type { LogLines, LogPart, LogStream } from '../history/logs.ts';
import type { LogMatches } from '../history/search.ts';
import type { Inspection } from '../inspection/inspection-service.ts';
import type { NotificationQueries } from '../notifications/notifications.ts';
import type { DefinitionView } from '../pipelines/definition-view.ts';
import type { Schedules } from '../scheduler/schedules-port.ts';
import type { Simulations } from '../simulate/simulations.ts';
import type { Idempotency, StartRequest } from '../start/start-request.ts';
import type { StreamScope } from '../store/journal-store.ts';
import type { RunFilter } from '../store/run-store.ts';
import type { WhatIfQueries } from '../what-if/what-if-queries.ts';
import type { WhyQuestions } from '../why/why-questions.ts';

type StreamSnapshot = {
  seq: number;
  data: Record<string, unknown>;
  /** The run's final state; null while it lives, and for streams of more than one run. */
  final: string | null;
};
/** An attempt that may have output. */
export type LogPlace = { stage: string; attempt: number };
export const chartFormats = ['json', 'svg', 'mermaid', 'scxml', 'xstate'] as const;
export type ChartFormat = (typeof chartFormats)[number];
type EventFilter = {
  runId?: string;
  pipeline?: string;
  stage?: string;
  event?: string;
  /** Only events with seq > after. */
  after?: number;
  limit: number;
};
/** What its file says stands beside how it went. */
type PipelineDetail = PipelineHistory & { definition: DefinitionView };

/**
 * Everything that only looks. Answers say with `as_of_seq` how much of the journal they have seen.
 */
export type Queries = {
  defaultPipeline(): string;
  /** Those with a label; all of them without one. */
  pipelines(label?: string): Promise<Pipelines>;
  /** @throws unknown-pipeline */
  pipeline(name: string): Promise<PipelineDetail>;
  /**
   * The live or latest run of the pipeline; IDLE when none, or after a reset. @throws
   * unknown-pipeline
   */
  status(pipeline: string): Promise<Status>;
  /** @throws unknown-run */
  run(runId: string): Promise<Status>;
  /** @throws unknown-run */
  runWithAttempts(runId: string): Promise<Status & { attempts: Attempt[] }>;
  runs(filter: RunFilter & { label?: string }): Promise<Runs>;
  /** Body of GET /api/pipeline/snapshot. */
  snapshot(pipeline: string): Promise<Snapshot>;
  events(filter: EventFilter): Promise<Events>;
  /** The ledger of a run, rows with n > after, oldest first. */
  transitions(runId: string, after: number, limit: number): Promise<Transitions>;
  /** State and context as they were after that transition. @throws unknown-run, unknown-version */
  snapshotAt(runId: string, version: number): Promise<SnapshotAt>;
  /** @throws unknown-run */
  commands(runId: string): Promise<CommandOutlook>;
  /**
   * The lifecycle chart of a pipeline, or the one a run was pinned to. @throws unknown-pipeline,
   * unknown-run
   */
  chart(
    of: { pipeline: string } | { runId: string },
    format: ChartFormat,
  ): Promise<{ type: string; body: string }>;
  health(): HealthReport;
  measures(): Promise<Measures>;
};

/**
 * The output of stages, with secrets masked. All throw unknown-run, unknown-stage, unknown-attempt.
 */
export type LogQueries = {
  /**
   * Attempts in the order they worked, of one stage or of all; and the final state once the run is
   * over.
   */
  logPlaces(
    runId: string,
    stage: string | null,
  ): Promise<{ places: LogPlace[]; final: string | null }>;
  /** Bytes; null when there is no such file (yet). */
  logSize(runId: string, place: LogPlace, stream: LogStream): Promise<number | null>;
  logPart(
    runId: string,
    place: LogPlace,
    stream: LogStream,
    range: { offset: number; limit: number } | { tail: number },
  ): Promise<LogPart | null>;
  logLines(
    runId: string,
    place: LogPlace,
    stream: LogStream,
    range: { fromLine: number; lines: number },
  ): Promise<LogLines | null>;
  logSearch(
    runId: string,
    place: LogPlace,
    stream: LogStream,
    search: { q: string; offset: number; limit: number; ignoreCase: boolean },
    signal: AbortSignal,
  ): Promise<LogMatches | null>;
};

/** What the sockets are fed with. */
export type StreamSource = {
  /** Part of every cursor; another one means another journal. */
  epoch(): string;
  /**
   * State and journal position from one store read. @throws starting, unknown-run, unknown-pipeline
   */
  streamSnapshot(scope: StreamScope, options: { classic: boolean }): Promise<StreamSnapshot>;
  /** Is there such a scope, and is its run over? @throws as streamSnapshot */
  scopeState(scope: StreamScope): Promise<{ final: string | null }>;
  journalAfter(
    scope: StreamScope,
    after: number,
    limit: number,
  ): Promise<{ events: JournalEvent[]; oldestSeq: number; headSeq: number }>;
  /**
   * Called after each commit that added events (no payload: read the journal from your own
   * position). Returns unsubscribe.
   */
  onJournal(wake: () => void): () => void;
  onNews(listener: (news: LiveNews) => void): () => void;
};

/** Everything that changes something. */
export type Commands = {
  /**
   * @throws unknown-pipeline, unknown-stage, invalid-params, missing-input, already-running,
   * queue-full, blocked-by-policy, disk-full, idempotency-key-reused, draining, starting
   */
  start(request: StartRequest): Promise<{ status: Status; replayed: boolean }>;
  /** Stops the pipeline's live run; `queued` others go on waiting. @throws nothing-to-stop */
  stop(
    pipeline: string,
    options: { reason: string | null; graceMs: number | null; actor: Actor },
  ): Promise<Stopped>;
  /**
   * The status of the run, or for RETRY_FROM of the new one.
   * @throws command-not-allowed, unknown-run, version-moved when the run is not at `ifVersion` any
   * more; RETRY_FROM also as `start`
   */
  command(runId: string, asked: RunCommand): Promise<{ status: Status; replayed: boolean }>;
  /**
   * Shows IDLE again; history stays. Force stops a live run, or releases one whose process nobody
   * can end. @throws run-active unless force
   */
  reset(
    pipeline: string,
    options: { force: boolean; reason: string | null; actor: Actor },
  ): Promise<Status>;
  /**
   * Forgets the failures in a row and what they paused. @throws unknown-pipeline,
   * nothing-to-acknowledge
   */
  acknowledge(pipeline: string, options: { reason: string; actor: Actor }): Promise<Acknowledged>;
};
/** What concerns the service itself. */
type Upkeep = {
  /** Reads the pipeline files again. @throws starting */
  reload(actor: Actor): Promise<ReloadReport>;
};
export type RunCommand = {
  command: Command;
  actor: Actor;
  ifVersion: number | null;
  idempotency: Idempotency | null;
};

/**
 * All that REST, WebSocket and CLI may ask of the service. Every method throws `ServiceError` for a
 * caller's fault and nothing else on purpose.
 */
export type Orchestrator = Queries &
  WhatIfQueries &
  Simulations &
  LogQueries &
  ArtefactQueries &
  StreamSource &
  Inspection &
  Commands &
  Schedules &
  NotificationQueries &
  WhyQuestions &
  Upkeep;
