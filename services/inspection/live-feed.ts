import type { InspectionFrame } from '../../wire/inspection.ts';
import type { Committed } from '../store/run-rows.ts';
import { liveRuns } from '../store/run-view.ts';
import type { Store } from '../store/store.ts';
import { inputOf, type Subjects } from './subjects.ts';
import type { Teller } from './teller.ts';

/** Who looks at all live runs. */
export type LiveViewer = {
  frames(frames: readonly InspectionFrame[]): void;
  /** Something is missing from here on: only a new beginning tells the truth. */
  failed(): void;
};
export type LiveWatch = {
  /** Tells of one more run that was live before. @returns false when all have been told */
  announce(): Promise<boolean>;
  leave(): void;
};
export type LiveFeed = {
  settle(committed: Committed): void;
  watch(viewer: LiveViewer): Promise<LiveWatch>;
};

/** What a viewer has heard of; of other runs it hears nothing until they are announced. */
type Watching = { viewer: LiveViewer; known: Set<string>; pending: string[] };

/**
 * All live runs, told to whoever looks, made once for all of them. While nobody looks nothing is
 * kept, read or made.
 */
export const createLiveFeed = (deps: {
  store: Pick<Store, 'run' | 'runs'>;
  subjects: Subjects;
  /** Counts what went wrong here; it is nobody else's trouble. */
  onFailure: (error: unknown) => void;
}): LiveFeed => {
  const { store, subjects, onFailure } = deps;
  const watching = new Set<Watching>();

  const tell = (teller: Teller, { run, decision }: Committed): void => {
    const { runId } = run;
    const isFirst = teller.n === 0;
    const row = { ...decision.ledger, n: run.ledgerN, at: decision.at };
    const begin = isFirst ? teller.begin(inputOf(run)) : [];
    const frames = [...begin, ...teller.step({ ...row, snapshot: decision.next?.snapshot })];
    for (const { viewer, known } of watching) {
      if (isFirst) known.add(runId);
      if (known.has(runId)) viewer.frames(frames);
    }
    if (run.endedAt === null) return;
    tracked.drop(runId);
    for (const { known } of watching) known.delete(runId);
  };
  const failed = (error: unknown): void => {
    onFailure(error);
    tracked.clear();
    for (const one of watching) {
      watching.delete(one);
      one.viewer.failed();
    }
  };
  const tracked = createTrackedRuns({ store, subjects, tell, failed });
  const leave = (one: Watching): void => {
    watching.delete(one);
    if (watching.size === 0) tracked.clear();
  };
  const announce = async (one: Watching): Promise<boolean> => {
    const runId = one.pending.shift();
    if (runId === undefined || !watching.has(one)) return false;
    if (one.known.has(runId)) return true;
    const teller = await tracked.tellerOf(runId);
    if (!teller || one.known.has(runId) || !watching.has(one)) return true;
    one.known.add(runId);
    one.viewer.frames(teller.now());
    return true;
  };

  return {
    settle: (committed) => {
      if (watching.size > 0) tracked.settle(committed);
    },
    watch: async (viewer) => {
      const one: Watching = { viewer, known: new Set(), pending: [] };
      // First: what begins while the list is read is heard of by its first step.
      watching.add(one);
      try {
        one.pending = (await liveRuns(store)).map(({ runId }) => runId);
      } catch (error) {
        leave(one);
        throw error;
      }
      return { announce: () => announce(one), leave: () => leave(one) };
    },
  };
};

/** A live run, while somebody looks; `waiting` = it is being read, and this has happened since. */
type Tracked = { teller: Teller | null; waiting: Committed[]; ready: Promise<Teller | null> };

/** The runs of which somebody has been told, each at the step that was told last. */
const createTrackedRuns = ({
  store,
  subjects,
  tell,
  failed,
}: {
  store: Pick<Store, 'run'>;
  subjects: Subjects;
  tell: (teller: Teller, committed: Committed) => void;
  failed: (error: unknown) => void;
}) => {
  const runs = new Map<string, Tracked>();
  const open = (runId: string, read: Promise<Teller | null>): Tracked => {
    const entry: Tracked = { teller: null, waiting: [], ready: Promise.resolve(null) };
    runs.set(runId, entry);
    /** Everything of the run that was committed while it was read comes next, in order. */
    const begin = (teller: Teller | null): Teller | null => {
      // Nobody looks any more, or all was begun anew.
      if (runs.get(runId) !== entry) return null;
      if (!teller) runs.delete(runId);
      entry.teller = teller;
      for (const committed of entry.waiting.splice(0))
        if (teller && committed.run.ledgerN > teller.n) tell(teller, committed);
      return teller;
    };
    entry.ready = read.then(begin).catch((error) => {
      failed(error);
      return null;
    });
    return entry;
  };
  const standing = async (runId: string): Promise<Teller | null> => {
    const found = await store.run(runId);
    if (!found || found.run.endedAt !== null) return null;
    return subjects.fromHere(found.run, found.effects);
  };
  return {
    tellerOf: (runId: string) => (runs.get(runId) ?? open(runId, standing(runId))).ready,
    settle: (committed: Committed): void => {
      const { runId, ledgerN } = committed.run;
      const entry = runs.get(runId);
      try {
        if (entry?.teller) tell(entry.teller, committed);
        else if (entry) entry.waiting.push(committed);
        // Of one that nobody has been told of, only the beginning is news.
        else if (ledgerN === 1)
          open(runId, subjects.fromTheStart(committed.run)).waiting.push(committed);
      } catch (error) {
        failed(error);
      }
    },
    drop: (runId: string): void => void runs.delete(runId),
    clear: (): void => runs.clear(),
  };
};
