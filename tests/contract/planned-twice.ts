import type { Store } from '../../services/store/store.ts';

/** Plans twice, as a store does whose transaction failed to serialize; both plans must be equal. */
const twice =
  <A extends unknown[], R>(plan: (...args: A) => R): ((...args: A) => R) =>
  (...args) => {
    const first = JSON.stringify(plan(...args));
    const second = plan(...args);
    expect(JSON.stringify(second)).toBe(first);
    return second;
  };

/** A store that asks every question twice. */
export const plannedTwice = (store: Store): Store => ({
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
  removeRuns: (runIds, mayGo) => store.removeRuns(runIds, twice(mayGo)),
  outbox: (plan) => store.outbox(twice(plan)),
  addMessages: (plan, at) => store.addMessages(twice(plan), at),
  passDeadline: (schedule, slot, plan, at) => store.passDeadline(schedule, slot, twice(plan), at),
  saveBackfill: (row, plan, pipeline, at) => store.saveBackfill(row, twice(plan), pipeline, at),
});
