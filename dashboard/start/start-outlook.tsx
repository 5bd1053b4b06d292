import { shownRun } from '../../client/run-state.ts';
import { flowText } from '../../wire/beside.ts';
import { useLive } from '../live/use-live.ts';
import { Icon } from '../ui/icon.tsx';
import { lookOfRun, plural } from '../ui/state-words.ts';
import { median } from '../ui/statistics.ts';
import { duration } from '../ui/time.ts';
import { type PipelineFacts, usePipeline, useRecentRuns } from '../use-reads.ts';

/** What the pipeline says is to happen to a start while another run is live. */
const conflicts: Record<string, (number: string) => string> = {
  refuse: (number) => `One run at a time: the service will refuse this start until ${number} ends.`,
  queue: (number) => `It will wait in the queue, and begin when ${number} ends.`,
  cancel_running: (number) => `The service will stop ${number} for it.`,
};

/** What will happen when Start is pressed, from what is known now. */
export const Outlook = ({ facts }: { facts: PipelineFacts }) => {
  const run = useLive(({ stream }) => (stream ? shownRun(stream, facts.name) : null));
  const concurrency = usePipeline(facts.name).data?.definition.concurrency;
  const recent = useRecentRuns(facts.name, 30);
  const took = median(
    (recent.data?.items ?? [])
      .filter(({ state }) => state === 'DONE')
      .map(({ duration_ms }) => duration_ms ?? 0),
  );
  const isLive = run !== null && run.ended_at === null;
  // More than one place: whether one is free is the service's to say.
  if (isLive && concurrency && concurrency.limit === 1)
    return (
      <p className="outlook" data-tone="wait">
        <Icon name="warning" />
        <span>
          Run {run.number} is {lookOfRun(run).word.toLowerCase()}.{' '}
          {conflicts[concurrency.on_conflict]?.(`run ${run.number}`)}
        </span>
      </p>
    );
  return (
    <p className="outlook">
      <Icon name="right" />
      <span>
        {isLive ? 'Starts when a slot in the queue is free' : 'Starts immediately'}:{' '}
        {flowText(facts.stages)} ({plural(facts.stages.length, 'stage')}).
        {took !== null && ` Usually takes ${duration(took)}.`}
      </span>
    </p>
  );
};
