import { lazy, type ReactNode, Suspense } from 'react';
import { Link } from 'wouter';
import { useDesk } from '../desk/desk.tsx';
import { RunsTable } from '../history/runs-table.tsx';
import { Barcode, barcodeRuns } from '../overview/barcode.tsx';
import type { Param } from '../start/start-params.ts';
import { Icon } from '../ui/icon.tsx';
import { Loading } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { plural } from '../ui/state-words.ts';
import { Why } from '../ui/why.tsx';
import { usePipeline, usePipelines, useRecentRuns } from '../use-reads.ts';
import {
  type Definition,
  evenly,
  type Finding,
  limitsOf,
  programOf,
  type StageDetail,
} from './policy.ts';

const recentRuns = 8;
/** Comes with the layout of charts, which the first load does without. */
const PipelineChart = lazy(() =>
  import('./pipeline-chart.tsx').then(({ PipelineChart }) => ({ default: PipelineChart })),
);
const AskWhy = lazy(() => import('./ask-why.tsx').then(({ AskWhy }) => ({ default: AskWhy })));

const Code = ({ label, text }: { label: string; text: string }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
  <section className="program" aria-label={label} tabIndex={0}>
    <pre>{text}</pre>
  </section>
);

const Facts = ({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) => (
  <dl className="facts">
    {facts.map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
);

type StageProps = { stage: StageDetail; number: number; note?: string };
const Stage = ({ stage, number, note }: StageProps) => {
  const { program, script } = programOf(stage);
  const options = Object.keys(stage.with).length > 0 ? JSON.stringify(stage.with, null, 2) : null;
  return (
    <li className="stage-detail">
      <header>
        <span className="stage-number">{number}</span>
        <h3>{stage.name}</h3>
        {stage.title && <p className="muted">{stage.title}</p>}
        {note && <p className="muted">{note}</p>}
      </header>
      <Facts facts={[['Runs', <code key="program">{program}</code>], ...limitsOf(stage)]} />
      {script && <Code label={`Script of ${stage.name}`} text={script} />}
      {options && <Code label={`Options of ${stage.name}`} text={options} />}
    </li>
  );
};

/** What runs when all is decided. */
const Hooks = ({ definition }: { definition: Definition }) => {
  const hooks = [
    ...definition.on_failure.map((stage) => ({ stage, when: 'when the run has failed' })),
    ...definition.finally.map((stage) => ({ stage, when: 'after every run' })),
  ];
  if (hooks.length === 0) return null;
  return (
    <section aria-labelledby="hooks-title" className="section">
      <h2 id="hooks-title">At the end of a run</h2>
      <ol className="stage-details">
        {hooks.map(({ when, stage }, index) => (
          <Stage key={stage.name} stage={stage} number={index + 1} note={when} />
        ))}
      </ol>
    </section>
  );
};

const Params = ({ params }: { params: Definition['params'] }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
  <section className="scroll-x" aria-label="Table of parameters" tabIndex={0}>
    <table className="table">
      <caption className="visually-hidden">Parameters</caption>
      <thead>
        <tr>
          <th scope="col">Parameter</th>
          <th scope="col">Type</th>
          <th scope="col">Default</th>
          <th scope="col">What it is</th>
        </tr>
      </thead>
      <tbody>
        {Object.entries(params as Record<string, Param>).map(([name, param]) => (
          <tr key={name}>
            <th scope="row">
              <code>{name}</code>
            </th>
            <td>
              {param.enum
                ? param.enum.map((value) => JSON.stringify(value)).join(' | ')
                : (param.format ?? param.type)}
            </td>
            <td>
              {param.default === undefined ? (
                'must be given'
              ) : (
                <code>{JSON.stringify(param.default)}</code>
              )}
            </td>
            <td className="muted">{[param.title, param.description].filter(Boolean).join('. ')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);

const Findings = ({ findings }: { findings: readonly Finding[] }) => (
  <section className="file-problems section" aria-labelledby="lint-title">
    <h2 id="lint-title">Lint findings</h2>
    <ul>
      {findings.map(({ code, pointer, line, detail, advice }) => (
        <li key={code + pointer}>
          <Icon name="warning" />
          <p>
            <Why text={detail} />{' '}
            <span className="muted">
              <Why text={advice} /> <code>{line === null ? pointer : `line ${line}`}</code>
            </span>
          </p>
        </li>
      ))}
    </ul>
  </section>
);

/** One pipeline: its chart, its stages with every limit, its parameters, its last runs. */
export const PipelinePage = ({ name }: { name: string }) => {
  const { show } = useDesk();
  const { data, error, refetch } = usePipeline(name);
  const { data: recent } = useRecentRuns(name, barcodeRuns);
  const isKnown = usePipelines().data?.items.some((facts) => facts.name === name) ?? true;
  const runs = recent?.items ?? [];
  const definition = data?.definition;
  if (error)
    return (
      <Page title={name}>
        {<ProblemCard error={error} {...(isKnown && { onRetry: () => void refetch() })} />}
      </Page>
    );
  if (!data || !definition) return <Loading what="the pipeline" />;
  return (
    <Page
      title={data.title}
      aside={
        <>
          {runs.length > 0 && <Barcode pipeline={name} runs={runs} title={data.title} />}
          <button
            type="button"
            className="button primary"
            onClick={() => show({ kind: 'start', pipeline: name })}
          >
            <Icon name="start" />
            Start
          </button>
        </>
      }
    >
      <div className="pipeline-lead">
        <p className="lead">
          <code>{name}</code> · {plural(definition.stages.length, 'stage')} · times in{' '}
          {definition.timezone}
          {definition.timeout_ms !== null && ` · a run may take ${evenly(definition.timeout_ms)}`} ·{' '}
          {definition.concurrency.limit === 1
            ? 'one run at a time'
            : `at most ${definition.concurrency.limit} runs at a time`}
          {definition.concurrency.on_conflict === 'refuse' && ', another start is refused'}
          {definition.concurrency.on_conflict === 'queue' && ', another start waits'}
          {definition.concurrency.on_conflict === 'cancel_running' && ', another start ends it'} ·
          at worst {evenly(definition.worst_case_ms)}
          {definition.labels.length > 0 && ` · labels ${definition.labels.join(', ')}`}
        </p>
      </div>
      <Suspense fallback={<Loading what="the chart" />}>
        <PipelineChart name={name} title={data.title} />
      </Suspense>
      <section aria-labelledby="stages-title" className="section">
        <h2 id="stages-title">Stages</h2>
        <ol className="stage-details">
          {definition.stages.map((stage, index) => (
            <Stage key={stage.name} stage={stage} number={index + 1} />
          ))}
        </ol>
      </section>
      <Hooks definition={definition} />
      {data.lint.length > 0 && <Findings findings={data.lint} />}
      {Object.keys(definition.params).length > 0 && (
        <section aria-labelledby="params-title" className="section">
          <h2 id="params-title">Parameters</h2>
          <Params params={definition.params} />
        </section>
      )}
      <Suspense fallback={null}>
        <AskWhy key={name} name={name} timezone={definition.timezone} />
      </Suspense>
      {runs.length > 0 && (
        <section aria-labelledby="recent-title" className="section">
          <header className="section-head">
            <h2 id="recent-title">Last runs</h2>
            <Link href={`/runs?pipeline=${name}`}>All runs and their durations</Link>
          </header>
          <RunsTable runs={runs.slice(0, recentRuns)} />
        </section>
      )}
    </Page>
  );
};
