import type { CSSProperties } from 'react';
import type { Attempt } from '../../wire/attempts.ts';
import type { JournalEvent } from '../../wire/events.ts';
import type { RunView } from '../../wire/patch.ts';
import type { Transition } from '../chart/marks.ts';
import { useNow } from '../live/use-live.ts';
import { StateGlyph } from '../ui/state-mark.tsx';
import { lookOfStage } from '../ui/state-words.ts';
import { clockTime, duration, zoneName } from '../ui/time.ts';
import { type Timeline, type TimelineBar, ticksOf, timelineOf } from './timeline-rows.ts';
import type { Change } from './use-view.ts';

type Props = {
  run: RunView;
  attempts: readonly Attempt[];
  events: readonly JournalEvent[];
  ledger: readonly Transition[];
  shown: { stage: string; attempt: number } | null;
  n: number | null;
  onView: (change: Change) => void;
};

/**
 * Rows of attempts beyond these are one line: a stage that was tried a hundred times must not hide
 * the others.
 */
const mostAttempts = 6;

const place = ({ from, to }: Timeline, a: number, b: number): CSSProperties => ({
  insetInlineStart: `${((a - from) / (to - from)) * 100}%`,
  inlineSize: `${((b - a) / (to - from)) * 100}%`,
});
const said = ({ kind, look, attempt, from, to, isOpen }: TimelineBar): string => {
  const took = isOpen
    ? kind === 'backoff'
      ? `until ${clockTime(to)}`
      : 'goes on'
    : duration(to - from);
  return `${kind === 'attempt' ? `attempt ${attempt}, ${look.word}` : kind === 'backoff' ? 'waits for the next attempt' : look.word}, ${took}`;
};

const Bars = ({ timeline, bars }: { timeline: Timeline; bars: TimelineBar[] }) =>
  bars.map((bar) => (
    <span
      key={`${bar.kind} ${bar.from}`}
      className="gantt-bar"
      data-kind={bar.kind}
      data-tone={bar.look.tone}
      data-open={bar.isOpen || undefined}
      style={place(timeline, bar.from, bar.to)}
      title={said(bar)}
    />
  ));

const tickWord = (ms: number): string => {
  if (ms === 0) return '0';
  if (ms < 60_000) return `${+(ms / 1000).toFixed(2)} s`;
  return ms < 3_600_000 ? `${+(ms / 60_000).toFixed(1)} min` : `${+(ms / 3_600_000).toFixed(1)} h`;
};

const Scale = ({ timeline, cursor }: { timeline: Timeline; cursor: Transition | null }) => {
  const span = timeline.to - timeline.from;
  return (
    <div className="gantt-scale" aria-hidden="true">
      {ticksOf(span)
        .filter((ms) => ms / span < 0.95)
        .map((ms) => (
          <span
            key={ms}
            className="gantt-tick"
            style={{ insetInlineStart: `${(ms / span) * 100}%` }}
          >
            {tickWord(ms)}
          </span>
        ))}
      {timeline.moments.map(({ at, kind, text }) => (
        <span
          key={kind + at}
          className="gantt-moment"
          data-kind={kind}
          data-early={(at - timeline.from) / span < 0.2 || undefined}
          style={{ insetInlineStart: `${((at - timeline.from) / span) * 100}%` }}
        >
          <span>{text}</span>
        </span>
      ))}
      {cursor && (
        <span
          className="gantt-moment"
          data-kind="cursor"
          style={{
            insetInlineStart: `${((Date.parse(cursor.at) - timeline.from) / span) * 100}%`,
          }}
        />
      )}
    </div>
  );
};

type RowProps = {
  timeline: Timeline;
  row: Timeline['rows'][number];
  shown: Props['shown'];
  onChoose: (stage: string, attempt: number | null) => void;
};

