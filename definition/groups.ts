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

/** Where its step stands; the hooks come after all of them. */
const stepAt = (definition: Staged, stage: string): [steps: Step[], at: number] => {
  const steps = stepsOf(definition);
  const at = steps.findIndex(({ stages }) => stages.some(({ name }) => name === stage));
  return [steps, at < 0 ? steps.length : at];
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
