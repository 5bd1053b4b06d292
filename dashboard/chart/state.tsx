import type { KeyboardEvent } from 'react';
import { detailsOf, stateMetrics } from '../../drawing/block-size.ts';
import type { StateBox } from '../../drawing/drawing.ts';
import { diamond, startMark } from '../../drawing/line.ts';
import { headHeight, nameHeight } from '../../drawing/plane.ts';
import type { Glyph } from '../ui/state-words.ts';
import type { Marks } from './marks.ts';
import type { ShownState } from './shown-state.ts';

type Props = {
  box: StateBox;
  facts: ShownState;
  marks: Marks;
  isSelected: boolean;
  isStop: boolean;
  onSelect: (path: string) => void;
  onKeyDown: (event: KeyboardEvent, box: StateBox) => void;
};

const Rest = ({ x, y, glyph }: { x: number; y: number; glyph: Glyph }) => {
  if (glyph === 'done') return <path className="chart-mark" d={`M${x - 5} ${y}l3.5 3.5 6.5-7`} />;
  if (glyph === 'failed')
    return <path className="chart-mark" d={`M${x - 4} ${y - 4}l8 8m0-8l-8 8`} />;
  if (glyph === 'stopped')
    return <rect className="chart-mark" x={x - 4} y={y - 4} width="8" height="8" rx="1.5" />;
  if (glyph === 'skipped') return <path className="chart-mark" d={`M${x - 5} ${y}h10`} />;
  if (glyph === 'waiting')
    return (
      <>
        <circle className="chart-mark" cx={x} cy={y} r="5" />
        <path className="chart-mark" d={`M${x} ${y - 3}v3l2 1.5`} />
      </>
    );
  if (glyph === 'paused') return <path className="chart-mark" d={`M${x - 3} ${y - 4}v8m6-8v8`} />;
  if (glyph === 'running') return <circle className="chart-mark full" cx={x} cy={y} r="3.5" />;
  return null;
};

const Start = ({ box }: { box: StateBox }) => {
  if (box.start === null) return null;
  const { cx, cy, d } = startMark({ ...box, start: box.start }, box.shape === 'choice');
  return (
    <g className="chart-start">
      <circle cx={cx} cy={cy} r="3.5" />
      <path d={d} />
    </g>
  );
};

/** The name of the button says it already. */
export const unsaid = { 'aria-hidden': true } as const;

/** A frame or a stage: its title, its number, and how it stands. */
const GroupHead = ({ box, facts }: Pick<Props, 'box' | 'facts'>) => {
  const { x, y, w, state, shape, number } = box;
  return (
    <>
      {shape === 'frame' && <path className="chart-rule" d={`M${x} ${y + headHeight}h${w}`} />}
      {number !== null && (
        <>
          <rect className="chart-badge" x={x + 12} y={y + 9} width="18" height="18" rx="5" />
          <text className="chart-number" x={x + 21} y={y + 22} textAnchor="middle">
            {number}
          </text>
        </>
      )}
      <text className="chart-title" x={x + (number === null ? 14 : 38)} y={y + 23}>
        {state.title ?? state.name}
      </text>
      {facts.stage && <Rest x={x + w - 18} y={y + 18} glyph={facts.stage.glyph} />}
      {facts.note && (
        <text className="chart-note" x={x + w - 32} y={y + 22.5} textAnchor="end">
          {facts.note}
        </text>
      )}
    </>
  );
};

/** What the state waits for and does, with the time that is left. */
const Details = ({ box, facts }: Pick<Props, 'box' | 'facts'>) => {
  const { x, y, w, h, state } = box;
  const details = detailsOf(state);
  return (
    <>
      {details.length > 0 && <path className="chart-rule" d={`M${x} ${y + nameHeight}h${w}`} />}
      {details.map(({ key, text }, index) => {
        const at = y + nameHeight + 17 + index * stateMetrics.detailHeight;
        const isTimer = key === 'after' && facts.timer !== null;
        return (
          <g key={key + text} className={isTimer ? 'chart-timer' : 'chart-detail'}>
            <text x={x + stateMetrics.padX} y={at}>
              {key}
            </text>
            <text
              className={isTimer ? '' : 'chart-mono'}
              x={x + stateMetrics.padX + stateMetrics.keyWidth}
              y={at}
            >
              {isTimer ? facts.timer?.text : text}
            </text>
          </g>
        );
      })}
      {facts.timer && (
        <>
          <rect
            className="chart-track"
            x={x + 10}
            y={y + h - 5}
            width={w - 20}
            height="3"
            rx="1.5"
          />
          <rect
            className="chart-progress"
            x={x + 10}
            y={y + h - 5}
            width={(w - 20) * facts.timer.share}
            height="3"
            rx="1.5"
          />
        </>
      )}
    </>
  );
};

