import { suggest } from '../../definition/suggest.ts';
import type { Status } from '../../wire/status.ts';
import { ServiceError } from '../host/service-error.ts';
import type { LoadedPipeline, LoadedPipelines } from '../pipelines/pipelines.ts';
import type { RunRow } from '../store/run-rows.ts';
import { type LiveMarks, statusOf } from '../store/run-view.ts';
import type { Store } from '../store/store.ts';

/** What queries and commands begin with: does it exist, and may it be told? */
export type RunLookup = {
  /** @throws unknown-pipeline */
  requirePipeline(pipeline: string): LoadedPipeline;
  /** @throws starting */
  assertReady(): void;
  find(pipeline: string): LoadedPipeline | undefined;
  whyUnknown(pipeline: string): string;
  /** Why nothing is told yet; null when it is. */
  whyStarting(): string | null;
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
}): RunLookup => {
  const find = (name: string): LoadedPipeline | undefined => deps.loaded.pipelines.get(name);
  const whyUnknown = (name: string): string => {
    const nearest = suggest(name, [...deps.loaded.pipelines.keys()]);
    return `there is no pipeline ${name}${nearest ? `; did you mean ${nearest}?` : ''}`;
  };
  const whyStarting = (): string | null =>
    deps.isStarting()
      ? 'the service is recovering the state of its predecessor; try again in a second'
      : null;
  return {
    find,
    whyUnknown,
    whyStarting,
    requirePipeline: (name) => {
      const entry = find(name);
      if (entry) return entry;
      throw new ServiceError('unknown-pipeline', whyUnknown(name));
    },
    assertReady: () => {
      const why = whyStarting();
      if (why !== null) throw new ServiceError('starting', why);
    },
    show: (run, headSeq) => statusOf(run, headSeq, deps.live(run.runId)),
    requireRun: async (runId) => {
      const found = await deps.store.run(runId);
      if (!found) throw new ServiceError('unknown-run', `there is no run ${runId}`);
      return found;
    },
  };
};
