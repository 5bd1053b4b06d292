import type { Status } from '../../wire/status.ts';
import { ServiceError } from '../host/service-error.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import type { LoadedPipelines } from '../pipelines/pipelines.ts';
import { idleStatus } from '../store/run-view.ts';
import type { Store, StoreSnapshot } from '../store/store.ts';

type Deps = {
  store: Pick<Store, 'latest'>;
  lookup: RunLookup;
  loaded: LoadedPipelines;
  defaultPipeline: string | null;
};
export type PipelineStatus = ReturnType<typeof createPipelineStatus>;

/** Which pipeline is meant when none is named, and which of its runs a pipeline shows. */
export const createPipelineStatus = (deps: Deps) => {
  const { store, loaded, lookup } = deps;
  const { requirePipeline, assertReady, show } = lookup;

  const namesByPreference = (): string[] => {
    const names = [...loaded.pipelines.keys()].sort();
    return [deps.defaultPipeline ?? 'market-data', ...names].filter(
      (name) => loaded.pipelines.has(name) || name === deps.defaultPipeline,
    );
  };
  const defaultPipeline = (): string => {
    const [preferred] = namesByPreference();
    if (!preferred) throw new ServiceError('unknown-pipeline', 'no pipeline is loaded');
    return preferred;
  };

  const status = async (pipeline: string): Promise<Status> => {
    assertReady();
    const { definition } = requirePipeline(pipeline);
    const { run, reset, headSeq } = await store.latest(pipeline);
    return run && !reset ? show(run, headSeq) : idleStatus(definition, headSeq, run?.runId ?? null);
  };

  /** The status of a pipeline as a snapshot of the store shows it; the same rule as `status`. */
  const statusIn = ({ runs, resets, headSeq }: StoreSnapshot, pipeline: string): Status => {
    const mine = runs
      .filter((run) => run.pipeline === pipeline)
      .sort((a, b) => b.number - a.number);
    const live = mine.filter(({ endedAt }) => endedAt === null);
    const run = live.find(({ lock }) => lock !== null) ?? live.at(-1) ?? mine[0];
    const isHidden =
      !run || (run.endedAt !== null && pipeline in resets && resets[pipeline] === run.runId);
    return isHidden
      ? idleStatus(requirePipeline(pipeline).definition, headSeq, run?.runId ?? null)
      : show(run, headSeq);
  };

  return { namesByPreference, defaultPipeline, status, statusIn };
};