const StateName = ({
  box,
  tail,
  isFinal,
}: Pick<Props, 'box'> & { tail: string | null; isFinal: boolean }) => {
  const { x, y, w, state } = box;
  return (
    <>
      {isFinal ? (
        <circle className="chart-dot open" cx={x + 20} cy={y + 18.5} r="4" />
      ) : (
        <circle className="chart-dot" cx={x + 16} cy={y + 18.5} r="3.5" />
      )}
      <text className="chart-name" x={x + (isFinal ? 32 : 27)} y={y + 23.5}>
        {state.name}
      </text>
      {tail && (
        <text className="chart-note" x={x + w - 12} y={y + 23} textAnchor="end">
          {tail}
        </text>
      )}
    </>
  );
};

const kindOf = ({ shape, state, number }: StateBox): string => {
  if (shape === 'choice') return `Choice ${state.name}`;
  if (shape === 'state') return `State ${state.name}`;
  return `${number === null ? 'Group' : 'Stage'} ${state.title ?? state.name}`;
};
const visitsText = (visits: number): string => {
  if (visits === 0) return 'not entered';
  return `entered ${visits === 1 ? 'once' : `${visits} times`}`;
};

type OutlineProps = { box: StateBox; isActive: boolean; isFinal: boolean; isSelected: boolean };

const Outline = ({ box, isActive, isFinal, isSelected }: OutlineProps) => {
  const { x, y, w, h, shape } = box;
  return (
    <>
      {isActive && shape === 'state' && (
        <rect className="chart-glow" x={x - 3} y={y - 3} width={w + 6} height={h + 6} rx="13" />
      )}
      {shape === 'choice' ? (
        <path className="chart-box" d={diamond(box)} />
      ) : (
        <rect
          className="chart-box"
          x={x}
          y={y}
          width={w}
          height={h}
          rx={shape === 'frame' ? 12 : 10}
        />
      )}
      {isFinal && (
        <rect className="chart-inner" x={x + 3} y={y + 3} width={w - 6} height={h - 6} rx="7" />
      )}
      {isSelected && (
        <rect className="chart-ring" x={x - 5} y={y - 5} width={w + 10} height={h + 10} rx="15" />
      )}
    </>
  );
};

/** One state, with all that is known of it. */
export const State = ({ box, facts, marks, isSelected, isStop, onSelect, onKeyDown }: Props) => {
  const { state, shape, tone, stripes, grid } = box;
  const isActive = marks.active.has(state.path);
  const visits = marks.visits.get(state.path) ?? 0;
  const isFinal = state.kind === 'final';
  const how = isActive ? 'active' : visits > 0 ? 'visited' : 'idle';
  const now = isActive ? (isFinal ? 'reached' : 'current') : visitsText(visits);
  const said = [kindOf(box), facts.stage?.word ?? now, facts.note, facts.timer?.text];
  const tail = facts.note ?? (!isActive && visits > 1 ? `×${visits}` : null);
  return (
    <g
      className={`chart-state ${shape}`}
      data-state={how}
      data-tone={facts.stage && shape !== 'state' ? facts.stage.tone : tone}
      data-final={isFinal || undefined}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: there is no button inside SVG */}
      <g
        role="button"
        className="chart-press"
        tabIndex={isStop ? 0 : -1}
        aria-label={said.filter(Boolean).join(', ')}
        aria-pressed={isSelected}
        data-path={state.path}
        onClick={() => onSelect(state.path)}
        onKeyDown={(event) => onKeyDown(event, box)}
      >
        <Outline box={box} isActive={isActive} isFinal={isFinal} isSelected={isSelected} />
      </g>
      <Start box={box} />
      <g className="chart-texts" {...unsaid}>
        {shape !== 'choice' && shape !== 'state' && <GroupHead box={box} facts={facts} />}
        {shape === 'state' && (
          <>
            <StateName box={box} tail={tail} isFinal={isFinal} />
            <Details box={box} facts={facts} />
          </>
        )}
      </g>
      {stripes.map((at) => (
        <path key={at} className="chart-stripe" d={at} />
      ))}
      {grid && (
        <rect className="chart-inner" x={grid.x} y={grid.y} width={grid.w} height={grid.h} rx="6" />
      )}
    </g>
  );
};
