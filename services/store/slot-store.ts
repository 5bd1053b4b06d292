import type { ScheduleField } from '../../definition/schedule.ts';
import type { NewEvent } from '../../wire/events.ts';

/**
 * Fields as file or API wrote them; a newer version may have written some that this one does not
 * know.
 */
export type Written = Record<string, unknown>;
/** What somebody changed by the API, and when; `value: null` takes the field out. */
type Override = { value: unknown; by: string; at: number };
/** A schedule as it is stored: what its file says, and the changes that win over it. */
export type ScheduleRow = {
  id: string;
  pipeline: string;
  /**
   * What the pipeline's file said when it was read last; null for a schedule made by the API, or
   * one its file has lost.
   */
  file: Written | null;
  /** Was it ever in a file? */
  origin: 'file' | 'api';
  overrides: { [field in ScheduleField | string]?: Override };
  /** Counts changes of the definition. */
  version: number;
  /** Every slot up to here has its decision. */
  decidedTo: number;
  createdAt: number;
  createdBy: string;
  updatedAt: number;
};

export type RemovedSchedule = Pick<ScheduleRow, 'id' | 'pipeline'> & { isRemoved: true };

export type SlotDecision =
  | 'started'
  | 'queued'
  | 'skipped'
  | 'missed'
  | 'blocked'
  | 'refused'
  | 'waiting'
  | 'cancelled';
/**
 * The one decision of a slot; `slotTo` and `count` when one row stands for many slots that nobody
 * had the time to run.
 */
export type SlotRow = {
  scheduleId: string;
  /** Which backfill it belongs to; empty for the schedule's own slots. */
  backfill: string;
  slot: number;
  slotTo: number;
  count: number;
  decision: SlotDecision;
  runId: string | null;
  reason: string | null;
  /** The rule that decided, e.g. `overlap: skip`. */
  policy: string;
  /** What it would have done. */
  would: string;
  at: number;
};
/** A slot with what became of its run. */
export type SlotOutcome = SlotRow & { runState: string | null; runNumber: number | null };

/**
 * A run that is started for a slot: the slot is its idempotency key, recorded in the transaction
 * that begins the run. A slot that is decided already begins nothing.
 */
export type SlotClaim = Pick<SlotRow, 'scheduleId' | 'backfill' | 'slot' | 'policy' | 'would'> & {
  /** The schedule's. */
  timezone: string;
  /** How long after it was due. */
  delayMs: number;
  firing: Firing;
  /** A live run in the way leaves it open. */
  mayWait: boolean;
};
/** How a slot comes to its run: when it is due, or after it waited. */
export type Firing = 'due' | 'made-up' | 'turn';
/** All schedules are held: their slots are skipped, and backfills wait. */
export type Pause = { by: string; at: number; reason: string | null };

export type BackfillRow = {
  id: string;
  scheduleId: string;
  from: number;
  to: number;
  by: string;
  reason: string | null;
  at: number;
  cancelledBy: string | null;
};
export type BackfillProgress = BackfillRow & { counts: Partial<Record<SlotDecision, number>> };

/** What a run found of the files that a schedule waits for (`only_when_new`) when it began. */
export type InputsSeen = { patterns: string; marks: string };

type SlotFilter =
  | 'oldestWaiting'
  | { scheduleId: string; backfill?: string; before?: number; limit: number };
/** The name of a slot. */
export type SlotKey = Pick<SlotRow, 'scheduleId' | 'backfill' | 'slot'>;
/** `decision` null = there is no row; `decidedTo` null = there is no such schedule. */
export type SlotFacts = { decision: SlotDecision | null; decidedTo: number | null };
export type SlotWrites = {
  rows: SlotRow[];
  /** The schedules of these have decided everything up to them. */
  marks: Pick<SlotRow, 'scheduleId' | 'backfill' | 'slotTo'>[];
  /**
   * The clock was wrong by far: what was missed in a time that had not come is open again; what ran
   * stays decided.
   */
  rewind?: { scheduleId: string; to: number };
  event: NewEvent | null;
  pipeline: string;
  at: number;
};

/** What is known of a slot whose deadline has passed. */
export type DeadlineFacts = {
  decision: SlotDecision | null;
  /** The newest run for the slot, its own or one that tried it again. */
  run: { runId: string; number: number; state: string; endedAt: number | null } | null;
  /** When the first of them was DONE. */
  doneAt: number | null;
};
export type DeadlineWrites = { event: (NewEvent & { runId: string | null }) | null };

/** The part of the store that belongs to schedules and their slots. */
export type SlotStore = {
  schedules(): Promise<ScheduleRow[]>;
  /**
   * Writes a new schedule (`after` null) or a change of version `after`, with its event. One that is
   * removed leaves its slots as history until retention takes them. @returns false when it has moved,
   * or is there already
   */
  saveSchedule(
    row: ScheduleRow | RemovedSchedule,
    after: number | null,
    events: NewEvent[],
    at: number,
  ): Promise<boolean>;
  /** Reads what is known of these slots, and writes what is planned upon it. @returns how many rows */
  decideSlots(
    asked: readonly SlotKey[],
    plan: (facts: readonly SlotFacts[]) => SlotWrites,
  ): Promise<number>;
  /** The newest first; `oldestWaiting` = of each schedule and backfill the one whose turn is next. */
  slots(filter: SlotFilter): Promise<SlotOutcome[]>;
  /** A new backfill, or one that changes. `plan` is given its slots that still wait. */
  saveBackfill(
    row: BackfillRow,
    plan: (waiting: readonly SlotRow[]) => { slots: SlotRow[]; event: NewEvent },
    pipeline: string,
    at: number,
  ): Promise<void>;
  backfills(scheduleId: string | null): Promise<BackfillProgress[]>;
  /** The deadlines of all slots up to here are judged; null = none was ever. */
  deadlineMark(scheduleId: string): Promise<number | null>;
  /** Judges the deadline of a slot, once; what is planned is written with the mark. */
  passDeadline(
    schedule: Pick<ScheduleRow, 'id' | 'pipeline'>,
    slot: number,
    plan: (facts: DeadlineFacts) => DeadlineWrites,
    at: number,
  ): Promise<void>;
};
