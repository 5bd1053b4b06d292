import { StateMark } from '../ui/state-mark.tsx';
import { lookOfRun } from '../ui/state-words.ts';
import { duration } from '../ui/time.ts';
import type { Simulation, Story } from './script-lines.ts';

const Replay = ({ command }: { command: string }) => (
  <p className="replay">
    <span className="muted">The same in a terminal:</span> <code>{command}</code>
  </p>
);

const Broken = ({ broken }: { broken: Story['broken'] }) =>
  broken && (
    <p className="outlook" data-tone="wait" role="alert">
      Invariant {broken.invariant} does not hold: {broken.detail}
    </p>
  );

const most = 500;
const endOf = ({ state, outcome }: Story) =>
  lookOfRun({ state, outcome: outcome === 'noop' || outcome === 'partial' ? outcome : null });

/** A simulated run, line by line, with the time that would have passed. */
export const StoryView = ({ story }: { story: Story }) => (
  <section className="story" aria-label="The simulated run">
    <p className="story-end" role="status">
      <StateMark look={endOf(story)} size={18} />
      <span>
        after {duration(story.duration_ms)}: {story.why}
      </span>
    </p>
    <Broken broken={story.broken} />
    <ol className="story-lines">
      {story.lines.slice(0, most).map(({ at_ms, state, text }, index) => {
        const before = story.lines[index - 1];
        return (
          <li key={`${index} ${text}`}>
            <span className="figure muted">{duration(at_ms)}</span>
            <span>
              {before?.state !== state && (
                <StateMark look={lookOfRun({ state, outcome: null })} size={14} />
              )}
            </span>
            <span>{text}</span>
          </li>
        );
      })}
    </ol>
    {story.lines.length > most && (
      <p className="muted">and {story.lines.length - most} more lines</p>
    )}
    <Replay command={story.replay} />
  </section>
);

/** Many simulated runs: how they ended, how long they took, and what was found. */
export const SurveyView = ({ survey }: { survey: NonNullable<Simulation['survey']> }) => {
  const { runs, outcomes, duration_ms, longest, worst_case_ms, broken } = survey;
  return (
    <section className="survey" aria-label="All simulated runs">
      <h3>{runs.toLocaleString()} runs</h3>
      <p>
        {Object.entries(outcomes)
          .map(([outcome, count]) => `${count} ${outcome}`)
          .join(', ')}
      </p>
      <p>
        They took {duration(duration_ms.least)} to {duration(duration_ms.most)}; half of them at
        most {duration(duration_ms.median)}, 95 % at most {duration(duration_ms.p95)}.
      </p>
      {longest && (
        <p>
          The longest with the service there: {duration(longest.duration_ms)} of the{' '}
          {duration(worst_case_ms)} that no run may exceed.
        </p>
      )}
      {broken === null ? (
        <p>Every invariant held after every write.</p>
      ) : (
        <p className="outlook" data-tone="wait" role="alert">
          Below is the shortest script that breaks an invariant.
        </p>
      )}
    </section>
  );
};
