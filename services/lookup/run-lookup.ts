import { suggest } from '../../definition/suggest.ts';
import type { Status } from '../../wire/status.ts';
import { ServiceError } from '../host/service-error.ts';
import type { LoadedPipeline, LoadedPipelines } from '../pipelines/pipelines.ts';
import { type LiveMarks, statusOf } from '../store/run-view.ts';
import type { RunRow, Store } from '../store/store.ts';

/** What queries and commands begin with: does it exist, and may it be told? */
export type RunLookup = {
  /** @throws unknown-pipeline */
  requirePipeline(pipeline: string): LoadedPipeline;
  /** @throws starting */
  assertReady(): void;
  show(run: RunRow, headSeq: number): Status;
  /** @throws unknown-run */
  requireRun(runId: string): Promise<{ run: RunRow; headSeq: number }>;
};

export const createRunLookup = (deps: {
  store: Pick<Store, 'run'>;
  loaded: LoadedPipelines;
  /** Newer than the row: what working stages said and showed last. */
  live: (runId: string) => LiveMarks;
  isStarting: () => boolean;
}): RunLookup => ({
  requirePipeline: (name) => {
    const entry = deps.loaded.pipelines.get(name);
    if (entry) return entry;
    const nearest = suggest(name, [...deps.loaded.pipelines.keys()]);
    throw new ServiceError(
      'unknown-pipeline',
      `there is no pipeline ${name}${nearest ? `; did you mean ${nearest}?` : ''}`,
    );
  },
  assertReady: () => {
    if (deps.isStarting())
      throw new ServiceError(
        'starting',
        'the service is recovering the state of its predecessor; try again in a second',
      );
  },
  show: (run, headSeq) => statusOf(run, headSeq, deps.live(run.runId)),
  requireRun: async (runId) => {
    const found = await deps.store.run(runId);
    if (!found) throw new ServiceError('unknown-run', `there is no run ${runId}`);
    return found;
  },
});
