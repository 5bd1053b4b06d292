import type { PipelineDefinition } from '../definition.ts';
import { type Finding, neverReached } from '../finding.ts';
import { rulesOf } from '../kinds/stage-kinds.ts';
import { placesOf } from '../places.ts';
import { approvalFindings } from './approval-findings.ts';
import type { Judge, LintContext } from './judge.ts';
import { notifyFindings } from './notify-findings.ts';
import { resourceFindings } from './resources.ts';
import { retryFindings } from './retries.ts';
import { scheduleFindings } from './schedule-findings.ts';
import { textFindings } from './texts.ts';
import { limitFindings } from './time-limits.ts';
import { whenFindings } from './when-findings.ts';

const kindFindings: Judge = (stage, at) => rulesOf(stage.program).lint(stage, at);
const judges: Judge[] = [
  limitFindings,
  retryFindings,
  kindFindings,
  resourceFindings,
  textFindings,
  whenFindings,
  approvalFindings,
];

/**
 * Pure: what may go wrong with a pipeline that is right by its form. In the order of the file, the
 * whole run first.
 */
export const lint = (definition: PipelineDefinition, context: LintContext): Finding[] => [
  ...runFindings(definition, context),
  ...notifyFindings(definition, context),
  ...placesOf(definition).flatMap(({ stage, path, isHook }) => {
    // A hook is not covered by the timeout of the run.
    const around = isHook ? { ...definition, timeoutMs: null } : definition;
    return judges.flatMap((judge) => judge(stage, `/${path.join('/')}`, around, context));
  }),
];

const runFindings = (definition: PipelineDefinition, { schedules }: LintContext): Finding[] => {
  const { timeoutMs, warnAfterMs } = definition;
  const findings = schedules.flatMap((schedule) => scheduleFindings(definition, schedule));
  if (timeoutMs !== null && (warnAfterMs ?? 0) >= timeoutMs)
    findings.push(neverReached('/warn_after', warnAfterMs ?? 0, '/timeout', timeoutMs));
  return findings;
};
