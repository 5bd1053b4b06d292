import { deadlineOf } from '../calendar/deadline.ts';
import type { Clock } from '../host/clock.ts';
import type { DeadlineFacts, DeadlineWrites } from '../store/slot-store.ts';
import type { Store } from '../store/store.ts';
import type { Schedule, ScheduleRegistry } from './schedule-registry.ts';

/** After a long absence the newest are judged; for the others nobody can be in time any more. */
const mostAtOnce = 10;
/** A slot that was to run; the others were left out by somebody's own rule. */
const expected = ['started', 'queued', 'waiting', 'missed', 'blocked', 'refused'];

const iso = (at: number): string => new Date(at).toISOString();

/** What is said of a slot whose deadline has passed; null when its run was done, or none was to be. */
const judgeDeadline = (
  { decision, run, doneAt }: DeadlineFacts,
  { schedule, slot, deadline }: { schedule: Schedule; slot: number; deadline: number },
): DeadlineWrites['event'] => {
  if (doneAt !== null && doneAt <= deadline) return null;
  if (decision !== null && !expected.includes(decision)) return null;
  const { id } = schedule.row;
  const what =
    doneAt !== null
      ? `was done only at ${iso(doneAt)}`
      : run === null
        ? `has no run (${decision ?? 'undecided'})`
        : run.endedAt === null
          ? `is not done: run ${run.number} is ${run.state}`
          : `is not done: run ${run.number} ended ${run.state}`;
  return {
    stage: 'scheduler',
    event: 'warning',
    severity: 'warning',
    msg: `the slot ${iso(slot)} of schedule ${id} ${what}, and its deadline was ${iso(deadline)}`,
    data: {
      kind: 'late',
      schedule: id,
      slot: iso(slot),
      deadline: iso(deadline),
      ...(run && { run_id: run.runId }),
    },
    runId: run?.runId ?? null,
  };
};

/** Looks for slots whose run was not done in time, and says so once each. */
export const createDeadlines = ({
  store,
  registry,
  clock,
  wake,
}: {
  store: Pick<Store, 'passDeadline' | 'deadlineMark'>;
  registry: Pick<ScheduleRegistry, 'all'>;
  clock: Pick<Clock, 'wallMs'>;
  wake: () => void;
}) => {
  /** Up to where each was judged; a schedule that has changed is another one. */
  const judged = new WeakMap<Schedule, { to: number; nextAt: number }>();

  /** What was due before the schedule said so had no such deadline. */
  const begin = async (schedule: Schedule, now: number): Promise<number> => {
    const mark = await store.deadlineMark(schedule.row.id);
    return mark === null ? now : Math.max(mark, schedule.row.updatedAt);
  };
  const nextOf = ({ plan, definition }: Schedule, to: number): number => {
    const [next] = plan?.between(to, Number.POSITIVE_INFINITY, 1) ?? [];
    return (next && deadlineOf(definition, next.slot)) ?? Number.POSITIVE_INFINITY;
  };
  const judge = async (schedule: Schedule, from: number, now: number): Promise<number> => {
    const { row, plan, definition } = schedule;
    const due = (plan?.between(from, now, 2000) ?? []).flatMap(({ slot }) => {
      const deadline = deadlineOf(definition, slot);
      return deadline !== null && deadline <= now ? [{ slot, deadline }] : [];
    });
    const last = due.at(-1);
    // A schedule that was looked at for the first time is marked as well.
    if (!last) await store.passDeadline(row, from, () => ({ event: null }), now);
    for (const { slot, deadline } of due.slice(-mostAtOnce))
      await store.passDeadline(
        row,
        slot,
        (facts) => ({ event: judgeDeadline(facts, { schedule, slot, deadline }) }),
        now,
      );
    if (last) wake();
    return last?.slot ?? from;
  };

  return {
    look: async (): Promise<void> => {
      const now = clock.wallMs();
      for (const schedule of registry.all()) {
        const { definition, plan } = schedule;
        if (definition.deadline === null || !definition.enabled || !plan) continue;
        const known = judged.get(schedule);
        if (known && now < known.nextAt) continue;
        const to = await judge(schedule, known?.to ?? (await begin(schedule, now)), now);
        judged.set(schedule, { to, nextAt: nextOf(schedule, to) });
      }
    },
  };
};
