import type { ScheduleDefinition } from '../../definition/schedule.ts';
import type { Coming } from '../../wire/schedule-view.ts';
import type { Plan, PlannedSlot } from '../calendar/planner.ts';
import { nextTurn } from '../host/clock.ts';
import type { Forecast } from './preview.ts';

/** A schedule of a pipeline as it is looked at: so many of its slots are asked for. */
export type ScheduleLane = {
  id: string;
  plan: Plan;
  policy: Pick<ScheduleDefinition, 'overlap'>;
  after: number;
  wanted: number;
};
export type Looked = { planned: PlannedSlot[]; coming: Coming[] };

/**
 * So many slots of other schedules are looked at, at most; beyond them one is judged by its own
 * slots alone.
 */
const maxOthers = 2000;

/**
 * The coming slots of a pipeline's schedules, each judged in the order in which they fire (those of
 * one instant in the order of `lanes`). A slot may cost milliseconds, so between two of them others
 * have their turn.
 * @returns by schedule; `until` = the instant up to which all were judged together, null = to the end
 */
export const lookAlong = async (
  lanes: ScheduleLane[],
  forecast: Forecast,
): Promise<{ by: Map<string, Looked>; until: number | null }> => {
  const by = new Map<string, Looked>(lanes.map(({ id }) => [id, { planned: [], coming: [] }]));
  const heads = [];
  for (const { plan, after, ...lane } of lanes) {
    const source = plan.slots(after);
    heads.push({ ...lane, source, next: source.next() });
    await nextTurn();
  }
  let others = 0;
  let until: number | null = null;
  const isWanted = ({ id, wanted }: Pick<ScheduleLane, 'id' | 'wanted'>): boolean =>
    (by.get(id) as Looked).coming.length < wanted;
  for (;;) {
    const wanted = heads.filter((head) => !head.next.done && isWanted(head));
    if (wanted.length === 0) return { by, until };
    const open = until === null ? heads.filter(({ next }) => !next.done) : wanted;
    const head = open.reduce((first, one) =>
      (one.next.value as PlannedSlot).fireAt < (first.next.value as PlannedSlot).fireAt
        ? one
        : first,
    );
    const planned = head.next.value as PlannedSlot;
    const coming = forecast(head.id, planned, head.policy);
    if (isWanted(head)) {
      const looked = by.get(head.id) as Looked;
      looked.planned.push(planned);
      looked.coming.push(coming);
    } else if (++others >= maxOthers) until = planned.fireAt;
    head.next = head.source.next();
    await nextTurn();
  }
};
