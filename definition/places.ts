import type { PipelineDefinition, StageDefinition, StageGroup } from './definition.ts';
import { stepsOf } from './groups.ts';

/** A stage or hook and where it stands in the file. */
type Place = {
  stage: StageDefinition;
  /** `['stages', 2]`, `['stages', 2, 'parallel', 0]`, `['finally', 0]` */
  path: (string | number)[];
  /** Names of those that were done, or may have been, when it begins. */
  earlier: string[];
  /** In which it works beside others; null when it stands alone. */
  group: StageGroup | null;
  isHook: boolean;
};

/** Every stage and hook in the order in which they run. */
export const placesOf = (definition: PipelineDefinition): Place[] => {
  const { onFailure = [], finally: last = [] } = definition;
  const alone = (stage: StageDefinition) => ({ group: null, stages: [stage] });
  const lists = [
    ['stages', stepsOf(definition)],
    ['on_failure', onFailure.map(alone)],
    ['finally', last.map(alone)],
  ] as const;
  const begun: string[] = [];
  return lists.flatMap(([word, steps]) =>
    steps.flatMap(({ group, stages }, index) => {
      const earlier = [...begun];
      begun.push(...stages.map(({ name }) => name));
      return stages.map((stage, at) => ({
        stage,
        path: [word, index, ...(group ? ['parallel', at] : [])],
        earlier,
        group,
        isHook: word !== 'stages',
      }));
    }),
  );
};
