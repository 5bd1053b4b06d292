import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import { useTheme } from '../shell/theme.ts';
import { lookOfRun, type Tone } from '../ui/state-words.ts';
import { dayOf, duration, minuteTime } from '../ui/time.ts';
import type { TrendPoint } from './trend-data.ts';
import 'uplot/dist/uPlot.min.css';

type Props = {
  points: TrendPoint[];
  onOpen: (point: TrendPoint) => void;
  onPoint: (point: TrendPoint | null) => void;
  onRange: (from: number, to: number) => void;
};
const heightPx = 200;
const reach = 14;
/** Steps of a duration that people count in. */
const roundSeconds = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400,
];
const timeLabel = (seconds: number): string => {
  const at = new Date(seconds * 1000);
  return at.getHours() + at.getMinutes() === 0 ? dayOf(at.getTime()) : minuteTime(at.getTime());
};
/** `1 min`, not `1 min 00 s`: the steps are round. */
const durationLabel = (seconds: number): string =>
  seconds === 0
    ? '0'
    : duration(seconds * 1000)
        .replace(/\.0 s$/, ' s')
        .replace(/ 00 (min|s)$/, '');

const draw = (
  context: CanvasRenderingContext2D,
  glyph: string,
  x: number,
  y: number,
  size: number,
): void => {
  context.beginPath();
  if (glyph === 'failed') {
    context.moveTo(x - size, y - size);
    context.lineTo(x + size, y + size);
    context.moveTo(x + size, y - size);
    context.lineTo(x - size, y + size);
    context.stroke();
    return;
  }
  if (glyph === 'stopped') context.rect(x - size, y - size, size * 2, size * 2);
  else context.arc(x, y, size, 0, Math.PI * 2);
  if (glyph === 'skipped') context.stroke();
  else context.fill();
};

/**
 * One mark a run, its form by result: dot done, ring nothing to do, cross failed, square stopped.
 */
const marks =
  (points: TrendPoint[], colour: (tone: Tone) => string) =>
  (plot: uPlot): void => {
    const { ctx } = plot;
    const size = 3.5 * devicePixelRatio;
    ctx.save();
    ctx.setLineDash([]);
    ctx.lineWidth = 2 * devicePixelRatio;
    for (const { run, at, seconds } of points) {
      const { tone, glyph } = lookOfRun(run);
      ctx.fillStyle = colour(tone);
      ctx.strokeStyle = colour(tone);
      draw(
        ctx,
        glyph,
        plot.valToPos(at / 1000, 'x', true),
        plot.valToPos(seconds, 'y', true),
        size,
      );
    }
    ctx.restore();
  };

/** The nearest mark within reach of the pointer. */
const nearest = (plot: uPlot, points: TrendPoint[]): TrendPoint | null => {
  const { left = -1, top = -1 } = plot.cursor;
  if (left < 0) return null;
  let best: TrendPoint | null = null;
  let closest = reach;
  for (const point of points) {
    const away = Math.hypot(
      plot.valToPos(point.at / 1000, 'x') - left,
      plot.valToPos(point.seconds, 'y') - top,
    );
    if (away < closest) [best, closest] = [point, away];
  }
  return best;
};

/**
 * How long runs took, over time. A drag narrows the dates; a click opens the run. Loaded when it is
 * looked at.
 */
export const TrendPlot = ({ points, onOpen, onPoint, onRange }: Props) => {
  const host = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const act = useRef({ onOpen, onPoint, onRange });
  act.current = { onOpen, onPoint, onRange };
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const style = getComputedStyle(element);
    // A canvas knows no light-dark(): the browser resolves it on an element.
    const probe = element.appendChild(document.createElement('i'));
    const colour = (name: string): string => {
      probe.style.color = `var(--${name})`;
      return getComputedStyle(probe).color;
    };
    const tones: Record<Tone, string> = {
      run: colour('run'),
      ok: colour('ok'),
      bad: colour('bad'),
      stop: colour('stop'),
      wait: colour('wait'),
      none: colour('faint'),
    };
    const [muted, line, ground] = [colour('muted'), colour('line'), colour('accent')];
    probe.remove();
    const axis = {
      stroke: muted,
      grid: { stroke: line, width: 1 },
      ticks: { show: false },
      font: `12px ${style.fontFamily}`,
    };
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: heightPx,
        padding: [12, 8, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
        scales: {
          x: { time: true },
          y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.1)] },
        },
        axes: [
          { ...axis, size: 28, values: (_plot, splits) => splits.map(timeLabel) },
          {
            ...axis,
            size: 72,
            incrs: roundSeconds,
            values: (_plot, splits) => splits.map(durationLabel),
          },
        ],
        series: [
          {},
          { stroke: 'transparent', points: { show: false } },
          { stroke: ground, width: 1.5, points: { show: false } },
          { stroke: muted, width: 1.5, dash: [4, 4], points: { show: false } },
        ],
        hooks: {
          draw: [marks(points, (tone) => tones[tone])],
          setCursor: [(it) => act.current.onPoint(nearest(it, points))],
          setSelect: [
            (it) => {
              if (it.select.width < reach) return;
              act.current.onRange(
                it.posToVal(it.select.left, 'x') * 1000,
                it.posToVal(it.select.left + it.select.width, 'x') * 1000,
              );
            },
          ],
        },
      },
      [
        points.map(({ at }) => at / 1000),
        points.map(({ seconds }) => seconds),
        points.map(({ median }) => median),
        points.map(({ p90 }) => p90),
      ],
      element,
    );
    const open = (): void => {
      const point = nearest(plot, points);
      if (point && plot.select.width < reach) act.current.onOpen(point);
    };
    plot.over.addEventListener('click', open);
    const sized = new ResizeObserver(() =>
      plot.setSize({ width: element.clientWidth, height: heightPx }),
    );
    sized.observe(element);
    return () => {
      sized.disconnect();
      plot.destroy();
    };
  }, [points, theme]);
  return (
    <div
      ref={host}
      className="trend-plot"
      role="img"
      aria-label="Durations of the runs over time; the table has the figures"
    />
  );
};
