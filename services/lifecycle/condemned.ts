import type { Projection } from '../../machines/project.ts';
import type { NewEvent } from '../../wire/events.ts';
import type { Failure } from '../../wire/failure.ts';
import type { Lifecycle } from '../interpreter/lifecycle.ts';

/** A run whose chart cannot go on has failed, wherever it was. */
export const condemned: Lifecycle['condemned'] = (run, failure, at) => {
  const ended = new Date(at).toISOString();
  const open = run.projection.stages.find(({ state }) => state === 'running');
  const error: Failure = {
    ...failure,
    stage: run.projection.stage,
    attempt: run.projection.attempt,
  };
  const view: Projection = {
    ...run.projection,
    state: 'FAILED',
    canonical: 'error',
    outcome: 'failed',
    allowed: [],
    why: failure.message,
    error,
    ended_at: ended,
    duration_ms: run.projection.started_at ? at - Date.parse(run.projection.started_at) : null,
    stages: run.projection.stages.map((stage) =>
      stage.state === 'running' || stage.state === 'retrying'
        ? { ...stage, state: 'failed', ended_at: ended }
        : stage,
    ),
  };
  const facts: NewEvent[] = open
    ? [
        {
          stage: open.name,
          event: 'failed',
          severity: 'error',
          attempt: open.attempt,
          msg: failure.message,
          data: { error },
        },
      ]
    : [];
  return { view, facts };
};
