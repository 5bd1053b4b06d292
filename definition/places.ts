import type { PipelineDefinition, StageDefinition } from './definition.ts';

/** A stage or hook and where it stands in the file. */
type Place = {
  stage: StageDefinition;
  path: (string | number)[];
  /** Names of those that were done, or may have been, when it begins. */
  earlier: string[];
  isHook: boolean;
};

/** Every stage and hook in the order in which they run. */
export const placesOf = (definition: PipelineDefinition): Place[] => {
  const lists: [word: string, list: StageDefinition[]][] = [
    ['stages', definition.stages],
    ['on_failure', definition.onFailure ?? []],
    ['finally', definition.finally ?? []],
  ];
  const earlier: string[] = [];
  return lists.flatMap(([word, list]) =>
    list.map((stage, index) => {
      const place = {
        stage,
        path: [word, index],
        earlier: [...earlier],
        isHook: word !== 'stages',
      };
      earlier.push(stage.name);
      return place;
    }),
  );
};
