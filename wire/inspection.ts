import type { Cause } from './run-answers.ts';

/**
 * The inspection feed: the dialect of @statelyai/inspect, one JSON text frame an event, with keys
 * of ours beside its own (`runId`, `seq`, `version` and what the ledger knows).
 *
 * A run is told from its ledger, so each frame of it is the same whenever and to whomever it is
 * told. Before the first step (`seq` 0): `actor`, `event` (`xstate.init`) and `snapshot` of the
 * run. Then, for each row of the ledger:
 *
 * - `event`: what the run was told, by whom, and the verdict. Of a refused or a stale one nothing
 *   else follows;
 * - for each microstep: `actor` of each child that it begot, each `action`, and the `microstep`
 *   itself with the transitions that were taken;
 * - of each new child `event` (`xstate.init`) and `snapshot`;
 * - `snapshot` of the run: the one that is stored;
 * - the last `snapshot` of each child that is over.
 *
 * Who asks for all live runs gets an `actor` frame of each live actor first, parents before
 * children, with the snapshot of now.
 */
export const inspectionVersion = '0.7.2';
/** What `?types=` takes; each frame's `type` is `@xstate.` and one of these. */
export const inspectionTypes = ['actor', 'event', 'microstep', 'action', 'snapshot'] as const;
export type InspectionType = (typeof inspectionTypes)[number];

type Common = {
  _version: string;
  /** When the step was committed: epoch milliseconds as text. */
  createdAt: string;
  /** Unique, and the same whenever the run is told: `<run_id>:<seq>.<place in the step>`. */
  id: string;
  /**
   * The actor: `<run_id>` is the run, `<run_id>/<effect>@<version>` one of its children, by the
   * version that begot it.
   */
  sessionId: string;
  rootId: string;
  runId: string;
  /** The row of the ledger (`n`) that the frame belongs to; 0 = before the first. */
  seq: number;
  /** Of the run after that row. */
  version: number;
};

export type InspectedEvent = { type: string; [key: string]: unknown };
/** Of a run as it is stored; of a child its status, and its input, output or error. */
export type InspectedSnapshot = {
  status: 'active' | 'done' | 'error' | 'stopped';
  value?: unknown;
  context?: Record<string, unknown>;
  /** By id; `id` is the session. */
  children?: Record<string, { xstate$$type: 1; id: string }>;
  historyValue?: Record<string, unknown>;
  tags?: string[];
  input?: unknown;
  output?: unknown;
  error?: unknown;
};
/** A guard that was asked, and what it said. */
export type InspectedGuard = { guard: string; holds: boolean };
/** Ids of states are those of the chart: `run.running.analyzer.attempting`. */
export type InspectedTransition = {
  source: string;
  /** null = it stays where it is. */
  target: string[] | null;
  /** Empty for one that is taken without an event. */
  eventType: string;
  guard?: string;
  actions: string[];
  reenter: boolean;
};

export type InspectedActorFrame = Common & {
  type: '@xstate.actor';
  name: string;
  /** JSON text: the chart of a run, `{"id": name}` of a child. */
  definition: string;
  parentId?: string;
  snapshot: InspectedSnapshot;
  /** Of a run. */
  pipeline?: string;
  number?: number;
  /** Of a child that works for one stage. */
  stage?: string;
};
/** What an actor was told. The rest of the keys is there for what a run was told by a row of its ledger. */
export type InspectedEventFrame = Common & {
  type: '@xstate.event';
  event: InspectedEvent;
  /** Who sent it; absent = somebody outside, see `cause`. */
  sourceId?: string;
  verdict?: 'accepted' | 'refused' | 'stale';
  why?: string | null;
  cause?: Cause;
  guards?: InspectedGuard[];
};
export type InspectedMicrostepFrame = Common & {
  type: '@xstate.microstep';
  event: InspectedEvent;
  /** Where the run stands after it. */
  value: unknown;
  transitions: InspectedTransition[];
  /** Those that were asked for it: by the ledger for the first one, else those that hold. */
  guards: InspectedGuard[];
};
export type InspectedActionFrame = Common & {
  type: '@xstate.action';
  action: { type: string; params?: unknown };
};
export type InspectedSnapshotFrame = Common & {
  type: '@xstate.snapshot';
  event: InspectedEvent;
  snapshot: InspectedSnapshot;
};
export type InspectionFrame =
  | InspectedActorFrame
  | InspectedEventFrame
  | InspectedMicrostepFrame
  | InspectedActionFrame
  | InspectedSnapshotFrame;

/**
 * A frame that another program sent to `/ws/inspect/in`: whatever it says, with the ids of its
 * actors made unique (`in-3/x:0`).
 */
export type ForeignFrame = {
  type: string;
  sessionId: string;
  rootId?: string;
  foreign: true;
  [key: string]: unknown;
};
