import type { ChartLabel } from '../../drawing/drawing.ts';
import { labelIcons, labelMetrics } from '../../drawing/label.ts';
import type { Tone } from '../../drawing/roles.ts';
import { unsaid } from './state.tsx';

/** What stands on a line. The list of transitions says the same to whoever does not see it. */
export const LabelBox = ({
  label: { x, y, w, h, rows },
  state,
  tone,
}: {
  label: ChartLabel;
  state: string;
  tone: Tone;
}) => (
  <g className="chart-label" data-state={state} data-tone={tone} {...unsaid}>
    <rect x={x} y={y} width={w} height={h} rx="8" />
    {rows.map(({ kind, text }, index) => {
      const at = y + labelMetrics.padY + index * labelMetrics.row + 12.5;
      return (
        <g key={kind + text} data-kind={kind}>
          <text className="chart-icon" x={x + labelMetrics.padX} y={at}>
            {labelIcons[kind]}
          </text>
          <text x={x + labelMetrics.padX + labelMetrics.icon} y={at}>
            {text}
          </text>
        </g>
      );
    })}
  </g>
);
