import type { ChartGraph } from './graph.ts';
import { type Box, type Frame, type Line, layoutChart, type Row, size } from './layout.ts';
import { escapeXml } from './xml.ts';

const style = `
  svg { --paper: #ffffff; --text: #1b2330; --quiet: #647083; --box: #f7f9fc; --edge: #b9c3d1; --frame: #d3dae4; --done: #1f8a4c; --error: #c4372d; --after: #a86a00; --event: #1d5fc4; }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #0c0f14; --text: #e8edf5; --quiet: #8b97a8; --box: #131a24; --edge: #3b475a; --frame: #29323f; --done: #4cc38a; --error: #f2726a; --after: #e3a14c; --event: #6aa6ff; }
  }
  .paper { fill: var(--paper); } text { font: 12px ui-monospace, "DejaVu Sans Mono", monospace; fill: var(--text); }
  .title { font: 600 17px system-ui, sans-serif; } .name { font: 600 13px system-ui, sans-serif; } .quiet { fill: var(--quiet); }
  .frame { fill: none; stroke: var(--frame); } .box { fill: var(--box); stroke: var(--edge); } .final { stroke: var(--text); stroke-width: 1.5; }
  .line { fill: none; stroke: var(--edge); stroke-width: 1.4; } .head { fill: var(--edge); }
  .line.done, .line.event { stroke: color-mix(in srgb, var(--done) 55%, var(--edge)); } .line.event { stroke: color-mix(in srgb, var(--event) 55%, var(--edge)); }
  .line.error { stroke: color-mix(in srgb, var(--error) 55%, var(--edge)); } .line.after { stroke: color-mix(in srgb, var(--after) 55%, var(--edge)); }
  .icon.done { fill: var(--done); } .icon.error { fill: var(--error); } .icon.after { fill: var(--after); } .icon.event { fill: var(--event); }
`;

const icons: Record<Row['icon'], string> = { done: '✓', error: '✗', after: '◷', event: '●', always: '→' };
const text = (x: number, y: number, content: string, kind = ''): string =>
  `<text x="${x}" y="${y}"${kind && ` class="${kind}"`}>${escapeXml(content)}</text>`;

const frameSvg = ({ x, y, w, h, name, number }: Frame): string =>
  `<rect class="frame" x="${x}" y="${y}" width="${w}" height="${h}" rx="10"/>` +
  text(x + 14, y + 20, number === null ? name : `${number}  ${name}`, number === null ? 'name quiet' : 'name');

const boxSvg = ({ x, y, w, h, name, kind, notes, rows }: Box): string => {
  const parts: string[] = [];
  if (w > 0) {
    parts.push(`<rect class="box${kind === 'final' ? ' final' : ''}" x="${x}" y="${y}" width="${w}" height="${h}" rx="8"/>`);
    if (kind === 'final') parts.push(`<rect class="frame" x="${x + 3}" y="${y + 3}" width="${w - 6}" height="${h - 6}" rx="6"/>`);
    parts.push(text(x + size.pad, y + 20, name, 'name'));
  }
  notes.forEach((note, index) => {
    parts.push(text(x + size.pad, y + size.header + 9 + index * size.note, note, 'quiet'));
  });
  for (const row of rows) {
    parts.push(text(x + size.pad, row.y + 4, icons[row.icon], `icon ${row.icon}`));
    parts.push(text(x + size.pad + 17, row.y + 4, row.text));
  }
  return parts.join('');
};

const radius = 7;
/** Right angles with round corners, and a head where it arrives. */
const lineSvg = ({ points, icon }: Line): string => {
  const path = points.map(([x, y], index) => {
    if (index === 0) return `M${x} ${y}`;
    const next = points[index + 1];
    const [beforeX, beforeY] = points[index - 1] as [number, number];
    if (!next) return `L${x} ${y}`;
    const cut = (ax: number, ay: number): [number, number] => {
      const length = Math.hypot(ax - x, ay - y) || 1;
      const r = Math.min(radius, length / 2);
      return [x + ((ax - x) / length) * r, y + ((ay - y) / length) * r];
    };
    const [inX, inY] = cut(beforeX, beforeY);
    const [outX, outY] = cut(next[0], next[1]);
    return `L${inX} ${inY}Q${x} ${y} ${outX} ${outY}`;
  });
  const [tipX, tipY] = points.at(-1) as [number, number];
  const [fromX, fromY] = points.at(-2) as [number, number];
  const [dx, dy] = [Math.sign(tipX - fromX), Math.sign(tipY - fromY)];
  const head = `M${tipX} ${tipY}L${tipX - dx * 7 - dy * 3.5} ${tipY - dy * 7 - dx * 3.5}L${tipX - dx * 7 + dy * 3.5} ${tipY - dy * 7 + dx * 3.5}Z`;
  return `<path class="line ${icon}" d="${path.join('')}"/><path class="head" d="${head}"/>`;
};

const sentence = ({ states, edges }: ChartGraph): string =>
  `${states.length} states and ${edges.length} transitions. ${edges
    .map(({ from, to, trigger, guard }) => `${from || 'every state'} to ${to} on ${trigger.name}${guard ? ` if ${guard}` : ''}`)
    .join('; ')}.`;

/** The chart as one self-contained picture, light or dark as the reader's system is; `desc` says the same in words. */
export const chartSvg = (graph: ChartGraph, { title }: { title: string }): string => {
  const { width, height, boxes, frames, lines, notes } = layoutChart(graph);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="t d">`,
    `<title id="t">${escapeXml(title)}</title><desc id="d">${escapeXml(sentence(graph))}</desc><style>${style}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    text(size.margin, size.margin + 12, title, 'title'),
    ...notes.map((note, index) => text(size.margin, size.margin + 34 + index * size.note, note, 'quiet')),
    ...frames.map(frameSvg),
    ...lines.map(lineSvg),
    ...boxes.map(boxSvg),
    '</svg>',
    '',
  ].join('\n');
};
