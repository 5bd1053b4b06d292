import type { Figures, InstrumentFigures, SlotStats } from './figures.ts';
import { equityChart, escaped, overview, rangeChart } from './report-charts.ts';
import { dateInWords, inWords } from './scale.ts';
import { style } from './style.ts';

const share = (part: number, whole: number) =>
  whole === 0 ? '–' : `${Math.round((100 * part) / whole)} %`;
const gain = (value: number) => (value > 0 ? 'up' : value < 0 ? 'down' : 'even');
const closed = ({ trades, open }: SlotStats | InstrumentFigures['total']) => trades - open;

/**
 * One page that stands alone: styles inside, pictures as SVG, nothing that runs and nothing that is
 * fetched.
 */
export function reportPage(title: string, figures: Figures): string {
  const { instruments } = figures;
  const body =
    instruments.length === 0
      ? '<p class="empty">There are no merged rows yet.</p>'
      : `${summary(figures)}${instruments.map(card).join('\n')}`;
  const period =
    figures.rows === 0
      ? ''
      : `<p class="period">${dateInWords(figures.from)} to ${dateInWords(figures.to)}</p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<header><h1>${escaped(title)}</h1>${period}</header>
${body}
<footer>Points are the instrument's own; one target is the distance of its profit target, which makes instruments comparable.
Fills are at the levels of the rules: no costs, no slippage.</footer>
</main>
</body>
</html>
`;
}

function summary({ instruments, rows }: Figures): string {
  const sum = (value: (figures: InstrumentFigures) => number) =>
    instruments.reduce((all, figures) => all + value(figures), 0);
  const trades = sum(({ total }) => total.trades);
  const done = sum(({ total }) => closed(total));
  const targets = sum(({ total }) => total.targets);
  const tiles = [
    ['Net', `${inWords(targets, 1, true)}`, 'targets', gain(targets)],
    ['Trades', inWords(trades, 0), `of ${inWords(rows, 0)} set-ups`, ''],
    [
      'Won',
      share(
        sum(({ total }) => total.wins),
        done,
      ),
      `of ${inWords(done, 0)} closed`,
      '',
    ],
    [
      'Open',
      inWords(
        sum(({ total }) => total.open),
        0,
      ),
      'still running',
      '',
    ],
  ];
  const legend = instruments.map(
    ({ name, total }, index) =>
      `<li><i class="c${index % 8}"></i>${escaped(name)} <b class="${gain(total.targets)}">${inWords(total.targets, 1, true)}</b></li>`,
  );
  return `<section class="tiles">${tiles.map(([name, value, note, tone]) => `<div><span>${name}</span><strong class="${tone}">${value}</strong><small>${note}</small></div>`).join('')}</section>
<section class="card wide"><h2>All instruments <small>profit in targets</small></h2><div class="scroll">${overview(instruments)}</div><ul class="legend">${legend.join('')}</ul></section>`;
}

function card(figures: InstrumentFigures, index: number): string {
  const { name, total, slots } = figures;
  const color = index % 8;
  const facts = [
    ['net', `<b class="${gain(total.profit)}">${inWords(total.profit, 3, true)}</b>`],
    ['deepest fall', inWords(total.drawdown, 3)],
    ['won', share(total.wins, closed(total))],
    ['trades', inWords(total.trades, 0)],
  ];
  const rows = slots.map(
    (slot) =>
      `<tr><th scope="row">${escaped(slot.session === slot.slot ? slot.session : `${slot.session} ${slot.slot}`)}</th><td>${slot.trades}</td><td>${share(slot.wins, closed(slot))}</td><td>${slot.losses}</td><td>${slot.evens}</td><td>${slot.timed}</td><td>${slot.range ? inWords(slot.range[2]!, 3) : '–'}</td><td class="${gain(slot.profit)}">${inWords(slot.profit, 3, true)}</td></tr>`,
  );
  return `<section class="card"><h2><i class="c${color}"></i>${escaped(name)} <small>points</small></h2>
<dl>${facts.map(([term, value]) => `<div><dt>${term}</dt><dd>${value}</dd></div>`).join('')}</dl>
<div class="pair"><figure><figcaption>Equity</figcaption>${equityChart(figures, color)}</figure><figure><figcaption>Ranges <small>median, half and 80 % of all days</small></figcaption>${rangeChart(slots, color)}</figure></div>
<div class="scroll"><table><thead><tr><th scope="col">slot</th><th scope="col">trades</th><th scope="col">won</th><th scope="col">lost</th><th scope="col">even</th><th scope="col">timed out</th><th scope="col">median range</th><th scope="col">net</th></tr></thead><tbody>${rows.join('')}</tbody></table></div></section>`;
}
