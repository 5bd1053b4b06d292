import type { EquityPoint, InstrumentFigures, SlotStats } from './figures.ts';
import { dateInWords, inWords, linear, niceTicks, timeTicks } from './scale.ts';

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
export const escaped = (text: string): string => text.replace(/[&<>"]/g, (char) => escapes[char]!);

type Line = { color: number; points: { at: number; value: number }[] };
type Frame = { width: number; height: number; label: string; isArea: boolean };

const margin = { top: 10, right: 12, bottom: 24, left: 52 };

/** Lines over time with a zero line; with one line the ground between it and zero is filled. */
function timeChart(lines: Line[], { width, height, label, isArea }: Frame): string {
  const all = lines.flatMap(({ points }) => points);
  if (all.length === 0) return '';
  const values = all.map(({ value }) => value);
  const times = all.map(({ at }) => at);
  const ticks = niceTicks(Math.min(0, ...values), Math.max(0, ...values), 5);
  const span: [number, number] = [Math.min(...times), Math.max(...times)];
  const x = linear(span, [margin.left, width - margin.right]);
  const y = linear([ticks[0]!, ticks.at(-1)!], [height - margin.bottom, margin.top]);
  const grid = ticks.map((tick) => {
    const at = y(tick).toFixed(1);
    return `<line class="${tick === 0 ? 'zero' : 'grid'}" x1="${margin.left}" x2="${width - margin.right}" y1="${at}" y2="${at}"/><text class="tick" x="${margin.left - 8}" y="${at}" dy="0.32em" text-anchor="end">${inWords(tick)}</text>`;
  });
  const dates = timeTicks(...span, Math.floor(width / 90)).map(
    ({ at, text }) =>
      `<text class="tick" x="${x(at).toFixed(1)}" y="${height - 6}" text-anchor="middle">${text}</text>`,
  );
  const paths = lines.map(({ color, points }) => {
    const line = points
      .map(({ at, value }) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`)
      .join(' L');
    const [first, last] = [points[0]!, points.at(-1)!];
    const ground = y(0).toFixed(1);
    const area = isArea
      ? `<path class="area c${color}" d="M${x(first.at).toFixed(1)},${ground} L${line} L${x(last.at).toFixed(1)},${ground} Z"/>`
      : '';
    return `${area}<path class="line c${color}" d="M${line}"/><circle class="end c${color}" cx="${x(last.at).toFixed(1)}" cy="${y(last.value).toFixed(1)}" r="3"/>`;
  });
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(label)}"><title>${escaped(label)}</title>${grid.join('')}${dates.join('')}${paths.join('')}</svg>`;
}

/** No more points than a screen shows: of each stretch its last one. */
const thinned = (equity: EquityPoint[], most = 500): EquityPoint[] => {
  const every = Math.ceil(equity.length / most);
  return equity.filter((_, index) => index % every === every - 1 || index === equity.length - 1);
};

export function equityChart({ name, equity, total }: InstrumentFigures, color: number): string {
  const points = thinned(equity).map(({ date, points: value }) => ({ at: date, value }));
  const label = `${name}: ${inWords(total.profit, 3, true)} points by ${dateInWords(equity.at(-1)?.date ?? 0)}`;
  return timeChart([{ color, points }], { width: 560, height: 210, label, isArea: true });
}

/** All instruments in one measure: profit in targets. */
export function overview(instruments: InstrumentFigures[]): string {
  const lines = instruments.map(({ equity }, index) => ({
    color: index % 8,
    points: thinned(equity).map(({ date, targets }) => ({ at: date, value: targets })),
  }));
  return timeChart(lines, {
    width: 1120,
    height: 300,
    label: 'Profit of all instruments, in targets',
    isArea: false,
  });
}

/** How wide the ranges of each slot were: 10–90 % thin, 25–75 % thick, the median as a mark. */
export function rangeChart(slots: SlotStats[], color: number): string {
  const known = slots.filter(({ range }) => range !== null);
  if (known.length === 0) return '';
  const [width, row, left] = [560, 26, 92];
  const ticks = niceTicks(0, Math.max(...known.map(({ range }) => range![4]!)), 5);
  const x = linear([0, ticks.at(-1)!], [left, width - margin.right]);
  const height = known.length * row + 24;
  const grid = ticks.map(
    (tick) =>
      `<line class="grid" x1="${x(tick).toFixed(1)}" x2="${x(tick).toFixed(1)}" y1="0" y2="${height - 22}"/><text class="tick" x="${x(tick).toFixed(1)}" y="${height - 6}" text-anchor="middle">${inWords(tick, 3)}</text>`,
  );
  const bars = known.map(({ session, slot, range }, index) => {
    const middle = index * row + row / 2;
    const [low, quarter, median, threeQuarters, high] = range!.map((value) => x(value).toFixed(1));
    const text = `${session} ${slot}: median range ${inWords(range![2]!, 3)}, 80 % between ${inWords(range![0]!, 3)} and ${inWords(range![4]!, 3)}`;
    const name = session === slot ? session : `${session} ${slot}`;
    return `<g><title>${escaped(text)}</title><text class="name" x="${left - 10}" y="${middle}" dy="0.32em" text-anchor="end">${escaped(name)}</text><line class="thin c${color}" x1="${low}" x2="${high}" y1="${middle}" y2="${middle}"/><line class="thick c${color}" x1="${quarter}" x2="${threeQuarters}" y1="${middle}" y2="${middle}"/><line class="mark" x1="${median}" x2="${median}" y1="${middle - 7}" y2="${middle + 7}"/></g>`;
  });
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Ranges by slot, in points">${grid.join('')}${bars.join('')}</svg>`;
}
