import type { ScheduleFacts } from '../../definition/finding.ts';
import type {
  Backfill,
  Coming,
  Preview,
  ScheduleView,
  SlotView,
} from '../../wire/schedule-view.ts';
import type { Pause, Written } from '../store/slot-store.ts';

type Actor = { name: string };
type Seen = { as_of_seq: number };
export type BackfillRequest = {
  from: number;
  to: number;
  again: boolean;
  dryRun: boolean;
  reason: string | null;
  actor: Actor;
};

/** All that REST and CLI may ask of schedules. */
export type Schedules = {
  schedules(pipeline: string | null): Promise<
    {
      items: ScheduleView[];
      paused: { by: string; at: string; reason: string | null } | null;
    } & Seen
  >;
  /** @throws unknown-schedule */
  scheduleById(id: string): Promise<ScheduleView>;
  /** @throws unknown-pipeline, schedule-exists, invalid-schedule */
  createSchedule(
    id: string | null,
    pipeline: string,
    written: Written,
    actor: Actor,
  ): Promise<ScheduleView>;
  /**
   * Changes the fields that are named; null sets one back to its default, `revert` to what the file
   * says. @throws unknown-schedule, invalid-schedule, schedule-moved
   */
  changeSchedule(
    id: string,
    changes: Written,
    options: { revert: string[]; ifVersion: number | null; actor: Actor },
  ): Promise<ScheduleView>;
  /** @throws unknown-schedule, defined-in-file, schedule-moved */
  removeSchedule(id: string, options: { ifVersion: number | null; actor: Actor }): Promise<void>;
  /**
   * The main schedule of a pipeline in the classic form; made when there is none. @throws
   * unknown-pipeline, invalid-schedule
   */
  setSchedule(pipeline: string, changes: Written, actor: Actor): Promise<Record<string, unknown>>;
  /** @throws unknown-pipeline */
  schedule(pipeline: string): Promise<Record<string, unknown>>;
  /**
   * The slots of a schedule as it would be with these fields, or of a stored one with these
   * changes. @throws invalid-schedule, unknown-schedule
   */
  previewSchedule(asked: {
    id: string | null;
    pipeline: string | null;
    written: Written;
    from: number | null;
    count: number;
  }): Promise<Preview>;
  /** When a pipeline runs next by itself, by whichever of its schedules. */
  nextSlotsOf(pipeline: string): Promise<string[]>;
  /** What the planner knows of a pipeline's schedules, for the linter. */
  scheduleFacts(pipeline: string): Promise<ScheduleFacts[]>;
  /** For the snapshot of the stream. */
  scheduleSummaries(): Promise<Record<string, unknown>[]>;
  /**
   * The first slots of all schedules together, at most `limit`, and at most so many of each; the
   * first one of each schedule is always among them.
   */
  upcoming(
    limit: number,
    perSchedule?: number | null,
  ): Promise<{ items: ({ schedule: string; pipeline: string } & Coming)[] } & Seen>;
  /** The newest first. @throws unknown-schedule */
  slotsOf(id: string, before: number | null, limit: number): Promise<{ items: SlotView[] } & Seen>;
  pauseSchedules(
    pause: Pick<Pause, 'reason'> | null,
    actor: Actor,
  ): Promise<{ paused: boolean; by: string; reason: string | null }>;
  /** @throws unknown-schedule, invalid-backfill */
  backfill(id: string, request: BackfillRequest): Promise<Backfill>;
  backfills(id: string | null): Promise<{ items: Backfill[] } & Seen>;
  /** @throws unknown-backfill */
  cancelBackfill(id: string, actor: Actor): Promise<Backfill>;
};
