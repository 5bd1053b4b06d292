import type { PipelineDefinition, StageDefinition, StageGroup } from './definition.ts';

type Staged = Pick<PipelineDefinition, 'stages' | 'groups'>;
/** What is done at a time: one stage, or the stages of a group beside each other. */
type Step = { group: StageGroup | null; stages: StageDefinition[] };

export const groupOf = ({ groups = [] }: Staged, stage: string): StageGroup | null =>
  groups.find(({ stages }) => stages.includes(stage)) ?? null;

/** A pipeline in the order in which it works. */
export const stepsOf = (definition: Staged): Step[] => {
  const steps: Step[] = [];
  for (const stage of definition.stages) {
    const group = groupOf(definition, stage.name);
    const last = steps.at(-1);
    if (last && group !== null && last.group === group) last.stages.push(stage);
    else steps.push({ group, stages: [stage] });
  }
  return steps;
};

const stepAt = (definition: Staged, stage: string): [steps: Step[], at: number] => {
  const steps = stepsOf(definition);
  return [steps, steps.findIndex(({ stages }) => stages.some(({ name }) => name === stage))];
};

/** The stages that have surely ended when this one begins. */
export const stagesBefore = (definition: Staged, stage: string): StageDefinition[] => {
  const [steps, at] = stepAt(definition, stage);
  return steps.slice(0, at).flatMap(({ stages }) => stages);
};
/** The stages that begin only when this one is over. */
export const stagesAfter = (definition: Staged, stage: string): StageDefinition[] => {
  const [steps, at] = stepAt(definition, stage);
  return steps.slice(at + 1).flatMap(({ stages }) => stages);
};

/** Where a stage stands in the file: `['stages', 2]`, or `['stages', 2, 'parallel', 0]`. */
export const pathOfStage = (definition: Staged, stage: string): (string | number)[] => {
  const [steps, at] = stepAt(definition, stage);
  const { group, stages } = steps[at] as Step;
  const inGroup = ['parallel', stages.findIndex(({ name }) => name === stage)];
  return ['stages', at, ...(group ? inGroup : [])];
};
export const pointerOfStage = (definition: Staged, stage: string): string =>
  `/${pathOfStage(definition, stage).join('/')}`;
