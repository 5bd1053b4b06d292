import { rulesOf } from '../../definition/kinds/stage-kinds.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import { definitionView } from '../pipelines/definition-view.ts';
import { type LintFacts, lintOf } from '../pipelines/lint-pipeline.ts';
import { type LoadedPipeline, type LoadedPipelines, labelled } from '../pipelines/pipelines.ts';
import type { Schedules } from '../scheduler/schedules-port.ts';
import { policyView } from '../start/failure-policy.ts';
import { headOnly } from '../store/journal-store.ts';
import { groupField } from '../store/run-view.ts';
import type { Store } from '../store/store.ts';
import type { Queries } from './orchestrator-port.ts';

type Deps = {
  store: Pick<Store, 'runs' | 'journal' | 'latest'>;
  lookup: RunLookup;
  loaded: LoadedPipelines;
  lintFacts: (pipeline: string) => Promise<LintFacts>;
} & Pick<Queries, 'status' | 'defaultPipeline'> &
  Pick<Schedules, 'nextSlotsOf'>;

const shownOutcomes = 30;

/**
 * What is known of pipelines: what their files say, what may go wrong with them, and how they went.
 */
export const createPipelineQueries = (deps: Deps): Pick<Queries, 'pipelines' | 'pipeline'> => {
  const { store, loaded, lookup } = deps;

  const summaryOf = async (entry: LoadedPipeline) => {
    const { definition, file } = entry;
    const { streak } = await store.latest(definition.name);
    return {
      name: definition.name,
      title: definition.title,
      default: definition.name === deps.defaultPipeline(),
      file,
      labels: definition.labels ?? [],
      stages: definition.stages.map(({ name, program }) => ({
        name,
        uses: rulesOf(program).describe(program),
        ...groupField(definition, name),
      })),
      params: definition.params,
      policy: policyView(streak, definition.onFailures ?? null),
      lint: lintOf(entry, await deps.lintFacts(definition.name)),
      status: await deps.status(definition.name),
      next_slots: await deps.nextSlotsOf(definition.name),
    };
  };

  return {
    pipelines: async (label) => {
      const items = await Promise.all(labelled(loaded, label).map(summaryOf));
      const { headSeq } = await store.journal(headOnly);
      return { items, problems: loaded.problems, as_of_seq: headSeq };
    },
    pipeline: async (name) => {
      lookup.assertReady();
      const entry = lookup.requirePipeline(name);
      // Read first: what is read after it is never older than it says.
      const { items, headSeq } = await store.runs({ pipeline: name, limit: shownOutcomes });
      const outcomes = items.map((run) => {
        const {
          run_id,
          number,
          state,
          outcome,
          trigger,
          created_at,
          started_at,
          ended_at,
          duration_ms,
          error,
        } = lookup.show(run, headSeq);
        const code = error?.code ?? null;
        return {
          run_id,
          number,
          state,
          outcome,
          trigger,
          created_at,
          started_at,
          ended_at,
          duration_ms,
          error_code: code,
        };
      });
      return {
        ...(await summaryOf(entry)),
        definition: definitionView(entry.definition),
        outcomes,
        problems: loaded.problems.filter(({ file }) => file === entry.file),
        as_of_seq: headSeq,
      };
    },
  };
};
