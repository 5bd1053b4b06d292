import type { NewEvent } from '../../wire/events.ts';
import { iso } from '../../wire/iso.ts';
import type { Backfill } from '../../wire/schedule-view.ts';
import { ServiceError } from '../host/service-error.ts';
import type {
  BackfillProgress,
  BackfillRow,
  SlotOutcome,
  SlotRow,
  SlotStore,
} from '../store/slot-store.ts';
import { pacedBetween } from './paced.ts';
import type { Schedule } from './schedule-registry.ts';
import type { BackfillRequest } from './schedules-port.ts';
import { policyOf, wouldOf } from './slot-words.ts';

/** More runs than this are asked for by mistake. */
const maxSlots = 1000;

type Deps = {
  store: SlotStore;
  now: () => number;
  nextId: () => string;
  changed: () => Promise<void>;
  wake: () => void;
};

const viewOf = (row: BackfillProgress): Backfill => ({
  id: row.id,
  schedule: row.scheduleId,
  from: iso(row.from),
  to: iso(row.to),
  by: row.by,
  reason: row.reason,
  created_at: iso(row.at),
  state:
    row.cancelledBy !== null ? 'cancelled' : (row.counts.waiting ?? 0) > 0 ? 'running' : 'done',
  counts: row.counts,
});

/** Past slots of a schedule, run again or for the first time, one after the other. */
export const createBackfills = ({ store, now, nextId, changed, wake }: Deps) => {
  const invalid = (pointer: string, detail: string) =>
    new ServiceError('invalid-backfill', 'the window of the backfill is invalid', {
      errors: [{ pointer, detail }],
    });

  const begin = async (
    schedule: Schedule,
    { from, to, again, dryRun, reason, actor }: BackfillRequest,
  ): Promise<Backfill> => {
    const { row, plan, problem } = schedule;
    if (!plan) throw invalid('', `the schedule cannot run: ${problem}`);
    if (from >= to) throw invalid('/to', 'must be later than from');
    if (to > now())
      throw invalid('/to', 'must be in the past; slots that are still to come fire by themselves');
    const planned = await pacedBetween(plan.slots(from - 1), to, maxSlots + 1);
    if (planned.length > maxSlots)
      throw invalid('/to', `the window contains more than ${maxSlots} slots; take a shorter one`);
    const done = await doneSlots(row.id, from, to);
    const slots = planned.map(({ slot, local, skip }) => {
      const earlier = again ? undefined : done.get(slot);
      const why = skip
        ? skip.detail
        : earlier
          ? `run ${earlier.runNumber} is ${earlier.runState}`
          : null;
      return { at: slot, slot: iso(slot), local, runs: why === null, why };
    });
    const shown = slots.map(({ at: _, ...rest }) => rest);
    const runs = slots.filter((one) => one.runs);
    const at = now();
    const made: BackfillRow = {
      id: `b_${nextId().slice(2)}`,
      scheduleId: row.id,
      from,
      to,
      by: actor.name,
      reason,
      at,
      cancelledBy: null,
    };
    const view = { ...viewOf({ ...made, counts: { waiting: runs.length } }), slots: shown };
    if (dryRun)
      return {
        ...view,
        id: null,
        state: 'planned',
        counts: { would_run: runs.length, left_out: slots.length - runs.length },
      };
    const rows = runs.map(
      ({ at: slot }): SlotRow => ({
        scheduleId: row.id,
        backfill: made.id,
        slot,
        slotTo: slot,
        count: 1,
        decision: 'waiting',
        runId: null,
        reason: null,
        policy: policyOf(schedule),
        would: wouldOf(schedule, slot),
        at,
      }),
    );
    const msg = `${actor.name} asked for a backfill of schedule ${row.id}: ${rows.length} ${rows.length === 1 ? 'slot' : 'slots'} from ${view.from} to ${view.to}`;
    await store.saveBackfill(
      made,
      rows,
      event(row.id, made.id, msg, { command: 'BACKFILL', by: actor.name, count: rows.length }),
      row.pipeline,
    );
    wake();
    await changed();
    return view;
  };

  /** Slots whose run is DONE, in whichever series. */
  const doneSlots = async (
    scheduleId: string,
    from: number,
    to: number,
  ): Promise<Map<number, SlotOutcome>> => {
    const found = new Map<number, SlotOutcome>();
    for (let before = to + 1; ; ) {
      const page = await store.slots({ scheduleId, before, limit: 500 });
      for (const row of page)
        if (row.runState === 'DONE' && row.slot >= from) found.set(row.slot, row);
      const last = page.at(-1);
      if (!last || page.length < 500 || last.slot < from) return found;
      before = last.slot;
    }
  };

  const all = async (scheduleId: string | null): Promise<Backfill[]> =>
    (await store.backfills(scheduleId)).map(viewOf);

  return {
    begin,
    all,
    cancel: async (
      id: string,
      by: string,
      pipelineOf: (scheduleId: string) => string,
    ): Promise<Backfill> => {
      const row = (await store.backfills(null)).find((one) => one.id === id);
      if (!row) throw new ServiceError('unknown-backfill', `there is no backfill ${id}`);
      const told = (count: number): NewEvent =>
        event(
          row.scheduleId,
          id,
          `${by} cancelled the backfill ${id}: ${count} ${count === 1 ? 'slot is' : 'slots are'} not run`,
          {
            command: 'CANCEL',
            by,
            count,
          },
        );
      await store.cancelBackfill(id, by, told, pipelineOf(row.scheduleId), now());
      wake();
      return (await all(row.scheduleId)).find((one) => one.id === id) as Backfill;
    },
  };
};

const event = (schedule: string, backfill: string, msg: string, data: object): NewEvent => ({
  stage: 'scheduler',
  event: 'changed',
  severity: 'info',
  msg,
  data: { schedule, backfill, ...data },
});
