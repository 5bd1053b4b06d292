import { detailsOf, stateMetrics } from './block-size.ts';
import type { ChartLabel, ChartLine, StateBox } from './drawing.ts';
import type { ChartGraph } from './graph.ts';
import { labelIcons, labelMetrics } from './label.ts';
import { layoutChart } from './layout.ts';
import { diamond, headPath, linePath, startMark } from './line.ts';
import type { Direction } from './plane.ts';
import { headHeight, nameHeight } from './plane.ts';
import { textWidth } from './text-metrics.ts';
import { escapeXml } from './xml.ts';

const style = `
  svg { --bg: #f7f8fb; --panel: #fff; --line: #d6dbe6; --fg: #151a24; --mut: #5c6678; --edge: #9aa5b8; --work: #1f62d6; --ok: #0a7f4f; --bad: #c8213f; --stop: #6b42c9; --wait: #9a5b00; --veil: #10203008; }
  @media (prefers-color-scheme: dark) {
    svg { --bg: #0b0d12; --panel: #131720; --line: #2b3342; --fg: #e8ecf4; --mut: #8b95a8; --edge: #4a556b; --work: #6ea8ff; --ok: #3ddc97; --bad: #ff6b81; --stop: #c0a3ff; --wait: #ffb84d; --veil: #ffffff06; }
  }
  .paper { fill: var(--bg); } text { font: 550 11.5px "Inter Variable", Inter, system-ui, sans-serif; fill: var(--fg); }
  .title { font-size: 17px; font-weight: 650; } .name { font-size: 14px; font-weight: 600; } .head { font-size: 13px; font-weight: 650; fill: var(--mut); }
  .quiet { fill: var(--mut); } .mono { font: 500 11.5px "JetBrains Mono Variable", ui-monospace, monospace; }
  .frame { fill: var(--veil); stroke: var(--line); } .box, .note { fill: var(--panel); stroke: var(--line); } .note { fill: var(--bg); } .inner { fill: none; stroke: var(--line); }
  .badge { fill: var(--line); } .wire { fill: none; stroke: var(--edge); stroke-width: 1.5; } .tip { fill: var(--edge); } .rule { stroke: var(--line); } .stripe { stroke: var(--line); stroke-dasharray: 4 4; }
  .work { --tone: var(--work); } .ok { --tone: var(--ok); } .bad { --tone: var(--bad); } .stop { --tone: var(--stop); } .wait { --tone: var(--wait); }
  .dot { fill: var(--tone); } .ring { fill: none; stroke: var(--tone); stroke-width: 2; }
  .done { fill: var(--ok); } .error { fill: var(--bad); } .after { fill: var(--wait); } .event, .guard, .none { fill: var(--mut); }
`;

type TextOptions = { kind?: string; width?: number };
/** With a width the text keeps to it, whatever font the reader has. */
const text = (
  x: number,
  y: number,
  content: string,
  { kind = '', width }: TextOptions = {},
): string =>
  `<text x="${x}" y="${y}"${kind && ` class="${kind}"`}${width ? ` textLength="${width}" lengthAdjust="spacingAndGlyphs"` : ''}>${escapeXml(content)}</text>`;

const startSvg = (box: StateBox): string => {
  if (box.start === null) return '';
  const { cx, cy, d } = startMark({ ...box, start: box.start }, box.shape === 'choice');
  return `<circle cx="${cx}" cy="${cy}" r="3.5" class="tip"/><path class="wire" d="${d}"/>`;
};

