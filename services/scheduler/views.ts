import { scheduleFields } from '../../definition/schedule.ts';
import { iso } from '../../wire/iso.ts';
import type {
  ClassicSchedule,
  ScheduleSummary,
  ScheduleView,
  SlotView,
} from '../../wire/schedule-view.ts';
import type { SlotOutcome } from '../store/slot-store.ts';
import { pacedNext } from './paced.ts';
import type { Schedule } from './schedule-registry.ts';

export const slotView = (row: SlotOutcome): SlotView => ({
  schedule: row.scheduleId,
  slot: iso(row.slot),
  slot_to: iso(row.slotTo),
  count: row.count,
  decision: row.decision,
  reason: row.reason,
  policy: row.policy,
  would: row.would,
  run_id: row.runId,
  run_number: row.runNumber,
  run_state: row.runState,
  backfill: row.backfill || null,
  decided_at: iso(row.at),
});

/** When the schedule fires next, as it will: nothing while it is disabled or all are held. */
export const nextSlots = async (
  { row, plan, definition }: Schedule,
  now: number,
  isPaused: boolean,
  count: number,
): Promise<number[]> => {
  if (!plan || !definition.enabled || isPaused) return [];
  const next = await pacedNext(plan.slots(Math.max(now, row.decidedTo)), count);
  return next.map(({ slot }) => slot);
};

export const scheduleView = (
  schedule: Schedule,
  last: SlotOutcome[],
  next: number[],
  lint: ScheduleView['lint'],
): ScheduleView => {
  const { row, definition, problem } = schedule;
  const { times } = definition;
  const set = row.overrides.enabled;
  const overrides = Object.entries(row.overrides).flatMap(([field, override]) =>
    override && row.file && (scheduleFields as string[]).includes(field)
      ? [
          {
            field,
            value: override.value,
            in_file: row.file[field] ?? null,
            by: override.by,
            at: iso(override.at),
          },
        ]
      : [],
  );
  return {
    id: row.id,
    pipeline: row.pipeline,
    source: row.file ? ('file' as const) : ('api' as const),
    enabled: definition.enabled,
    enabled_set: set ? { by: set.by, at: iso(set.at) } : null,
    cron: 'cron' in times ? times.cron : null,
    every_ms: 'everyMs' in times ? times.everyMs : null,
    at: 'at' in times ? times.at : null,
    timezone: definition.timezone,
    params: definition.params,
    overlap: definition.overlap,
    missed: definition.missed,
    missed_window_ms: definition.missedWindowMs,
    missed_max: definition.missedMax,
    dst_gap: definition.dstGap,
    dst_fold: definition.dstFold,
    jitter_ms: definition.jitterMs,
    start: definition.start,
    end: definition.end,
    blackout: definition.blackout,
    skip_days: definition.skip_days,
    only_when_new: definition.only_when_new,
    deadline: definition.deadline,
    next_slots: next.map((at) => iso(at)),
    problem,
    lint: lint.map(({ code, severity, detail, advice }) => ({ code, severity, detail, advice })),
    overrides,
    version: row.version,
    created: { by: row.createdBy, at: iso(row.createdAt) },
    updated_at: iso(row.updatedAt),
    last: last.map(slotView),
  };
};

/** What the stream's snapshot says: it must stay small. */
export const scheduleSummary = (view: ScheduleView): ScheduleSummary => {
  const { id, pipeline, source, enabled, cron, every_ms, timezone, problem } = view;
  const short = {
    at: view.at?.slice(0, 5) ?? null,
    next_slots: view.next_slots.slice(0, 3),
    last: view.last[0] ?? null,
  };
  return { id, pipeline, source, enabled, cron, every_ms, timezone, problem, ...short };
};

/** What seed-era clients know of a schedule. */
export const classicView = ({
  cron,
  timezone,
  enabled,
  overlap,
  missed,
  dst_gap,
  dst_fold,
  next_slots,
}: ScheduleView): ClassicSchedule => ({
  cron,
  timezone,
  enabled,
  overlap,
  missed,
  dst_gap,
  dst_fold,
  next_slots,
});
export const noSchedule = (timezone: string): ClassicSchedule => ({
  cron: null,
  timezone,
  enabled: false,
  overlap: 'skip',
  missed: 'none',
  dst_gap: 'run_at_shift',
  dst_fold: 'once',
  next_slots: [],
});
