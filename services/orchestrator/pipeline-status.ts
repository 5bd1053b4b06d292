import type { PipelineDefinition } from '../../definition/definition.ts';
import type { Status } from '../../wire/status.ts';
import { ServiceError } from '../host/service-error.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import type { LoadedPipelines } from '../pipelines/pipelines.ts';
import type { StoreSnapshot } from '../store/journal-store.ts';
import type { PipelineFacts } from '../store/run-store.ts';
import { idleStatus, shownRun } from '../store/run-view.ts';
import type { Store } from '../store/store.ts';

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
    return statusOf(definition, await store.latest(pipeline));
  };

  const statusOf = (
    definition: PipelineDefinition,
    { runs, reset, headSeq }: Pick<PipelineFacts, 'runs' | 'reset' | 'headSeq'>,
  ): Status => {
    const { run, isHidden } = shownRun(runs, reset);
    return run && !isHidden
      ? show(run, headSeq)
      : idleStatus(definition, headSeq, run?.runId ?? null);
  };

  /** The status of a pipeline as a snapshot of the store shows it. */
  const statusIn = ({ runs, resets, headSeq }: StoreSnapshot, pipeline: string): Status => {
    const mine = runs.filter((run) => run.pipeline === pipeline);
    const reset = resets[pipeline];
    return statusOf(requirePipeline(pipeline).definition, { runs: mine, reset, headSeq });
  };

  return { namesByPreference, defaultPipeline, status, statusIn };
};
