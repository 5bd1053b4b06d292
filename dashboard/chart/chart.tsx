import { type KeyboardEvent, useMemo, useRef } from 'react';
import type { ChartLayout, ChartLine, StateBox } from '../../drawing/drawing.ts';
import { headPath, linePath } from '../../drawing/line.ts';
import { Icon } from '../ui/icon.tsx';
import { LabelBox } from './label-box.tsx';
import type { Marks } from './marks.ts';
import type { ShownState } from './shown-state.ts';
import { State } from './state.tsx';
import { useViewport } from './use-viewport.ts';

type Props = {
  layout: ChartLayout;
  marks: Marks;
  /** What is known of a state beside its marks: its stage's state, its attempt, its timer. */
  factsOf: (box: StateBox) => ShownState;
  selected: string | null;
  /** What must be seen when not everything can be. */
  focus: string | null;
  /** Moves along lines; false for what is over. */
  isLive: boolean;
  onSelect: (path: string) => void;
  /** What stands on lines was pressed, by the ids of the lines; without it labels are only read. */
  onLabel?: (lines: readonly string[]) => void;
  caption: string;
};

const stateOfLine = (
  line: ChartLine,
  marks: Marks,
  isLive: boolean,
): 'last' | 'taken' | 'ready' | 'idle' => {
  if (marks.last.has(line.id) && isLive) return 'last';
  if (marks.taken.has(line.id)) return 'taken';
  return isLive && marks.active.has(line.from) ? 'ready' : 'idle';
};
const rank = { idle: 0, ready: 1, taken: 2, last: 3 };

const Line = ({ line, state }: { line: ChartLine; state: string }) => (
  <g className="chart-line" data-state={state} data-tone={line.tone}>
    <path className="chart-wire" d={linePath(line.points)} />
    <path className="chart-tip" d={headPath(line.points)} />
  </g>
);

/** The next state in the direction of an arrow key: near, and more along it than beside it. */
const toward = (boxes: StateBox[], from: StateBox, key: string): StateBox | null => {
  const center = ({ x, y, w, h }: StateBox) => ({ x: x + w / 2, y: y + (h > 100 ? 18 : h / 2) });
  const origin = center(from);
  let best: { box: StateBox; distance: number } | null = null;
  for (const box of boxes) {
    const at = center(box);
    const [dx, dy] = [at.x - origin.x, at.y - origin.y];
    const along = { ArrowRight: dx, ArrowLeft: -dx, ArrowDown: dy, ArrowUp: -dy }[key] ?? 0;
    const beside = key === 'ArrowRight' || key === 'ArrowLeft' ? Math.abs(dy) : Math.abs(dx);
    if (box === from || along <= 4) continue;
    const distance = along + beside * 2;
    if (!best || distance < best.distance) best = { box, distance };
  }
  return best?.box ?? null;
};

const toWholeScreen = (element: HTMLElement | null): void => {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void element?.requestFullscreen();
};

/**
 * The drawing of a chart, lit. One stop of the tab key; the arrow keys walk from state to state.
 */
export const Chart = ({
  layout,
  marks,
  factsOf,
  selected,
  focus,
  isLive,
  onSelect,
  onLabel,
  caption,
}: Props) => {
  const frame = useRef<HTMLDivElement>(null);
  const spot = layout.boxes.find(({ state }) => state.path === focus) ?? null;
  const { view, isWhole, isFirst, fit, toFirst, zoomIn, zoomOut, handlers } = useViewport(
    frame,
    layout,
    spot,
  );
  const lines = useMemo(() => {
    const states = layout.lines.map((line) => ({ line, state: stateOfLine(line, marks, isLive) }));
    // What was taken lies on top of what was not.
    return states.toSorted((a, b) => rank[a.state] - rank[b.state]);
  }, [layout, marks, isLive]);
  const stop = selected ?? focus ?? layout.boxes[0]?.state.path;
  const walk = (event: KeyboardEvent, box: StateBox): void => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      onSelect(box.state.path);
    }
    if (!event.key.startsWith('Arrow')) return;
    event.preventDefault();
    const next = toward(layout.boxes, box, event.key);
    if (next) frame.current?.querySelector<SVGElement>(`[data-path="${next.state.path}"]`)?.focus();
  };
  return (
    <div className="chart" ref={frame} {...handlers} data-direction={layout.direction}>
      {/* biome-ignore lint/a11y/useSemanticElements: there is no fieldset inside SVG */}
      <svg role="group" aria-label={caption} width="100%" height="100%">
        <g transform={`translate(${view.x} ${view.y}) scale(${view.scale})`}>
          {layout.boxes
            .filter(({ shape }) => shape === 'frame')
            .map((box) => (
              <State
                key={box.state.path}
                box={box}
                facts={factsOf(box)}
                marks={marks}
                isSelected={selected === box.state.path}
                isStop={stop === box.state.path}
                onSelect={onSelect}
                onKeyDown={walk}
              />
            ))}
          {lines.map(({ line, state }) => (
            <Line key={line.id} line={line} state={state} />
          ))}
          {layout.boxes
            .filter(({ shape }) => shape !== 'frame')
            .map((box) => (
              <State
                key={box.state.path}
                box={box}
                facts={factsOf(box)}
                marks={marks}
                isSelected={selected === box.state.path}
                isStop={stop === box.state.path}
                onSelect={onSelect}
                onKeyDown={walk}
              />
            ))}
          {layout.labels.map((label) => (
            <LabelBox
              key={label.lines.join()}
              label={label}
              onPress={onLabel}
              state={lines.findLast(({ line }) => label.lines.includes(line.id))?.state ?? 'idle'}
              tone={layout.lines.find(({ id }) => label.lines.includes(id))?.tone ?? 'work'}
            />
          ))}
        </g>
      </svg>
      <div className="chart-tools">
        <button type="button" className="button icon-only" aria-label="Larger" onClick={zoomIn}>
          <Icon name="plus" />
        </button>
        <button type="button" className="button icon-only" aria-label="Smaller" onClick={zoomOut}>
          <Icon name="minus" />
        </button>
        <button
          type="button"
          className="button icon-only"
          aria-label={isWhole && !isFirst ? 'Back to a readable size' : 'Fit'}
          title={isWhole && !isFirst ? 'Back to a readable size' : 'All of it'}
          disabled={isWhole && isFirst}
          onClick={isWhole ? toFirst : fit}
        >
          <Icon name="fit" />
        </button>
        <button
          type="button"
          className="button icon-only"
          aria-label="Full screen"
          onClick={() => toWholeScreen(frame.current)}
        >
          <Icon name="whole" />
        </button>
      </div>
    </div>
  );
};
