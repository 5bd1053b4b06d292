import { shownRun } from '../../client/run-state.ts';
import { useLive } from '../live/use-live.ts';
import type { PipelineFacts } from '../reads.ts';
import { useRecentRuns } from '../reads.ts';
import { Icon } from '../ui/icon.tsx';
import { median } from '../ui/statistics.ts';
import { duration } from '../ui/time.ts';
import { lookOfRun, plural } from '../ui/words.ts';

/** What will happen when Start is pressed, from what is known now. */
export const Outlook = ({ facts }: { facts: PipelineFacts }) => {
  const run = useLive(({ stream }) => (stream ? shownRun(stream, facts.name) : null));
  const recent = useRecentRuns(facts.name, 30);
  const took = median((recent.data?.items ?? []).filter(({ state }) => state === 'DONE').map(({ duration_ms }) => duration_ms ?? 0));
  const isLive = run !== null && run.ended_at === null;
  if (isLive)
    return (
      <p className="outlook" data-tone="wait">
        <Icon name="warning" />
        <span>
          Run {run.number} is {lookOfRun(run).word.toLowerCase()}. This pipeline runs one at a time, so the service will refuse another run
          until that one ends.
        </span>
      </p>
    );
  return (
    <p className="outlook">
      <Icon name="right" />
      <span>
        Starts at once: {facts.stages.map(({ name }) => name).join(' → ')} ({plural(facts.stages.length, 'stage')}).
        {took !== null && ` Usually takes ${duration(took)}.`}
      </span>
    </p>
  );
};
