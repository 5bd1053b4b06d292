import type { ChartConfig } from '../../machines/chart-config.ts';
import type { NewEvent } from '../../wire/events.ts';
import type { Begun, Decision, RunRow } from './run-rows.ts';
import type { InputsSeen, SlotFacts, SlotKey, SlotRow } from './slot-store.ts';
import type { Streak } from './streak.ts';

/** A lock as it is read in a transaction: who has a permit, who waits, in their order. */
export type QueueFacts = {
  key: string;
  /** Whoever is live longest comes first. */
  holders: { place: number; runId: string }[];
  waiters: { runId: string; replaces: boolean }[];
  /** The run that is live longest, else the first that waits. */
  ahead: RunRow | null;
};

/** What a start asks about. */
export type StartQuestion = {
  pipeline: string;
  lockKey: string;
  idempotencyKey: string | null;
  slot: SlotKey | null;
};
/** The answers, all of one instant: what is planned upon them is written in the same transaction. */
export type StartFacts = {
  /** Null when the start is for no slot. */
  slot: SlotFacts | null;
  /** The run that the idempotency key stands for, however old the key is. */
  keyed: { run: RunRow; bodyHash: string; at: number } | null;
  streak: Streak;
  queue: QueueFacts;
  /** The number of the pipeline's newest run; 0 = it had none. */
  lastNumber: number;
};
/** A run that comes to be: its rows, and its first step. */
export type NewRun = {
  run: RunRow;
  chart: { config: ChartConfig; compilerVersion: number };
  /** The permit it takes; null = it waits. */
  place: number | null;
  /** It takes the place of what is live, and of what waits before it. */
  replaces: boolean;
  lockKey: string;
  idempotency: { key: string; bodyHash: string } | null;
  inputsSeen: { now: InputsSeen[] } | { of: string } | null;
  decision: Decision;
};
/** All that a start writes, in one transaction. */
export type StartWrites = {
  at: number;
  pipeline: string;
  /** Keys that were given before this instant are forgotten; null = none. */
  forgetKeysBefore: number | null;
  /** What the slot became. */
  slot: SlotRow | null;
  /** Events of no run; they stand before those of the new run. */
  events: NewEvent[];
  /** The failures of the pipeline, where they change. */
  streak: Streak | null;
  born: NewRun | null;
};
/** A start that was decided upon: what is answered, and what is written for it. */
export type StartPlan =
  | { kind: 'begun'; writes: StartWrites & { born: NewRun } }
  | { kind: 'not-begun'; answer: Exclude<Begun, { kind: 'begun' }>; writes: StartWrites | null };

/** What an admission is decided upon. */
export type AdmitFacts = { run: RunRow; queue: QueueFacts };
