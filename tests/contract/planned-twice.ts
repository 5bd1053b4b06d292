import type { OutboxStore } from '../../services/store/outbox-store.ts';
import type { RetentionStore } from '../../services/store/retention-store.ts';
import type { Store } from '../../services/store/store.ts';

/** Plans twice, as a store does whose transaction failed to serialize; both plans must be equal. */
export const twice =
  <A extends unknown[], R>(plan: (...args: A) => R): ((...args: A) => R) =>
  (...args) => {
    const first = JSON.stringify(plan(...args));
    const second = plan(...args);
    expect(JSON.stringify(second)).toBe(first);
    return second;
  };

/** What the contract asks about; a store that forgets, tells somebody and makes up for what was missed is more. */
export type ContractStore = Omit<
  Store,
  | keyof RetentionStore
  | keyof OutboxStore
  | 'saveBackfill'
  | 'backfills'
  | 'deadlineMark'
  | 'passDeadline'
  | 'checkpoint'
>;

/** A store that asks every question twice. */
export const plannedTwice = (store: ContractStore): ContractStore => ({
  ...store,
  begin: (question, plan) => store.begin(question, twice(plan)),
  admit: (runId, plan) => store.admit(runId, twice(plan)),
  step: (runId, decide) => store.step(runId, twice(decide)),
  amend: (changes, at) =>
    store.amend(
      changes.map((one) => ({ ...one, change: twice(one.change) })),
      at,
    ),
  amendPipeline: (pipeline, plan, at) => store.amendPipeline(pipeline, twice(plan), at),
  decideSlots: (asked, plan) => store.decideSlots(asked, twice(plan)),
});
