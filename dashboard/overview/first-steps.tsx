import { useDesk } from '../desk/desk.tsx';
import { Icon } from '../ui/icon.tsx';
import type { PipelineFacts } from '../use-reads.ts';

const sample = `name: hello
stages:
  - name: greet
    run: [echo, hello]`;

/** Nothing ran yet: the three steps to a pipeline of one's own, the first of which is done. */
export const FirstSteps = ({ pipelines }: { pipelines: readonly PipelineFacts[] }) => {
  const { show } = useDesk();
  const first = pipelines.find((facts) => facts.default) ?? pipelines[0];
  return (
    <ol className="steps">
      <li>
        <h2>Define</h2>
        {first ? (
          <p>
            {pipelines.length === 1 ? 'One pipeline is' : `${pipelines.length} pipelines are`}{' '}
            loaded. Yours is a file in <code>pipelines/</code>; <code>stagewright reload</code>{' '}
            reads it.
          </p>
        ) : (
          <>
            <p>
              Write a file into <code>pipelines/</code> and run <code>stagewright reload</code>.
              This is a whole one:
            </p>
            <pre>{sample}</pre>
          </>
        )}
      </li>
      <li>
        <h2>Start</h2>
        {first ? (
          <>
            <p>
              Start <b>{first.title}</b> and watch its stages, their output and every decision about
              them.
            </p>
            <button
              type="button"
              className="button primary"
              onClick={() => show({ kind: 'start', pipeline: first.name })}
            >
              <Icon name="start" />
              Start {first.title}
            </button>
          </>
        ) : (
          <p>Its runs can then be started here, by REST, or with the command line.</p>
        )}
      </li>
      <li>
        <h2>Pull the plug</h2>
        <p>
          Kill the service while a stage is running and start it again: the same run continues, and
          finished stages are not done twice.
        </p>
      </li>
    </ol>
  );
};