const AttemptRow = (props: RowProps & { attempt: RowProps['row']['attempts'][number] }) => {
  const { timeline, row, shown, onChoose } = props;
  const { stage, bars } = row;
  const { attempt, state, duration_ms, error } = props.attempt;
  const isThis = shown?.stage === stage && shown.attempt === attempt;
  return (
    <li className="gantt-row" data-sub data-shown={isThis || undefined}>
      <button
        type="button"
        className="gantt-label"
        aria-pressed={isThis}
        onClick={() => onChoose(stage, attempt)}
      >
        <StateGlyph look={lookOfStage(state)} size={12} />
        <span className="gantt-name">
          attempt {attempt}
          <span className="visually-hidden">
            {' '}
            of {stage}, {lookOfStage(state).word}
          </span>
          {error && <span className="muted"> {error.code}</span>}
        </span>
        <span className="gantt-took">{duration_ms === null ? '' : duration(duration_ms)}</span>
      </button>
      <div className="gantt-track">
        <Bars timeline={timeline} bars={bars.filter((bar) => bar.attempt === attempt)} />
      </div>
    </li>
  );
};

const StageRow = (props: RowProps & { run: RunView }) => {
  const { run, timeline, row, shown, onChoose } = props;
  const { stage, group, look, attempts: own, bars, deadline } = row;
  const span = timeline.to - timeline.from;
  const isShown = shown?.stage === stage;
  const newest = own.slice(-mostAttempts);
  return (
    <li>
      <div className="gantt-row" data-shown={isShown || undefined}>
        <button
          type="button"
          className="gantt-label"
          aria-pressed={isShown}
          disabled={own.length === 0}
          onClick={() => onChoose(stage, null)}
        >
          <StateGlyph look={look} size={14} />
          <span className="gantt-name" title={group ? `in ${group}` : undefined}>
            {group && <span aria-hidden="true">∥ </span>}
            {stage}
          </span>
          <span className="visually-hidden">
            , {look.word}
            {group && `, beside others in ${group}`}
          </span>
          <span className="gantt-took">{tookOf(run, stage)}</span>
        </button>
        <div className="gantt-track">
          <Bars timeline={timeline} bars={bars} />
          {deadline !== null && deadline < timeline.to && (
            <span
              className="gantt-deadline"
              style={{
                insetInlineStart: `${((deadline - timeline.from) / span) * 100}%`,
              }}
              title={`time limit at ${clockTime(deadline)}`}
            />
          )}
        </div>
      </div>
      {own.length > 1 && (
        <ul>
          {own.length > newest.length && (
            <li className="gantt-more muted small">
              {own.length - newest.length} earlier attempts
            </li>
          )}
          {newest.map((one) => (
            <AttemptRow
              key={one.attempt}
              timeline={timeline}
              row={row}
              shown={shown}
              onChoose={onChoose}
              attempt={one}
            />
          ))}
        </ul>
      )}
    </li>
  );
};

/**
 * Which stage and attempt took how long, what waited, and where the time went. A row's label is
 * what one presses.
 */
export const TimelinePanel = ({ run, attempts, events, ledger, shown, n, onView }: Props) => {
  const now = useNow(run.ended_at === null);
  const timeline = timelineOf(run, attempts, events, ledger, now);
  if (!timeline) return null;
  const cursor = ledger.find((row) => row.n === n) ?? null;
  const choose = (stage: string, attempt: number | null): void =>
    onView({ stage, attempt, stream: null, path: null, line: null });
  return (
    <section className="pane" id="timeline" aria-labelledby="timeline-title">
      <header className="pane-head">
        <h2 id="timeline-title" tabIndex={-1}>
          Timeline
        </h2>
        <p className="muted small">
          from {clockTime(timeline.from)} {zoneName(timeline.from)}
        </p>
      </header>
      <div className="gantt">
        <Scale timeline={timeline} cursor={cursor} />
        <ul className="gantt-rows">
          {timeline.rows.map((row) => (
            <StageRow
              key={row.stage}
              run={run}
              timeline={timeline}
              row={row}
              shown={shown}
              onChoose={choose}
            />
          ))}
        </ul>
      </div>
    </section>
  );
};

const tookOf = (run: RunView, name: string): string => {
  const stage = run.stages.find((one) => one.name === name);
  return stage?.duration_ms != null ? duration(stage.duration_ms) : '';
};
