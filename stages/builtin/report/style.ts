const hues = {
  light: ['#2563eb', '#c2410c', '#0f766e', '#a21caf', '#a16207', '#4d7c0f', '#be123c', '#475569'],
  dark: ['#7aa2ff', '#ff9d66', '#4fd1c1', '#e58cf0', '#e6c15a', '#a3d65c', '#ff8296', '#a8b5c7'],
};
const colors = (list: string[]) => list.map((hue, index) => `--c${index}: ${hue};`).join(' ');
const uses = hues.light.map((_, index) => `.c${index} { --hue: var(--c${index}); }`).join('\n');

/** The page in both colour schemes; nothing in it is fetched. */
export const style = `
:root { color-scheme: light dark; --paper: #f6f7f9; --card: #fff; --ink: #171b22; --soft: #5b6472; --line: #e3e7ec; --zero: #a9b2be; --up: #0f7a4b; --down: #b42335; ${colors(hues.light)} }
@media (prefers-color-scheme: dark) { :root { --paper: #0f1216; --card: #171b21; --ink: #e8ebf0; --soft: #98a2b1; --line: #272d36; --zero: #586273; --up: #4ecb8d; --down: #ff7a85; ${colors(hues.dark)} } }
${uses}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 40px 24px 56px; display: grid; gap: 20px; }
h1 { margin: 0; font-size: 30px; line-height: 1.2; letter-spacing: -0.02em; }
h2 { margin: 0 0 12px; font-size: 18px; letter-spacing: -0.01em; display: flex; align-items: baseline; gap: 8px; }
small, .period, footer, figcaption, dt { color: var(--soft); font-weight: 400; }
small { font-size: 13px; }
.period { margin: 4px 0 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px; }
.tiles div, .card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px 20px; }
.tiles div { display: grid; }
.tiles span { font-size: 13px; color: var(--soft); }
.tiles strong { font-size: 28px; line-height: 1.25; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.card { padding: 20px; min-width: 0; }
i { display: inline-block; width: 10px; height: 10px; border-radius: 3px; background: var(--hue); align-self: center; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 6px 20px; margin: 12px 0 0; padding: 0; }
.legend li { display: flex; gap: 7px; }
b, td, dd { font-variant-numeric: tabular-nums; }
.up { color: var(--up); } .down { color: var(--down); }
dl { display: flex; flex-wrap: wrap; gap: 4px 32px; margin: 0 0 16px; }
dl div { display: flex; gap: 8px; } dd { margin: 0; font-weight: 600; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); gap: 20px; }
figure { margin: 0; min-width: 0; } figcaption { font-size: 13px; margin-bottom: 6px; } figcaption small { margin-left: 6px; opacity: 0.8; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
.grid { stroke: var(--line); } .zero { stroke: var(--zero); }
.tick { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; } .name { fill: var(--ink); font-size: 12px; }
.line { fill: none; stroke: var(--hue); stroke-width: 1.8; stroke-linejoin: round; }
.area { fill: var(--hue); opacity: 0.12; } .end { fill: var(--hue); }
.thin { stroke: var(--hue); stroke-width: 3; opacity: 0.4; stroke-linecap: round; } .thick { stroke: var(--hue); stroke-width: 10; opacity: 0.75; } .mark { stroke: var(--ink); stroke-width: 2; }
.scroll { overflow-x: auto; margin-top: 16px; } .scroll svg { min-width: 640px; overflow: hidden; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { padding: 6px 10px; text-align: right; border-top: 1px solid var(--line); white-space: nowrap; font-weight: 400; }
thead th { border-top: 0; color: var(--soft); font-size: 13px; }
th:first-child { text-align: left; padding-left: 0; } td:last-child, th:last-child { padding-right: 0; } td:last-child { font-weight: 600; }
footer { font-size: 13px; max-width: 75ch; } .empty { color: var(--soft); }
@media print { body { background: #fff; } .card { break-inside: avoid; } }
`;
