import type { InspectionFrame } from '../../wire/inspection.ts';
import type { RunRow } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';
import { inputOf, type Subjects } from './subjects.ts';

/** One row of the ledger as frames; the first has what stood before all rows. */
type ToldStep = { at: number; frames: InspectionFrame[] };
/** A position in the ledger of one run; nothing of it is in memory but where it stands. */
export type RunStory = {
  /**
   * The next steps, at most `limit`. None: there is nothing more by now, or, if `isOver`, at all.
   */
  next(limit: number): Promise<{ steps: ToldStep[]; isOver: boolean }>;
};

export const openStory = async (
  store: Pick<Store, 'run' | 'ledger'>,
  subjects: Pick<Subjects, 'fromTheStart'>,
  run: RunRow,
): Promise<RunStory> => {
  const { runId } = run;
  const teller = await subjects.fromTheStart(run);
  let isBegun = false;
  return {
    next: async (limit) => {
      // Before the rows: what is written until the run is over is read below.
      const now = await store.run(runId);
      const rows = await store.ledger(runId, { after: teller.n, limit });
      const steps: ToldStep[] = [];
      if (!isBegun) steps.push({ at: run.createdAt, frames: teller.begin(inputOf(run)) });
      isBegun = true;
      for (const row of rows) {
        const [left] =
          row.verdict === 'accepted' ? await store.ledger(runId, { version: row.version }) : [];
        const frames = teller.step({ ...row, snapshot: left?.snapshot ?? null });
        steps.push({ at: row.at, frames });
      }
      // Removed meanwhile: there is nothing more to tell of it.
      const isEnded = now === null || now.run.endedAt !== null;
      return { steps, isOver: isEnded && rows.length < limit };
    },
  };
};
