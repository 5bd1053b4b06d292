import type { ReactNode } from 'react';
import type { RunView } from '../../wire/patch.ts';
import { AnsiText } from '../log/ansi-text.tsx';
import { StateGlyph } from '../ui/state-mark.tsx';
import { lookOfStage } from '../ui/state-words.ts';
import type { Change } from './use-view.ts';

type Props = {
  run: RunView;
  onView: (change: Change) => void /** What can be done about it. */;
  children: ReactNode;
};
type Failure = NonNullable<RunView['error']>;

/** Why nothing is tried again; which guard refused stands in the ledger. */
const whyOver = (error: Failure, run: RunView): string => {
  const stage = run.stages.find(({ name }) => name === error.stage);
  if (!error.retryable) return `Not retried: a failure of kind ${error.code} is not retryable.`;
  if (stage && stage.max_attempts === 1) return `Not retried: ${stage.name} has no retries.`;
  if (stage && stage.attempt >= stage.max_attempts)
    return `Not retried: all ${stage.max_attempts} attempts are used.`;
  return 'Not retried: its retry policy excludes this failure.';
};

const endedHow = ({ exit_code, signal, code }: Failure): string[] => [
  ...(typeof exit_code === 'number' ? [`exit code ${exit_code}`] : []),
  ...(signal ? [`signal ${signal}`] : []),
  ...(code === 'exit-code' && typeof exit_code === 'number' ? [] : [code]),
];

/** What went wrong, before anything else on the page. */
export const FailureCard = ({ run, onView, children }: Props) => {
  const { error } = run;
  if (!error || run.state !== 'FAILED') return null;
  return (
    <section className="failure" aria-labelledby="failure-title">
      <header>
        <StateGlyph look={lookOfStage('failed')} size={20} />
        <h2 id="failure-title">
          {error.stage ? `${error.stage} failed` : 'The run failed'}
          {error.attempt ? <span className="muted"> in attempt {error.attempt}</span> : null}
        </h2>
        <ul className="failure-facts">
          {endedHow(error).map((fact) => (
            <li key={fact}>{fact}</li>
          ))}
        </ul>
      </header>
      <p className="failure-what">{error.message}</p>
      {error.stderr_tail && (
        <section
          className="failure-tail"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
          tabIndex={0}
          aria-label="End of stderr"
        >
          <pre>
            <AnsiText text={error.stderr_tail} />
          </pre>
        </section>
      )}
      <p className="failure-why">
        {whyOver(error, run)}
        {error.stage && error.attempt ? (
          <button
            type="button"
            className="link"
            onClick={() => {
              onView({
                stage: error.stage ?? null,
                attempt: error.attempt ?? null,
                stream: error.stderr_tail ? 'stderr' : null,
              });
              document.getElementById('log')?.scrollIntoView({ block: 'start' });
            }}
          >
            See its log
          </button>
        ) : null}
      </p>
      {children}
    </section>
  );
};
