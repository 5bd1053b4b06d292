import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { useNow } from '../live/use-live.ts';
import { api } from '../service-api.ts';
import { lookOfRun } from '../ui/state-words.ts';
import { dayOf, duration, fullTime, minuteTime, zoneName } from '../ui/time.ts';
import { useRoving } from '../ui/use-roving.ts';
import { useSearchState } from '../ui/use-search.ts';
import { type PipelineFacts, type RunFacts, useUpcoming } from '../use-reads.ts';
import {
  isWindow,
  type Scale,
  scaleOf,
  type WindowName,
  windowFor,
  windows,
} from './ruler-scale.ts';

const mostRuns = 200;
const narrowest = 0.006;
/** So many of the last runs should be seen at first. */
const runsAtFirst = 12;
const percent = (share: number): string => `${(share * 100).toFixed(3)}%`;
const words: Record<WindowName, string> = {
  '1h': '1 hour',
  '6h': '6 hours',
  '24h': '24 hours',
  '7d': '7 days',
};

type MarkProps = {
  run: RunFacts;
  scale: Scale;
  now: number;
  tabIndex: number;
  onFocus: () => void;
};
const RunMark = ({ run, scale, now, ...focus }: MarkProps) => {
  const start = Date.parse(run.started_at ?? run.created_at ?? '');
  const end = run.ended_at ? Date.parse(run.ended_at) : now;
  const { tone, glyph, word } = lookOfRun(run);
  const to = Math.min(1, scale.at(end));
  // The shortest run can still be pointed at; it grows into the past, never beyond now.
  const from = Math.max(0, Math.min(scale.at(start), to - narrowest));
  const text = `Run ${run.number}: ${word.toLowerCase()}, ${minuteTime(start)}, ${duration(end - start)}`;
  return (
    <Link
      href={`/runs/${run.run_id}`}
      className="ruler-run"
      aria-label={text}
      title={text}
      {...focus}
      style={{ insetInlineStart: percent(from), inlineSize: percent(to - from) }}
    >
      <span data-tone={tone} data-glyph={glyph} />
    </Link>
  );
};

const Lane = ({
  facts,
  runs,
  scale,
  now,
}: {
  facts: PipelineFacts;
  runs: RunFacts[];
  scale: Scale;
  now: number;
}) => {
  const { data } = useUpcoming();
  // Oldest first, as they stand.
  const marks = runs.toReversed();
  const { ref, onKeyDown, tabIndexOf, onFocusOf } = useRoving<HTMLElement>(marks.length);
  const slots = (data?.items ?? [])
    .filter(({ pipeline, predicted }) => pipeline === facts.name && predicted !== 'left_out')
    .map(({ fires_at }) => Date.parse(fires_at))
    .filter((at) => at >= now && at <= scale.to);
  return (
    <li className="ruler-lane">
      <span className="ruler-name">{facts.title}</span>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields */}
      <span
        ref={ref}
        className="ruler-track"
        role="group"
        aria-label={`Runs of ${facts.title}`}
        onKeyDown={onKeyDown}
      >
        {marks.map((run, index) => (
          <RunMark
            key={run.run_id}
            run={run}
            scale={scale}
            now={now}
            tabIndex={tabIndexOf(index)}
            onFocus={onFocusOf(index)}
          />
        ))}
        {slots.map((at) => (
          <span
            key={at}
            role="img"
            className="ruler-slot"
            title={`Due ${fullTime(at)}`}
            aria-label={`Due ${fullTime(at)}`}
            style={{ insetInlineStart: percent(scale.at(at)) }}
          />
        ))}
      </span>
    </li>
  );
};

/** One ruler for all pipelines: what ran when, and what is due. */
export const Ruler = ({ pipelines }: { pipelines: readonly PipelineFacts[] }) => {
  const [search, setSearch] = useSearchState();
  const now = useNow() ?? Date.now();
  const latest = useQuery({
    queryKey: ['runs', 'latest', runsAtFirst],
    queryFn: () => api.ask('GET /api/runs', { query: { limit: runsAtFirst } }),
  });
  const asked = search.get('window');
  const earliest = latest.data?.items.at(-1)?.created_at;
  const name = isWindow(asked) ? asked : windowFor(earliest ? Date.parse(earliest) : null, now);
  const { data } = useQuery({
    queryKey: ['runs', 'ruler', name],
    queryFn: () =>
      api.ask('GET /api/runs', {
        query: { from: new Date(Date.now() - windows[name]).toISOString(), limit: mostRuns },
      }),
  });
  const scale = scaleOf(name, now);
  return (
    <section className="ruler" aria-labelledby="ruler-title">
      <header className="section-head">
        <h2 id="ruler-title">Past and due</h2>
        <fieldset className="segments">
          <legend className="visually-hidden">How far back</legend>
          {(Object.keys(windows) as WindowName[]).map((one) => (
            <label key={one}>
              <input
                type="radio"
                name="window"
                checked={one === name}
                onChange={() => setSearch({ window: one })}
              />
              <span>{words[one]}</span>
            </label>
          ))}
        </fieldset>
      </header>
      <div className="ruler-body">
        <ul>
          {pipelines.map((facts) => (
            <Lane
              key={facts.name}
              facts={facts}
              scale={scale}
              now={now}
              runs={(data?.items ?? []).filter(
                ({ pipeline, ended_at }) =>
                  pipeline === facts.name && (!ended_at || Date.parse(ended_at) > scale.from),
              )}
            />
          ))}
        </ul>
        <div className="ruler-axis" aria-hidden="true">
          {/* A label at the very end would stand beyond the page on a phone. */}
          {scale.ticks
            .filter((tick) => scale.at(tick) < 0.9)
            .map((tick) => (
              <span key={tick} style={{ insetInlineStart: percent(scale.at(tick)) }}>
                {new Date(tick).getHours() + new Date(tick).getMinutes() === 0
                  ? dayOf(tick)
                  : minuteTime(tick)}
              </span>
            ))}
          <span className="ruler-zone">{zoneName(now)}</span>
        </div>
        <div className="ruler-now" aria-hidden="true">
          <span style={{ insetInlineStart: percent(scale.at(now)) }} />
        </div>
      </div>
    </section>
  );
};
