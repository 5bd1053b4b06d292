import type { FailurePolicy, PipelineDefinition } from '../../definition/definition.ts';
import type { NewEvent } from '../../wire/events.ts';
import type { Conflict, Paused, RunSpec } from '../store/run-rows.ts';
import { whyBlocked } from './failure-policy.ts';

/** Why a start was refused, in one sentence. */
export const whyRefused = (met: Conflict | Paused, definition: PipelineDefinition): string => {
  if (met.code === 'blocked-by-policy')
    return whyBlocked(met.streak, definition.name, definition.onFailures as FailurePolicy);
  const { code, owner, waiting } = met;
  const held = `run ${owner.number} of ${owner.pipeline} (${owner.runId}) is ${owner.projection.state}`;
  if (code === 'queue-full')
    return `${held}, and ${waiting} ${waiting === 1 ? 'run waits' : 'runs wait'} for it already, which is all that may`;
  return owner.lock
    ? `${held} and holds the lock: ${owner.projection.why}`
    : `${held}: ${owner.projection.why}`;
};

/** What the journal says of a refused start; `more` = of so many that were refused alike. */
export const refusedEvent = (
  { trigger, reason }: Pick<RunSpec, 'trigger' | 'reason'>,
  by: string | null,
  runId: string | null,
  why: string,
  more?: number,
): NewEvent => ({
  stage: 'pipeline',
  event: 'refused',
  severity: 'warning',
  msg: more === undefined ? `start refused: ${why}` : `start refused, ${more} more: ${why}`,
  data: {
    command: 'START',
    why,
    run_id: runId,
    trigger,
    by,
    reason: more === undefined ? reason : null,
    ...(more !== undefined && { more }),
  },
});
