import type { PipelineDefinition, StageDefinition } from './definition.ts';
import { programOfStored } from './kinds/stage-kinds.ts';
import { withDefaults } from './stage-fields.ts';

/**
 * A definition as it was stored, maybe before today's fields and kinds: what it lacks has its
 * default.
 */
export const storedDefinition = (stored: PipelineDefinition): PipelineDefinition => ({
  ...stored,
  stages: stored.stages.map(storedStage),
  ...(stored.onFailure && { onFailure: stored.onFailure.map(storedStage) }),
  ...(stored.finally && { finally: stored.finally.map(storedStage) }),
});

const storedStage = (stage: StageDefinition): StageDefinition => ({
  ...withDefaults(stage),
  name: stage.name,
  title: stage.title,
  program: programOfStored(stage.program),
});
