import type { Projection } from '../../machines/project.ts';
import type { NewEvent } from '../../wire/events.ts';
import type { Failure } from '../../wire/failure.ts';
import type { Lifecycle } from '../interpreter/lifecycle.ts';

/** A run whose chart cannot go on has failed, wherever it was. */
export const condemned: Lifecycle['condemned'] = (run, failure, at) => {
  const ended = new Date(at).toISOString();
  const { stages, stage, attempt } = run.projection;
  const open = stages.filter(({ state }) => state === 'running');
  // Beside each other stages go by the name of their group, and the first of them stands for all.
  const beside = open.find(({ group }) => group !== undefined && group === stage);
  const place = beside ? { stage: beside.name, attempt: beside.attempt } : { stage, attempt };
  const error: Failure = { ...failure, ...place };
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
    stages: stages.map((stage) =>
      stage.state === 'running' || stage.state === 'retrying'
        ? { ...stage, state: 'failed', ended_at: ended }
        : stage,
    ),
  };
  const facts = open.map(
    (one): NewEvent => ({
      stage: one.name,
      event: 'failed',
      severity: 'error',
      attempt: one.attempt,
      msg: failure.message,
      data: { error },
    }),
  );
  return { view, facts };
};
