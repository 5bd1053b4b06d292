import { scheduleOf } from '../../machines/schedule.ts';
import type { LoadedPipeline } from '../pipelines/pipelines.ts';
import { type Plan, planOf } from './planner.ts';

/** Enough to see the shortest of a week. */
const looked = 100;

/**
 * The shortest time between two slots of one of these plans, among the next ones; null when none
 * has two.
 */
export const shortestInterval = (plans: Plan[], from: number): number | null => {
  const gaps = plans.flatMap((plan) => {
    const slots = plan.next(from, looked).map(({ slot }) => slot);
    return slots.slice(1).map((slot, index) => slot - (slots[index] as number));
  });
  return gaps.length === 0 ? null : Math.min(...gaps);
};

/** The same for the enabled schedules of a pipeline's file. */
export const intervalOfFile = (
  { definition, schedules }: Pick<LoadedPipeline, 'definition' | 'schedules'>,
  from: number,
): number | null => {
  const enabled = schedules.filter(({ written }) => written.enabled !== false);
  return shortestInterval(
    enabled.map(({ id, written }) => planOf(id, scheduleOf(written, definition.timezone))),
    from,
  );
};
