import type { OnConflict } from '../../definition/definition.ts';
import type { ChartConfig } from '../../machines/chart-config.ts';
import type { Projection } from '../../machines/project.ts';
import type { Actor } from '../../wire/actor.ts';
import type { Status, Trigger } from '../../wire/status.ts';
import type { FieldError, ServiceErrorCode } from '../host/service-error.ts';
import type { RunSpec } from '../store/run-rows.ts';
import type { InputsSeen, SlotClaim } from '../store/slot-store.ts';
export type StartRequest = {
  pipeline: string;
  params: Record<string, unknown>;
  trigger: Trigger;
  reason: string | null;
  actor: Actor;
  onlyStage: string | null;
  /** What to do about a live run; null = as the pipeline says. */
  onConflict: OnConflict | null;
  idempotency: Idempotency | null;
  /** The slot a schedule starts it for. */
  slot?: SlotClaim;
};

/**
 * Why a start began nothing. `not-now` = the service takes none at the moment; `in-the-way` =
 * another run has the permit, or too many wait; `blocked` = the failures of the pipeline hold it
 * back; `no-room` = the disk is full; `impossible` = it is wrong itself.
 */
type Obstacle = 'not-now' | 'in-the-way' | 'blocked' | 'no-room' | 'impossible';
export type Refused = {
  kind: 'refused';
  obstacle: Obstacle;
  /** As a caller is told. */
  code: ServiceErrorCode;
  why: string;
  more: { errors?: FieldError[]; extra?: Record<string, unknown> };
};
/** What became of a start. */
export type StartOutcome =
  | { kind: 'started' | 'queued' | 'replayed'; status: Status }
  /** Somebody else has decided the slot: another process, or an earlier tick. */
  | { kind: 'slot-decided' }
  | Refused;

export type Idempotency = { key: string; bodyHash: string };

/** A start that was checked, with the chart it is pinned to. */
export type BeginRequest = {
  spec: RunSpec;
  config: ChartConfig;
  compilerVersion: number;
  snapshot: unknown;
  projection: Projection;
  /**
   * `onConflict` and `queueMax` say what happens when no place of the key is free, or others wait
   * for one.
   */
  lock: { key: string; limit: number; onConflict: OnConflict; queueMax: number };
  at: number;
  idempotency: { key: string; bodyHash: string } | null;
  /** Who asks; null = nobody by name. */
  by: string | null;
  /** Was the same refusal recorded just now? Answers the same however often it is asked. */
  isRepeated?: (why: string, runId: string | null) => boolean;
  /** The slot this run stands for; decided in the same transaction. */
  slot?: SlotClaim;
  /** What the run finds of the files that schedules wait for, or whose findings it takes over. */
  inputsSeen?: { now: InputsSeen[] } | { of: string };
};
