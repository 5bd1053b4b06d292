import type { Plan } from '../calendar/planner.ts';
import type { ScheduleRegistry } from './schedule-registry.ts';
import type { Scheduler } from './scheduler.ts';
import { nextSlots } from './views.ts';

/**
 * When each pipeline is due next by itself. Asked again and again, it looks along a plan only when
 * the slot it found has come, or the plan has changed.
 */
export const createNextSlotOf = (deps: {
  registry: Pick<ScheduleRegistry, 'all'>;
  scheduler: Pick<Scheduler, 'paused'>;
  now: () => number;
}): (() => Promise<Map<string, number>>) => {
  let known = new Map<string, { plan: Plan; next: number | undefined }>();

  return async () => {
    const next = new Map<string, number>();
    if ((await deps.scheduler.paused()) !== null) return next;
    const kept: typeof known = new Map();
    for (const schedule of deps.registry.all()) {
      const { row, plan, definition } = schedule;
      if (!plan || !definition.enabled) continue;
      const now = deps.now();
      const before = known.get(row.id);
      const isGood =
        before?.plan === plan &&
        (before.next === undefined || before.next > Math.max(now, row.decidedTo));
      const found = isGood ? before : { plan, next: (await nextSlots(schedule, now, false, 1))[0] };
      kept.set(row.id, found);
      const { pipeline } = row;
      if (found.next !== undefined)
        next.set(pipeline, Math.min(found.next, next.get(pipeline) ?? Number.POSITIVE_INFINITY));
    }
    known = kept;
    return next;
  };
};
