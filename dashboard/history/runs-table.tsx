import { useMemo, useRef } from 'react';
import { Link } from 'wouter';
import { useLive } from '../live/use-live.ts';
import { useKeys } from '../shell/keys.ts';
import { StateMark } from '../ui/state-mark.tsx';
import { lookOfRun, triggerWord } from '../ui/state-words.ts';
import { At, Elapsed } from '../ui/time-text.tsx';
import { Why } from '../ui/why.tsx';
import { type RunFacts, usePipelines } from '../use-reads.ts';

/** A run of the list as it is now: what the stream knows is never older than what REST said. */
const useFresh = (run: RunFacts): Omit<RunFacts, 'as_of_seq'> => {
  const live = useLive(({ stream }) => stream?.runs[run.run_id as string]);
  return live && live.version >= run.version ? (live as Omit<RunFacts, 'as_of_seq'>) : run;
};

const Row = ({
  run: given,
  title,
  longestMs,
}: {
  run: RunFacts;
  title: string;
  longestMs: number;
}) => {
  const run = useFresh(given);
  const note =
    run.state === 'FAILED'
      ? (run.error?.message ?? run.why)
      : run.ended_at === null
        ? run.why
        : run.stages.find(({ state }) => state === 'skipped')?.reason;
  const where = run.state === 'FAILED' && run.error?.stage ? `${run.error.stage}: ` : '';
  const began = run.started_at ?? run.created_at;
  return (
    <tr>
      <td className="cell-state">
        <StateMark look={lookOfRun(run)} />
      </td>
      <th scope="row" className="cell-run">
        <Link href={`/runs/${run.run_id}`} data-row>
          {title} <span className="figure">{run.number}</span>
        </Link>
      </th>
      <td className="cell-trigger muted">{triggerWord(run.trigger)}</td>
      <td className="cell-at muted">{began && <At iso={began} />}</td>
      <td className="cell-took">
        {run.started_at && <Elapsed since={run.started_at} until={run.ended_at} />}
        {run.duration_ms !== null && run.ended_at !== null && (
          <span className="took-bar" data-tone={lookOfRun(run).tone} aria-hidden="true">
            <span style={{ inlineSize: `${Math.max(1, (run.duration_ms / longestMs) * 100)}%` }} />
          </span>
        )}
      </td>
      <td className="cell-retries muted">
        {run.retry_count > 0
          ? `${run.retry_count} ${run.retry_count === 1 ? 'retry' : 'retries'}`
          : ''}
      </td>
      <td className="cell-note muted">
        {note && (
          <span className="one-line" title={note}>
            {where}
            <Why text={note} />
          </span>
        )}
      </td>
    </tr>
  );
};

export const RunsTable = ({ runs }: { runs: readonly RunFacts[] }) => {
  const { data } = usePipelines();
  const table = useRef<HTMLTableElement>(null);
  const step = (by: number) => (): void => {
    const links = [...(table.current?.querySelectorAll<HTMLElement>('[data-row]') ?? [])];
    const at = links.indexOf(document.activeElement as HTMLElement);
    links[Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
  };
  useKeys(
    useMemo(
      () => [
        { keys: 'j', label: 'Next run', group: 'Runs', run: step(1) },
        { keys: 'k', label: 'Previous run', group: 'Runs', run: step(-1) },
      ],
      [],
    ),
  );
  const longestMs = Math.max(1, ...runs.map(({ duration_ms }) => duration_ms ?? 0));
  const titles = new Map(data?.items.map(({ name, title }) => [name, title]));
  return (
    <table className="table runs" ref={table}>
      <caption className="visually-hidden">Runs, newest first</caption>
      <thead>
        <tr>
          {['State', 'Run', 'Trigger', 'Started', 'Duration', 'Retries', 'Note'].map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <Row
            key={run.run_id}
            run={run}
            title={titles.get(run.pipeline) ?? run.pipeline}
            longestMs={longestMs}
          />
        ))}
      </tbody>
    </table>
  );
};
