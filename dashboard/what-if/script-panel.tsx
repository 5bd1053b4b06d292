import { type FormEvent, useState } from 'react';
import { api } from '../service-api.ts';
import { Icon } from '../ui/icon.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import {
  firstLines,
  happeningOf,
  kindsOfLine,
  type Line,
  lineKinds,
  type Simulation,
} from './script-lines.ts';
import { StoryView, SurveyView } from './story-view.tsx';

const mostLines = 50;
const mostRuns = 200;

const LineFields = ({
  line,
  number,
  stages,
  onChange,
  onDrop,
}: {
  line: Line;
  number: number;
  stages: readonly string[];
  onChange: (change: Partial<Line>) => void;
  onDrop: () => void;
}) => {
  const { unit } = lineKinds[line.what];
  return (
    <li className="script-line">
      <select
        aria-label={`Stage of line ${number}`}
        value={line.stage}
        onChange={({ target }) => onChange({ stage: target.value })}
      >
        {stages.map((stage) => (
          <option key={stage}>{stage}</option>
        ))}
      </select>
      <select
        aria-label={`What happens in line ${number}`}
        value={line.what}
        onChange={({ target }) =>
          onChange({ what: kindsOfLine.find((kind) => kind === target.value) ?? line.what })
        }
      >
        {kindsOfLine.map((kind) => (
          <option key={kind} value={kind}>
            {lineKinds[kind].label}
          </option>
        ))}
      </select>
      {unit !== null && (
        <label className="step-field">
          {unit}
          <input
            type="number"
            required
            min={1}
            max={1000}
            value={line.count}
            onChange={({ target }) => onChange({ count: Number(target.value) })}
          />
        </label>
      )}
      <button
        type="button"
        className="button quiet icon-only"
        aria-label={`Remove line ${number}`}
        onClick={onDrop}
      >
        <Icon name="close" />
      </button>
    </li>
  );
};

type FootProps = {
  mayAdd: boolean;
  isBusy: boolean;
  seed: string;
  runs: number;
  onAdd: () => void;
  onSeed: (seed: string) => void;
  onRuns: (runs: number) => void;
};

const ScriptFoot = ({ mayAdd, isBusy, seed, runs, onAdd, onSeed, onRuns }: FootProps) => (
  <div className="script-foot">
    <button type="button" className="button quiet" disabled={!mayAdd} onClick={onAdd}>
      <Icon name="plus" />
      Add a line
    </button>
    <label className="step-field">
      Random faults, seed
      <input
        type="number"
        min={0}
        max={0xffffffff}
        placeholder="none"
        value={seed}
        onChange={({ target }) => onSeed(target.value)}
      />
    </label>
    <label className="step-field">
      Runs
      <input
        type="number"
        required
        min={1}
        max={mostRuns}
        value={runs}
        onChange={({ target }) => onRuns(Number(target.value))}
      />
    </label>
    <button type="submit" className="button primary" disabled={isBusy}>
      <Icon name="start" />
      {isBusy ? 'Simulating…' : 'Simulate'}
    </button>
  </div>
);

/** A whole run told by what happens to it, or many with faults by a seed. Nothing of it is kept. */
export const ScriptPanel = ({
  pipeline,
  stages,
}: {
  pipeline: string;
  stages: readonly string[];
}) => {
  const [lines, setLines] = useState(() => firstLines(stages));
  const [seed, setSeed] = useState('');
  const [runs, setRuns] = useState(1);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [told, setTold] = useState<Simulation | null>(null);
  const tell = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const body = {
        script: lines.map(happeningOf),
        runs,
        ...(seed !== '' && { seed: Number(seed) }),
      };
      setTold(
        await api.ask('POST /api/pipelines/{name}/simulate', { path: { name: pipeline }, body }),
      );
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  const add = (): void =>
    setLines([
      ...lines,
      {
        id: Math.max(0, ...lines.map(({ id }) => id)) + 1,
        what: 'fail',
        stage: stages[0] ?? '',
        count: 1,
      },
    ]);
  return (
    <section className="script" aria-labelledby="script-title">
      <h2 id="script-title">Tell a story</h2>
      <p className="muted">
        A whole run with its timers, drain and recovery, on a clock that leaps: a week takes a
        moment. Nothing is run, and nothing is kept.
      </p>
      <form onSubmit={(event) => void tell(event)}>
        <ol className="script-lines">
          {lines.map((line, index) => (
            <LineFields
              key={line.id}
              line={line}
              number={index + 1}
              stages={stages}
              onChange={(change) =>
                setLines(lines.map((one) => (one === line ? { ...one, ...change } : one)))
              }
              onDrop={() => setLines(lines.filter((one) => one !== line))}
            />
          ))}
        </ol>
        {lines.length === 0 && <p className="muted">Nothing happens: every stage succeeds.</p>}
        <ScriptFoot
          mayAdd={lines.length < mostLines}
          isBusy={isBusy}
          seed={seed}
          runs={runs}
          onAdd={add}
          onSeed={setSeed}
          onRuns={setRuns}
        />
      </form>
      {error !== null && <ProblemCard error={error} />}
      {told?.survey && <SurveyView survey={told.survey} />}
      {told && <StoryView story={told.survey?.broken ?? told.story} />}
    </section>
  );
};
