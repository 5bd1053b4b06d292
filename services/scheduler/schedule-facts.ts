import type { ScheduleFacts } from '../../definition/finding.ts';
import { scheduleOf } from '../../definition/schedule.ts';
import { localText } from '../calendar/moment.ts';
import { type Plan, planOf } from '../calendar/planner.ts';
import { readSkipDays } from '../calendar/skip-days.ts';
import { zoneOf } from '../calendar/zone.ts';
import { nextTurn } from '../host/clock.ts';
import type { LoadedPipeline } from '../pipelines/pipelines.ts';
import { paced } from './paced.ts';
import { secondOf } from './preview.ts';

/** Enough to see the shortest time of a week between two. */
const looked = 100;
/** Slots that are left out are read over, so many at most. */
const maxRead = 1000;
/** Of the schedules of one pipeline so many slots are held against each other. */
const maxCompared = 2000;

/** A schedule to be looked at, in the order in which its slots have their turn. */
export type PlannedSchedule = Pick<ScheduleFacts, 'id' | 'pointer' | 'enabled' | 'saysOverlap'> & {
  plan: Plan;
  timezone: string;
};
type Ahead = { slots: number[]; isAll: boolean };

/** The next slots that are not left out. */
const lookAhead = async (plan: Plan, from: number): Promise<Ahead> => {
  const slots: number[] = [];
  let read = 0;
  for await (const { slot, skip } of paced(plan.slots(from))) {
    if (skip === null) slots.push(slot);
    read += 1;
    if (slots.length >= looked || read >= maxRead) return { slots, isAll: false };
  }
  return { slots, isAll: true };
};

const shortest = (slots: number[]): number | null => {
  const gaps = slots.slice(1).map((slot, index) => slot - (slots[index] as number));
  return gaps.length === 0 ? null : Math.min(...gaps);
};
const reachOf = ({ slots, isAll }: Ahead): number =>
  isAll ? Number.POSITIVE_INFINITY : (slots.at(-1) ?? 0);

/** What the planner can say of the schedules of one pipeline, for the linter. */
export const factsOf = async (
  schedules: PlannedSchedule[],
  from: number,
): Promise<ScheduleFacts[]> => {
  const ahead: Ahead[] = [];
  for (const { plan } of schedules) ahead.push(await lookAhead(plan, from));
  let compared = 0;
  /** The first slot of the one that is due less often that the other has in the same second. */
  const meeting = async (a: number, b: number): Promise<number | null> => {
    const isSparser = reachOf(ahead[a] as Ahead) > reachOf(ahead[b] as Ahead);
    const [sparse, dense] = isSparser ? [a, b] : [b, a];
    for (const slot of (ahead[sparse] as Ahead).slots) {
      if (compared >= maxCompared) return null;
      compared += 1;
      const second = secondOf(slot) * 1000;
      const { plan } = schedules[dense] as PlannedSchedule;
      if (plan.between(second - 1, second + 999, 2).some(({ skip }) => skip === null)) return slot;
      await nextTurn();
    }
    return null;
  };
  const facts: ScheduleFacts[] = [];
  for (const [index, { plan: _, timezone, ...known }] of schedules.entries()) {
    let meets: ScheduleFacts['meets'] = null;
    for (let earlier = 0; earlier < index && !meets; earlier += 1) {
      const at = await meeting(earlier, index);
      if (at !== null)
        meets = {
          other: (schedules[earlier] as PlannedSchedule).id,
          at: localText(at, zoneOf(timezone)),
        };
    }
    const { slots, isAll } = ahead[index] as Ahead;
    const isOver = isAll && slots.length === 0;
    facts.push({ ...known, intervalMs: shortest(slots), isOver, meets });
  }
  return facts;
};

/** The same for the schedules of a pipeline's file. */
export const factsOfFile = async (
  {
    definition,
    schedules,
    projectDir,
  }: Pick<LoadedPipeline, 'definition' | 'schedules' | 'projectDir'>,
  from: number,
): Promise<ScheduleFacts[]> => {
  const known: PlannedSchedule[] = [];
  for (const [index, { id, written }] of schedules.entries()) {
    const schedule = scheduleOf(written, definition.timezone);
    // A calendar that cannot be read is a fault of its own.
    const days = await readSkipDays(written, projectDir).catch(() => new Map());
    known.push({
      id,
      pointer: `/schedules/${index}`,
      enabled: schedule.enabled,
      saysOverlap: written.overlap !== undefined,
      plan: planOf(id, schedule, days),
      timezone: schedule.timezone,
    });
  }
  return factsOf(known, from);
};
