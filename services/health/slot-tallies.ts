import type { SlotDecision, SlotRow } from '../store/slot-store.ts';
import type { StartPlan } from '../store/start-facts.ts';
import type { Store } from '../store/store.ts';
import { createSpreads, createTally } from './tally.ts';

/** What a slot became in the end; one that waits is counted when it is decided. */
export type DecidedSlot = Exclude<SlotDecision, 'waiting'>;

/**
 * What became of slots since this process began. Every decision passes through these three methods,
 * whoever made it; a plan may be made twice, and what was written is the last one.
 */
export const countSlots = (plain: Store) => {
  const decided = createTally<{ pipeline: string; decision: DecidedSlot }>();
  const lateness = createSpreads<{ pipeline: string }>([0.5, 1, 2, 5, 10, 30, 60, 300]);

  const count = (pipeline: string, rows: readonly SlotRow[]): void => {
    for (const { decision, count: slots } of rows)
      if (decision !== 'waiting') decided.add({ pipeline, decision }, slots);
  };
  const countStart = ({ writes }: StartPlan): void => {
    if (!writes?.slot) return;
    count(writes.pipeline, [writes.slot]);
    for (const { event, data } of writes.events)
      if (event === 'fired' && typeof data.late_ms === 'number')
        lateness.observe({ pipeline: writes.pipeline }, data.late_ms / 1000);
  };

  const store: Store = {
    ...plain,
    begin: async (question, plan) => {
      let told = (): void => {};
      const begun = await plain.begin(question, (facts) => {
        const planned = plan(facts);
        told = () => countStart(planned);
        return planned;
      });
      told();
      return begun;
    },
    decideSlots: async (asked, plan) => {
      let told = (): void => {};
      const written = await plain.decideSlots(asked, (facts) => {
        const writes = plan(facts);
        told = () => count(writes.pipeline, writes.rows);
        return writes;
      });
      told();
      return written;
    },
    saveBackfill: async (row, plan, pipeline, at) => {
      let told = (): void => {};
      await plain.saveBackfill(
        row,
        (waiting) => {
          const planned = plan(waiting);
          told = () => count(pipeline, planned.slots);
          return planned;
        },
        pipeline,
        at,
      );
      told();
    },
  };
  return { store, decided, lateness };
};
