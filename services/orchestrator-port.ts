import type { JournalEvent } from '../machines/events.ts';
import type { CommandType, Status, Trigger } from '../machines/status.ts';

/** Who asks: shown in the ledger and in events. */
export type Actor = { kind: 'user' | 'system'; name: string };
export type StartRequest = {
  pipeline: string;
  params: Record<string, unknown>;
  trigger: Trigger;
  reason: string | null;
  actor: Actor;
  onlyStage: string | null;
  idempotency: { key: string; bodyHash: string } | null;
};
type StreamSnapshot = { seq: number; data: Record<string, unknown>; terminal: boolean };
export type EventFilter = {
  runId?: string;
  pipeline?: string;
  stage?: string;
  event?: string;
  /** Only events with seq > after. */
  after?: number;
  limit: number;
};
export type HealthReport = {
  status: 'ok' | 'degraded' | 'draining' | 'starting';
  checks: Record<string, { status: 'ok' | 'degraded'; detail: string }>;
};
type PipelineSummary = {
  name: string;
  title: string;
  default: boolean;
  stages: { name: string; uses: string }[];
  params: Record<string, unknown>;
  status: Status;
};
/** A pipeline file that does not hold: what the person sees who has to mend it. */
export type PipelineProblem = { file: string; line: number | null; pointer: string; code: string; detail: string };

/**
 * All that REST, WebSocket and CLI may ask of the service. Every method throws `ServiceError` for a caller's fault and
 * nothing else on purpose.
 */
export type Orchestrator = {
  defaultPipeline(): string;
  pipelines(): Promise<{ items: PipelineSummary[]; problems: PipelineProblem[] }>;
  /** @throws unknown-pipeline, unknown-stage, invalid-params, missing-input, already-running, idempotency-key-reused, draining, starting */
  start(request: StartRequest): Promise<{ status: Status; replayed: boolean }>;
  /** The live or latest run of the pipeline; IDLE when none, or after a reset. */
  status(pipeline: string): Promise<Status>;
  /** @throws unknown-run */
  run(runId: string): Promise<Status>;
  runs(filter: { pipeline?: string; limit: number; before?: string }): Promise<{ items: Status[]; next: string | null }>;
  /** Stops the pipeline's live run. @throws nothing-to-stop */
  stop(pipeline: string, options: { reason: string | null; graceMs: number | null; actor: Actor }): Promise<Status>;
  /** @throws command-not-allowed, unknown-run */
  command(runId: string, command: { type: CommandType; reason: string | null; graceMs: number | null; actor: Actor }): Promise<Status>;
  /** Shows IDLE again; history stays. @throws run-active unless force */
  reset(pipeline: string, options: { force: boolean; actor: Actor }): Promise<Status>;
  /** Body of GET /api/pipeline/snapshot. */
  snapshot(pipeline: string): Promise<Record<string, unknown>>;
  events(filter: EventFilter): Promise<JournalEvent[]>;
  /** The ledger of a run, rows with n > after, oldest first. */
  transitions(runId: string, after: number, limit: number): Promise<Record<string, unknown>[]>;
  /** State and journal position from one store read. */
  streamSnapshot(scope: { runId?: string; pipeline?: string }): Promise<StreamSnapshot>;
  /** Called after each commit that added events (no payload: read the journal from your own position). Returns unsubscribe. */
  onJournal(wake: () => void): () => void;
  schedule(pipeline: string): Promise<Record<string, unknown>>;
  health(): HealthReport;
};