const boxSvg = (box: StateBox): string => {
  const { x, y, w, h, state, shape, tone, number, stripes, grid } = box;
  const parts = [`<g class="${tone}">`];
  const title = state.title ?? state.name;
  if (shape === 'frame')
    parts.push(
      `<rect class="frame" x="${x}" y="${y}" width="${w}" height="${h}" rx="12"/>`,
      `<path class="rule" d="M${x} ${y + headHeight}h${w}"/>`,
    );
  else if (shape === 'choice') parts.push(`<path class="box" d="${diamond({ x, y, w, h })}"/>`);
  else parts.push(`<rect class="box" x="${x}" y="${y}" width="${w}" height="${h}" rx="10"/>`);
  if (state.kind === 'final')
    parts.push(
      `<rect class="inner" x="${x + 3}" y="${y + 3}" width="${w - 6}" height="${h - 6}" rx="7"/>`,
    );
  parts.push(startSvg(box));
  if (number !== null) {
    parts.push(`<rect class="badge" x="${x + 12}" y="${y + 9}" width="18" height="18" rx="5"/>`);
    parts.push(`<text x="${x + 21}" y="${y + 22}" text-anchor="middle">${number}</text>`);
  }
  if (shape === 'choice') return `${parts.join('')}</g>`;
  if (shape !== 'state')
    parts.push(
      text(x + (number === null ? 14 : 38), y + 23, title, {
        kind: 'head',
        width: textWidth(title, stateMetrics.title),
      }),
    );
  else {
    const isFinal = state.kind === 'final';
    parts.push(
      isFinal
        ? `<circle class="ring" cx="${x + 20}" cy="${y + 18.5}" r="4"/>`
        : `<circle class="dot" cx="${x + 16}" cy="${y + 18.5}" r="3.5"/>`,
    );
    parts.push(
      text(x + (isFinal ? 32 : 27), y + 23.5, state.name, {
        kind: 'name',
        width: textWidth(state.name, stateMetrics.name),
      }),
    );
    const details = detailsOf(state);
    if (details.length > 0) parts.push(`<path class="rule" d="M${x} ${y + nameHeight}h${w}"/>`);
    details.forEach(({ key, text: value }, index) => {
      const at = y + nameHeight + 17 + index * stateMetrics.detailHeight;
      parts.push(text(x + stateMetrics.padX, at, key, { kind: 'quiet' }));
      parts.push(
        text(x + stateMetrics.padX + stateMetrics.keyWidth, at, value, {
          kind: 'mono quiet',
          width: textWidth(value, stateMetrics.detail, 'mono'),
        }),
      );
    });
  }
  for (const at of stripes) parts.push(`<path class="stripe" d="${at}"/>`);
  if (grid)
    parts.push(
      `<rect class="inner" x="${grid.x}" y="${grid.y}" width="${grid.w}" height="${grid.h}" rx="6"/>`,
      text(grid.x + 10, grid.y + 18, 'items', { kind: 'quiet' }),
    );
  return `${parts.join('')}</g>`;
};

const lineSvg = ({ points }: ChartLine): string =>
  `<path class="wire" d="${linePath(points)}"/><path class="tip" d="${headPath(points)}"/>`;

const labelSvg = ({ x, y, w, h, rows }: ChartLabel): string =>
  [
    `<rect class="note" x="${x}" y="${y}" width="${w}" height="${h}" rx="8"/>`,
    ...rows.map(({ kind, text: content }, index) => {
      const at = y + labelMetrics.padY + index * labelMetrics.row + 12.5;
      const mono = kind === 'guard';
      const width = mono
        ? textWidth(content, labelMetrics.mono, 'mono')
        : textWidth(content, labelMetrics.font);
      return (
        text(x + labelMetrics.padX, at, labelIcons[kind], { kind }) +
        text(x + labelMetrics.padX + labelMetrics.icon, at, content, {
          kind: mono ? 'mono' : '',
          width,
        })
      );
    }),
  ].join('');

const sentence = ({ states, edges }: ChartGraph): string =>
  `${states.length} states and ${edges.length} transitions. ${edges
    .map(
      ({ from, to, trigger, guard }) =>
        `${from || 'every state'} to ${to} on ${trigger.name}${guard ? ` if ${guard}` : ''}`,
    )
    .join('; ')}.`;

/**
 * The chart as one self-contained picture, light or dark as the reader's system is; `desc` says the
 * same in words.
 */
export const chartSvg = (
  graph: ChartGraph,
  { title, direction = 'right' }: { title: string; direction?: Direction },
): string => {
  const { width, height, boxes, lines, labels } = layoutChart(graph, direction);
  const top = 44;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height + top}" viewBox="0 0 ${width} ${height + top}" role="img" aria-labelledby="t d">`,
    `<title id="t">${escapeXml(title)}</title><desc id="d">${escapeXml(sentence(graph))}</desc><style>${style}</style>`,
    `<rect class="paper" width="${width}" height="${height + top}"/>`,
    text(24, 36, title, { kind: 'title' }),
    `<g transform="translate(0 ${top})">`,
    ...boxes.filter(({ shape }) => shape === 'frame').map(boxSvg),
    ...lines.map(lineSvg),
    ...boxes.filter(({ shape }) => shape !== 'frame').map(boxSvg),
    ...labels.map(labelSvg),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
};
