import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { RunView } from '../../wire/patch.ts';
import { api } from '../service-api.ts';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { Artefacts } from './artefacts-panel.tsx';

const isEmpty = (value: object): boolean => Object.keys(value).length === 0;

const Fact = ({ name, children }: { name: string; children: ReactNode }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);
const Values = ({ of }: { of: object }) => (
  <dl className="values">
    {Object.entries(of).map(([name, value]) => (
      <Fact key={name} name={name}>
        <code>{typeof value === 'string' ? value : JSON.stringify(value)}</code>
      </Fact>
    ))}
  </dl>
);

/** State and context as a transition left them: what the run was revived from. */
const SnapshotAt = ({ runId, version }: { runId: string; version: number }) => {
  const { data, error } = useQuery({
    queryKey: ['snapshot', runId, version],
    queryFn: () =>
      api.ask('GET /api/runs/{id}/snapshots/{version}', {
        path: { id: runId, version: String(version) },
      }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (error) return <ProblemCard error={error} />;
  return (
    <section
      className="json"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
      tabIndex={0}
      aria-label={`Snapshot of version ${version}`}
    >
      <pre>{data ? JSON.stringify({ value: data.value, context: data.context }, null, 2) : ''}</pre>
    </section>
  );
};

/**
 * What the run was given and what it gave, and the stored truth behind the page. @param version the
 * one looked at
 */
export const Details = ({
  runId,
  run,
  version,
}: {
  runId: string;
  run: RunView;
  version: number;
}) => {
  const [isOpen, setOpen] = useState(false);
  const results = run.stages.filter(
    ({ outputs, metrics }) => !isEmpty(outputs) || !isEmpty(metrics),
  );
  return (
    <div className="details">
      <Artefacts runId={runId} version={run.version} />
      <h3>Parameters</h3>
      {isEmpty(run.params) ? <p className="muted">None.</p> : <Values of={run.params} />}
      <h3>Stage results</h3>
      {results.length === 0 && <p className="muted">No stage has reported outputs or metrics.</p>}
      {results.map(({ name, outputs, metrics }) => (
        <div key={name}>
          <h4>{name}</h4>
          <Values of={{ ...outputs, ...metrics }} />
        </div>
      ))}
      <h3>Run</h3>
      <dl className="values">
        <Fact name="id">
          <code>{runId}</code>
        </Fact>
        <Fact name="version">{run.version}</Fact>
        {run.lock && <Fact name="holds the lock">{run.lock.key}</Fact>}
        {!isEmpty(run.metadata) && (
          <Fact name="metadata">
            <code>{JSON.stringify(run.metadata)}</code>
          </Fact>
        )}
        <Fact name="as data">
          <a href={`/api/runs/${runId}`}>status</a>,{' '}
          <a href={`/api/runs/${runId}/transitions`}>ledger</a>,{' '}
          <a href={`/api/runs/${runId}/chart?format=xstate`}>chart for XState</a>,{' '}
          <a href={`/api/runs/${runId}/chart?format=svg`}>chart as SVG</a>
        </Fact>
      </dl>
      {version > 0 && (
        <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
          <summary>Snapshot of version {version}</summary>
          {isOpen && <SnapshotAt runId={runId} version={version} />}
        </details>
      )}
    </div>
  );
};
