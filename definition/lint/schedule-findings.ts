import type { PipelineDefinition } from '../definition.ts';
import { durationText } from '../duration.ts';
import { type Finding, found, type ScheduleFacts } from '../finding.ts';
import { worstCaseMs } from './worst-case.ts';

/**
 * What may go wrong with one schedule. A disabled one is judged, too: it should be known before
 * somebody enables it.
 */
export const scheduleFindings = (
  definition: PipelineDefinition,
  { id, pointer, enabled, saysOverlap, intervalMs, isOver, meets }: ScheduleFacts,
): Finding[] => {
  const findings: Finding[] = [];
  const worst = worstCaseMs(definition);
  if (intervalMs !== null && worst > intervalMs && !saysOverlap) {
    const every = durationText(intervalMs);
    const starts = enabled ? 'the schedule starts' : 'the schedule, once enabled, starts';
    findings.push(
      found(
        'longer-than-interval',
        pointer,
        `a run can take ${durationText(worst)} in the worst case, and ${starts} one every ${every}`,
        `lower timeouts or retries, give the run a timeout below ${every}, or say with overlap what happens then`,
      ),
    );
  }
  if (isOver)
    findings.push(
      found(
        'never-due',
        pointer,
        `schedule ${id} is due at no time to come`,
        'give it times that are to come, or take it out',
      ),
    );
  if (meets)
    findings.push(
      found(
        'schedules-collide',
        pointer,
        `schedules ${meets.other} and ${id} are due in the same second, first at ${meets.at}`,
        `let them be due at different times; where they meet, ${id} waits and runs next`,
      ),
    );
  return findings;
};
