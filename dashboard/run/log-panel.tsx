import type { Attempt } from '../../wire/attempts.ts';
import type { RunView } from '../../wire/patch.ts';
import { LogView } from '../log/log-view.tsx';
import type { Change, View } from './use-view.ts';

type Props = {
  runId: string;
  run: RunView;
  attempts: readonly Attempt[];
  shown: { stage: string; attempt: number } | null;
  view: View;
  onView: (change: Change) => void;
};

/** A failed attempt says why on stderr, any other one says what it does on stdout. */
const usualStream = (
  attempts: readonly Attempt[],
  shown: { stage: string; attempt: number },
): 'stdout' | 'stderr' =>
  attempts.find(({ stage, attempt }) => stage === shown.stage && attempt === shown.attempt)?.error
    ?.stderr_tail
    ? 'stderr'
    : 'stdout';

export const LogPanel = ({ runId, run, attempts, shown, view, onView }: Props) => {
  if (!shown)
    return (
      <section className="pane" id="log" aria-labelledby="log-title">
        <h2 id="log-title" tabIndex={-1}>
          Log
        </h2>
        <p className="muted">No stage has started yet, so there is no output.</p>
      </section>
    );
  const { stage, attempt } = shown;
  const stream = view.stream ?? usualStream(attempts, shown);
  const own = attempts.find((one) => one.stage === stage && one.attempt === attempt);
  const last = run.stages.find(({ name }) => name === stage)?.attempt ?? attempt;
  return (
    <section className="pane log-pane" id="log" aria-labelledby="log-title">
      <header className="pane-head">
        <h2 id="log-title" tabIndex={-1}>
          Log
        </h2>
        <div className="pane-tools">
          <label className="small">
            <span className="visually-hidden">Attempt</span>
            <select
              value={`${stage} ${attempt}`}
              onChange={({ target }) => pick(target.value, onView)}
            >
              {run.stages
                .filter((one) => one.attempt > 0)
                .map((one) => (
                  <optgroup key={one.name} label={one.name}>
                    {Array.from({ length: one.attempt }, (_, index) => (
                      <option key={one.name + index} value={`${one.name} ${index + 1}`}>
                        {one.name}
                        {one.attempt > 1 ? `, attempt ${index + 1}` : ''}
                      </option>
                    ))}
                  </optgroup>
                ))}
            </select>
          </label>
          <fieldset className="segments">
            <legend className="visually-hidden">Stream</legend>
            {(['stdout', 'stderr'] as const).map((name) => (
              <label key={name}>
                <input
                  type="radio"
                  name="stream"
                  checked={stream === name}
                  onChange={() => onView({ stream: name, line: null })}
                />
                <span>{name}</span>
              </label>
            ))}
          </fieldset>
        </div>
      </header>
      <LogView
        key={`${stage} ${attempt} ${stream}`}
        place={{ runId, stage, attempt, stream }}
        isLive={run.ended_at === null && own?.ended_at == null && attempt === last}
        line={view.line}
        q={view.q}
        onLine={(line) => onView({ line, stage, attempt, stream })}
        onSearch={(q) => onView({ q })}
        onRead={() =>
          (view.stage !== stage || view.attempt !== attempt || view.stream !== stream) &&
          onView({ stage, attempt, stream })
        }
      />
    </section>
  );
};

const pick = (value: string, onView: Props['onView']): void => {
  const [stage = '', attempt = ''] = value.split(' ');
  onView({ stage, attempt, line: null, stream: null });
};
