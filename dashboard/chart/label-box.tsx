import type { ChartLabel } from '../../drawing/drawing.ts';
import { labelIcons, labelMetrics } from '../../drawing/label.ts';
import type { Tone } from '../../drawing/roles.ts';
import { unsaid } from './state.tsx';

/** What stands on a line. The list of transitions says the same to whoever does not see it. */
export const LabelBox = ({
  label: { x, y, w, h, rows, lines },
  state,
  tone,
  onPress,
}: {
  label: ChartLabel;
  state: string;
  tone: Tone;
  onPress: ((lines: readonly string[]) => void) | undefined;
}) => (
  // biome-ignore lint/a11y/noStaticElementInteractions: whoever presses it has a list of the same beside the chart
  <g
    className="chart-label"
    data-state={state}
    data-tone={tone}
    data-press={onPress !== undefined || undefined}
    onClick={onPress && (() => onPress(lines))}
    {...unsaid}
  >
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
