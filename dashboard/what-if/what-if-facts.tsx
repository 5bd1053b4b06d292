import { localized, short } from '../run/run-words.ts';
import { StateMark } from '../ui/state-mark.tsx';
import { lookOfRun } from '../ui/state-words.ts';
import { duration } from '../ui/time.ts';
import { Ways } from './press-list.tsx';
import type { WhatIf } from './use-what-if.ts';

/** Where it stands: the state, what works, which clocks run, and the worst that can become of it. */
export const NowFacts = ({ data }: { data: WhatIf }) => {
  const { now, effects, timers, worst_case, elapsed_ms } = data;
  return (
    <section className="what-if-now" aria-label="Where it would stand">
      <p className="what-if-state" aria-live="polite">
        <StateMark look={lookOfRun(now)} size={20} />
      </p>
      <p>{localized(now.why)}</p>
      <dl className="facts-list">
        <div>
          <dt>Worst case</dt>
          <dd>
            {worst_case === null ? (
              <span className="muted">{now.is_over ? 'it is over' : 'waits for a person'}</span>
            ) : (
              <strong>over in {duration(worst_case.in_ms)} at the latest</strong>
            )}
          </dd>
        </div>
        {elapsed_ms > 0 && (
          <div>
            <dt>Time passed</dt>
            <dd>{duration(elapsed_ms)}</dd>
          </div>
        )}
        <div>
          <dt>Clocks</dt>
          <dd>
            {timers.length === 0 && <span className="muted">none runs</span>}
            {timers.map(({ timer, text, due_in_ms }) => (
              <p key={timer}>
                {text} <span className="muted">in {duration(due_in_ms)}</span>
              </p>
            ))}
          </dd>
        </div>
        <div>
          <dt>At work</dt>
          <dd>
            {effects.length === 0 && <span className="muted">nothing</span>}
            {effects.map(({ effect, text, state }) => (
              <p key={effect}>
                {text} {state === 'dropping' && <span className="muted">is being ended</span>}
              </p>
            ))}
          </dd>
        </div>
      </dl>
    </section>
  );
};

/** The events that were pressed: what each did. One goes back to any of them. */
export const PathList = ({ data, onBack }: { data: WhatIf; onBack: (count: number) => void }) => (
  <section className="what-if-path" aria-labelledby="path-title">
    <div className="section-head">
      <h2 id="path-title">What came</h2>
      {data.steps.length > 0 && (
        <span>
          <button
            type="button"
            className="button quiet small"
            onClick={() => onBack(data.steps.length - 1)}
          >
            Undo
          </button>
          <button type="button" className="button quiet small" onClick={() => onBack(0)}>
            Begin again
          </button>
        </span>
      )}
    </div>
    {data.steps.length === 0 && (
      <p className="muted">
        Nothing yet. Press an event: the chart moves as it would, and the run is not touched.
      </p>
    )}
    <ol>
      {data.steps.map((step, index) => (
        <li key={index} data-verdict={step.verdict}>
          <p>
            <strong>{step.text}</strong>
            <span className="muted figure"> +{duration(step.elapsed_ms)}</span>
          </p>
          {step.verdict === 'refused' ? (
            <p className="step-refused">refused: {step.why_not}</p>
          ) : (
            <p>
              {short(step.from)} → {short(step.to)}
            </p>
          )}
          {step.ways.some(({ guard }) => guard !== null) && <Ways ways={step.ways} />}
          {step.says.map(({ event, msg }) => (
            <p key={event + msg} className="muted small">
              {msg}
            </p>
          ))}
          {step.armed.map(({ timer, text, delay_ms }) => (
            <p key={timer} className="muted small">
              ◷ {text}: {duration(delay_ms)}
            </p>
          ))}
          {index < data.steps.length - 1 && (
            <button
              type="button"
              className="button quiet small align-start"
              onClick={() => onBack(index + 1)}
            >
              Back to here
            </button>
          )}
        </li>
      ))}
    </ol>
  </section>
);
