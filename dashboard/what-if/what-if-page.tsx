import { useState } from 'react';
import { Link } from 'wouter';
import type { ChartOf } from '../chart/use-chart.ts';
import { Loading } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { leadingInto, takingWay } from './chart-presses.ts';
import { PressList } from './press-list.tsx';
import { ScriptPanel } from './script-panel.tsx';
import { type Possible, useWhatIf } from './use-what-if.ts';
import { WhatIfChart } from './what-if-chart.tsx';
import { NowFacts, PathList } from './what-if-facts.tsx';
import '../run/run.css';
import './what-if.css';

const beginningOf = (of: ChartOf, version: number | null): string => {
  if ('pipeline' in of) return 'from the beginning of a run';
  return version === null ? 'from where the run stands' : `from version ${version} of the run`;
};

const nothing: ReadonlySet<string> = new Set();

/** The chart asked about its future: events are pressed, nothing is moved. */
export const WhatIfPage = ({ of }: { of: ChartOf }) => {
  const { data, error, refetch, version, path, press, backTo, isAsking } = useWhatIf(of);
  const [looked, setLooked] = useState<string | null>(null);
  const [marked, setMarked] = useState<ReadonlySet<string>>(nothing);
  if (error && !data)
    return (
      <Page title="What if">
        <ProblemCard error={error} onRetry={() => void refetch()} />
        {path.length > 0 && (
          <button type="button" className="button" onClick={() => backTo(0)}>
            Begin again
          </button>
        )}
      </Page>
    );
  if (!data) return <Loading what="what could come" />;
  const go = (event: Parameters<typeof press>[0]): void => {
    setLooked(null);
    setMarked(nothing);
    press(event);
    // What was pressed may not come again: who goes on by keyboard begins at the new list.
    document.getElementById('presses-title')?.focus({ preventScroll: true });
  };
  /** What only one event leads to is that event; else those that do are marked. */
  const choose = (leading: readonly Possible[]): void => {
    const [only] = leading;
    if (only && leading.length === 1) go(only.press);
    else setMarked(new Set(leading.map(({ text }) => text)));
  };
  return (
    <Page
      title={`What if · ${data.pipeline}`}
      heading={
        <>
          What if{' '}
          <span className="muted">
            {data.pipeline}, {beginningOf(of, version)}
          </span>
        </>
      }
      aside={
        'run' in of ? (
          <Link href={`/runs/${of.run}`} className="button">
            Run page
          </Link>
        ) : (
          <Link href={`/pipelines/${of.pipeline}`} className="button">
            Pipeline
          </Link>
        )
      }
    >
      {error && <ProblemCard error={error} onRetry={() => backTo(path.length - 1)} />}
      <div className="what-if" aria-busy={isAsking}>
        <div className="what-if-columns">
          <div className="what-if-left">
            <WhatIfChart
              of={of}
              data={data}
              looked={looked}
              onSelect={(state) => choose(leadingInto(data, state))}
              onWay={(targets) => choose(takingWay(data, targets))}
            />
            <PathList data={data} onBack={backTo} />
          </div>
          <div className="what-if-right">
            <NowFacts data={data} />
            <PressList events={data.events} marked={marked} onPress={go} onLook={setLooked} />
          </div>
        </div>
        {'pipeline' in of && (
          <ScriptPanel pipeline={of.pipeline} stages={data.now.stages.map(({ name }) => name)} />
        )}
      </div>
    </Page>
  );
};
