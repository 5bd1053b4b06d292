import type { PipelineDefinition } from '../definition.ts';
import { durationText } from '../duration.ts';
import { rulesOf } from '../kinds/stage-kinds.ts';
import { type Finding, found, neverReached } from './finding.ts';
import type { Judge, LintContext } from './judge.ts';
import { limitFindings } from './limits.ts';
import { resourceFindings } from './resources.ts';
import { retryFindings } from './retries.ts';
import { textFindings } from './texts.ts';
import { worstCaseMs } from './worst-case.ts';

/**
 * Pure: what may go wrong with a pipeline that is right by its form. In the order of the file, the
 * whole run first.
 */
export const lint = (definition: PipelineDefinition, context: LintContext): Finding[] => [
  ...runFindings(definition, context),
  ...definition.stages.flatMap((stage, index) =>
    [limitFindings, retryFindings, kindFindings, resourceFindings, textFindings].flatMap((judge) =>
      judge(stage, `/stages/${index}`, definition, context),
    ),
  ),
];

const kindFindings: Judge = (stage, at) => rulesOf(stage.program).lint(stage, at);

const runFindings = (definition: PipelineDefinition, { intervalMs }: LintContext): Finding[] => {
  const { timeoutMs, warnAfterMs } = definition;
  const findings: Finding[] = [];
  const worst = worstCaseMs(definition);
  if (intervalMs !== null && worst > intervalMs)
    findings.push(
      found(
        'longer-than-interval',
        '/schedules',
        `a run can take ${durationText(worst)} in the worst case, and the schedule starts one every ${durationText(intervalMs)}`,
        `lower timeouts or retries, give the run a timeout below ${durationText(intervalMs)}, or say with overlap what happens then`,
      ),
    );
  if (timeoutMs !== null && (warnAfterMs ?? 0) >= timeoutMs)
    findings.push(neverReached('/warn_after', warnAfterMs ?? 0, '/timeout', timeoutMs));
  return findings;
};
