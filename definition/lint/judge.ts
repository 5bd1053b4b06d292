import type { PipelineDefinition, StageDefinition } from '../definition.ts';
import type { Finding, ScheduleFacts } from '../finding.ts';

/** What the definition alone does not tell. */
export type LintContext = {
  /** Does the file itself say this, or is it a default? */
  isWritten: (pointer: string) => boolean;
  /** Its schedules, in the order in which their slots have their turn. */
  schedules: ScheduleFacts[];
  /** The longest grace that a stage gets when the service stops. */
  shutdownGraceMs: number;
  /** The channels of the service; null where no service is asked. */
  channels: readonly string[] | null;
};

/** One group of rules about a stage; `at` is the pointer to it. */
export type Judge = (
  stage: StageDefinition,
  at: string,
  definition: PipelineDefinition,
  context: LintContext,
) => Finding[];
