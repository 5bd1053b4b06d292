import type { PipelineDefinition } from '../definition.ts';
import { type Finding, neverReached } from '../finding.ts';
import { pointerOfStage } from '../groups.ts';
import { rulesOf } from '../kinds/stage-kinds.ts';
import type { Judge, LintContext } from './judge.ts';
import { resourceFindings } from './resources.ts';
import { retryFindings } from './retries.ts';
import { scheduleFindings } from './schedule-findings.ts';
import { textFindings } from './texts.ts';
import { limitFindings } from './time-limits.ts';

/**
 * Pure: what may go wrong with a pipeline that is right by its form. In the order of the file, the
 * whole run first.
 */
export const lint = (definition: PipelineDefinition, context: LintContext): Finding[] => [
  ...runFindings(definition, context),
  ...definition.stages.flatMap((stage) =>
    [limitFindings, retryFindings, kindFindings, resourceFindings, textFindings].flatMap((judge) =>
      judge(stage, pointerOfStage(definition, stage.name), definition, context),
    ),
  ),
];

const kindFindings: Judge = (stage, at) => rulesOf(stage.program).lint(stage, at);

const runFindings = (definition: PipelineDefinition, { schedules }: LintContext): Finding[] => {
  const { timeoutMs, warnAfterMs } = definition;
  const findings = schedules.flatMap((schedule) => scheduleFindings(definition, schedule));
  if (timeoutMs !== null && (warnAfterMs ?? 0) >= timeoutMs)
    findings.push(neverReached('/warn_after', warnAfterMs ?? 0, '/timeout', timeoutMs));
  return findings;
};
