import type { Log } from '../host/logger.ts';
import type { Charts } from '../interpreter/charts.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import { hasSecrets, type Secrets, type SecretsOf } from '../secrets/secrets.ts';
import type { Committed } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';
import { createLiveFeed, type LiveViewer, type LiveWatch } from './live-feed.ts';
import { redacted } from './redaction.ts';
import { openStory, type RunStory } from './run-story.ts';
import { createSubjects } from './subjects.ts';

/** Runs as frames of the inspection dialect: made of what is stored, when somebody looks. */
export type Inspection = {
  /** A run from its beginning, and on while it lives. @throws starting, unknown-run */
  runStory(runId: string): Promise<RunStory>;
  /** Called with the run after each of its steps. Returns unsubscribe. */
  onStep(listener: (runId: string) => void): () => void;
  /** All live runs from now on. @throws starting */
  watchLive(viewer: LiveViewer): Promise<LiveWatch>;
  /** What another program says, as it may be shown. */
  cleanForeign(value: unknown): unknown;
  /** Something of the feed went wrong: it is counted, and no run is the worse for it. */
  inspectionFailed(error: unknown): void;
  inspectionFailures(): number;
};

/** Beside the port: hears of each commit, after everybody whose work it is. */
export const createInspection = (deps: {
  store: Pick<Store, 'run' | 'runs' | 'ledger' | 'chart'>;
  charts: Charts;
  secrets: Pick<Secrets, 'maskOf'>;
  lookup: Pick<RunLookup, 'assertReady' | 'requireRun'>;
  pipelines: () => Iterable<SecretsOf>;
  onCommit: (listener: (committed: Committed) => void) => void;
  log: Log;
}): Inspection => {
  const { store, lookup, log } = deps;
  let failures = 0;
  const inspectionFailed = (error: unknown): void => {
    failures += 1;
    log('the inspection feed failed; who looked is told to look again', { error: String(error) });
  };
  const subjects = createSubjects(deps);
  const live = createLiveFeed({ store, subjects, onFailure: inspectionFailed });
  const listeners = new Set<(runId: string) => void>();
  deps.onCommit((committed) => {
    live.settle(committed);
    for (const listener of listeners)
      try {
        listener(committed.run.runId);
      } catch (error) {
        inspectionFailed(error);
      }
  });
  return {
    runStory: async (runId) => {
      lookup.assertReady();
      const { run } = await lookup.requireRun(runId);
      return openStory(store, subjects, run);
    },
    onStep: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    watchLive: async (viewer) => {
      lookup.assertReady();
      return live.watch(viewer);
    },
    cleanForeign: (value) => {
      const withSecrets = [...deps.pipelines()].filter(({ definition }) => hasSecrets(definition));
      const cleaners = withSecrets.map(subjects.cleanerOf);
      return cleaners.reduce((shown, clean) => clean(shown), redacted(value));
    },
    inspectionFailed,
    inspectionFailures: () => failures,
  };
};
