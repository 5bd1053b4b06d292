import { type ReactNode, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { Link } from 'wouter';
import { Refused } from '../../client/api.ts';
import type { StreamState } from '../../client/run-state.ts';
import type { Attempt } from '../../wire/attempts.ts';
import type { RunView } from '../../wire/patch.ts';
import { useRun } from '../live/use-run.ts';
import { useKeys } from '../shell/keys.ts';
import { Icon } from '../ui/icon.tsx';
import { Loading } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { lookOfRun } from '../ui/state-words.ts';
import { ChartPanel } from './chart-panel.tsx';
import { Details } from './details.tsx';
import { Events } from './events-panel.tsx';
import { FailureCard } from './failure-card.tsx';
import { Ledger } from './ledger.tsx';
import { LogPanel } from './log-panel.tsx';
import { Commands } from './run-commands.tsx';
import { RunHead } from './run-head.tsx';
import './run.css';
import { timersOf } from './countdowns.ts';
import { TimelinePanel } from './timeline.tsx';
import { useEvents } from './use-events.ts';
import { useLedger } from './use-ledger.ts';
import { shownAttempt, useView } from './use-view.ts';

/**
 * One run: what is wrong, what can be done, where it stands, how it came there, and what it said.
 */
export const RunPage = ({ id }: { id: string }) => {
  const { state, error } = useRun(id);
  const run = state?.runs[id];
  if (error) return <NoRun error={error} />;
  if (!state || !run) return <Loading what="the run" />;
  return <KnownRun id={id} state={state} run={run} />;
};

const NoRun = ({ error }: { error: unknown }) => {
  const isUnknown = error instanceof Refused && error.problem.status < 500;
  return (
    <Page title={isUnknown ? 'Run not found' : 'This run could not be loaded'}>
      <ProblemCard error={error} />
      <p>
        <Link href="/runs">All runs</Link> · <Link href="/">Overview</Link>
      </p>
    </Page>
  );
};

const sides = { ledger: 'Ledger', events: 'Events', details: 'Details' } as const;
const panes = ['chart', 'timeline', 'log', 'side'] as const;

const KnownRun = ({ id, state, run }: { id: string; state: StreamState; run: RunView }) => {
  const [view, onView] = useView();
  const events = useEvents(state);
  const { rows, error } = useLedger(id, state.as_of_seq);
  const { attempts } = state;
  const timers = timersOf(run, attempts, events);
  const isNarrow = useNarrow();
  const shown = shownAttempt(run, view);
  useEffect(() => {
    if (location.hash === '#log') toPane('log');
  }, []);
  const step = useSteps(attempts, shown, onView);
  useRunKeys(step);
  const version =
    view.n === null
      ? run.version
      : (rows.findLast(({ n, verdict }) => n <= (view.n as number) && verdict === 'accepted')
          ?.version ?? 0);
  const chart = (
    <ChartPanel
      key="chart"
      runId={id}
      run={run}
      ledger={rows}
      timers={timers}
      view={view}
      onView={onView}
    />
  );
  const timeline = (
    <TimelinePanel
      key="timeline"
      run={run}
      attempts={attempts}
      events={events}
      shown={shown}
      onView={onView}
      ledger={rows}
      n={view.n}
    />
  );
  return (
    <Page
      title={`${run.pipeline} · run ${run.number} · ${lookOfRun(run).word}`}
      heading={<RunTitle run={run} />}
      aside={<Aside id={id} n={view.n} version={version} />}
    >
      <div className="run">
        <FailureCard run={run} onView={onView}>
          <Commands runId={id} run={run} />
        </FailureCard>
        <RunHead runId={id} run={run} events={events} timer={timers[0] ?? null}>
          {run.state !== 'FAILED' && <Commands runId={id} run={run} />}
        </RunHead>
        {isNarrow ? [timeline, chart] : [chart, timeline]}
        <div className="run-columns">
          <LogPanel
            run={run}
            attempts={attempts}
            shown={shown}
            view={view}
            onView={onView}
            runId={id}
          />
          <SidePane side={view.side} onSide={(side) => onView({ side })}>
            {view.side === 'ledger' && (
              <Ledger rows={rows} error={error} view={view} onView={onView} />
            )}
            {view.side === 'events' && (
              <Events runId={id} events={events} stage={view.stage} onView={onView} />
            )}
            {view.side === 'details' && <Details runId={id} run={run} version={version} />}
          </SidePane>
        </div>
      </div>
    </Page>
  );
};

const RunTitle = ({ run }: { run: RunView }) => (
  <>
    <a className="run-pipeline" href={`/runs?pipeline=${run.pipeline}`}>
      {run.pipeline}
    </a>{' '}
    <span className="muted">run {run.number}</span>
  </>
);

type Side = keyof typeof sides;
type SideProps = {
  side: Side;
  /** null = the one that is shown unless another is asked for. */
  onSide: (side: string | null) => void;
  children: ReactNode;
};

const SidePane = ({ side: shown, onSide, children }: SideProps) => (
  <section className="pane" id="side" aria-label="Ledger, events and details">
    <header className="pane-head">
      <fieldset className="segments">
        <legend className="visually-hidden">What to show</legend>
        {Object.entries(sides).map(([side, word]) => (
          <label key={side}>
            <input
              type="radio"
              name="side"
              checked={shown === side}
              onChange={() => onSide(side === 'ledger' ? null : side)}
            />
            <span>{word}</span>
          </label>
        ))}
      </fieldset>
    </header>
    <h2 className="visually-hidden" id="side-title" tabIndex={-1}>
      {sides[shown]}
    </h2>
    {children}
  </section>
);

const useRunKeys = (step: ReturnType<typeof useSteps>): void =>
  useKeys(
    useMemo(
      () => [
        ...panes.map((pane, index) => ({
          keys: String(index + 1),
          label: {
            chart: 'Statechart',
            timeline: 'Timeline',
            log: 'Log',
            side: 'Ledger, events, details',
          }[pane],
          group: 'This run',
          run: () => toPane(pane),
        })),
        { keys: '[', label: 'Previous attempt', group: 'This run', run: () => step.current(-1) },
        { keys: ']', label: 'Next attempt', group: 'This run', run: () => step.current(1) },
      ],
      [step],
    ),
  );

const toPane = (pane: (typeof panes)[number]): void => {
  document.getElementById(pane)?.scrollIntoView({ block: 'start' });
  document.getElementById(`${pane}-title`)?.focus({ preventScroll: true });
};

/**
 * The attempt before or after the one that is shown, across stages, in the order in which they
 * began.
 */
const useSteps = (
  attempts: readonly Attempt[],
  shown: { stage: string; attempt: number } | null,
  onView: ReturnType<typeof useView>[1],
) => {
  const step = (by: number): void => {
    const at = attempts.findIndex(
      ({ stage, attempt }) => stage === shown?.stage && attempt === shown.attempt,
    );
    const next = attempts[at + by];
    if (next) onView({ stage: next.stage, attempt: next.attempt, line: null, stream: null });
  };
  const current = useRef(step);
  current.current = step;
  return current;
};

const narrow = matchMedia('(width < 760px)');
const onNarrow = (listener: () => void): (() => void) => {
  narrow.addEventListener('change', listener);
  return () => narrow.removeEventListener('change', listener);
};
/** On a phone the list of stages comes before their drawing. */
const useNarrow = (): boolean => useSyncExternalStore(onNarrow, () => narrow.matches);

const Aside = ({ id, n, version }: { id: string; n: number | null; version: number }) => (
  <>
    <CopyId id={id} />
    <Link href={`/inspect/${id}${n === null ? '' : `?at=${n}`}`} className="button">
      <Icon name="inspect" />
      Inspect
    </Link>
    <Link
      href={`/runs/${id}/what-if${n === null || version === 0 ? '' : `?version=${version}`}`}
      className="button"
    >
      <Icon name="whatif" />
      What if…
    </Link>
  </>
);

const CopyId = ({ id }: { id: string }) => {
  const [isDone, setDone] = useState(false);
  return (
    <button
      type="button"
      className="button quiet small"
      aria-label={`Copy the run's id, ${id}`}
      onClick={() => void navigator.clipboard?.writeText(id).then(() => setDone(true))}
    >
      <code>{id}</code>
      <Icon name={isDone ? 'check' : 'copy'} size={14} />
    </button>
  );
};
