import type { Masking } from '../history/masking.ts';
import type { Logger } from '../host/logger.ts';
import type { Waits } from '../interpreter/waits.ts';
import type { Admission } from '../start/admission.ts';
import type { Committed } from '../store/store.ts';
import type { createMarks } from './attempt-marks.ts';
import type { CommitListeners } from './commit-listeners.ts';
import type { Foundation } from './foundation.ts';
import type { Reap } from './reaper.ts';

type Deps = {
  commits: CommitListeners;
  marks: Pick<ReturnType<typeof createMarks>, 'heartbeats' | 'progress'>;
  room: { settle(committed: Committed): void };
  waits: Pick<Waits, 'retell'>;
  masking: Pick<Masking, 'soon'>;
  reap: Reap;
  admission: Pick<Admission, 'settle'>;
};

/** What a step means for everything that is no part of its run's chart. */
export const onCommits = (
  logger: Logger,
  { phase, publisher }: Pick<Foundation, 'phase' | 'publisher'>,
  { commits, marks, room, waits, masking, reap, admission }: Deps,
): void => {
  commits.as('marks')((committed) => {
    marks.heartbeats.settle(committed);
    marks.progress.settle(committed);
    room.settle(committed);
    waits.retell(committed.run.runId);
    masking.soon();
  });
  commits.as('reaper')(({ run, decision }) => {
    if (run.endedAt !== null && decision.drop.length > 0) reap(run.runId);
  });
  commits.as('admission')(({ run }) => {
    // A permit may be free, or somebody new waits.
    const isNews = run.endedAt !== null || run.projection.state === 'QUEUED';
    if (phase.now() === 'ready' && isNews) void admission.settle(run.definition.concurrency.key);
  });
  commits.as('log')(({ run, decision }) => {
    for (const event of decision.events)
      logger[event.severity === 'debug' ? 'debug' : 'info'](event.msg, {
        run_id: run.runId,
        pipeline: run.pipeline,
        stage: event.stage,
        event: event.event,
      });
  });
  commits.as('readers')(publisher.wake);
};
