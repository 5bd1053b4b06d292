import type { ChartEdge, Trigger } from './graph.ts';
import type { Size } from './plane.ts';
import { textWidth } from './text-metrics.ts';

export type LabelRow = { kind: Trigger['kind'] | 'guard' | 'note'; text: string };
export type Label = Size & { rows: LabelRow[] };

export const labelMetrics = {
  row: 17,
  padX: 7,
  padY: 4,
  icon: 15,
  font: 11.5,
  mono: 11.5,
} as const;

const rowWidth = ({ kind, text }: LabelRow): number =>
  labelMetrics.icon +
  (kind === 'guard'
    ? textWidth(text, labelMetrics.mono, 'mono')
    : textWidth(text, labelMetrics.font));

const labelOf = (rows: LabelRow[]): Label => ({
  rows,
  w: rows.length === 0 ? 0 : Math.max(...rows.map(rowWidth)) + labelMetrics.padX * 2,
  h: rows.length === 0 ? 0 : rows.length * labelMetrics.row + labelMetrics.padY * 2,
});

/** What a stage says itself, then what time says, then what others say. */
const order: Trigger['kind'][] = ['done', 'error', 'always', 'after', 'event'];
const wordOf = ({ kind, name }: Trigger): string =>
  kind === 'done' || kind === 'error' ? kind : name;

/**
 * What stands on the line of edges that have one source and one target. A guard that all of them
 * ask stands once, at the end.
 */
export const labelOfEdges = (edges: ChartEdge[]): Label => {
  // Where the same trigger leads to the same place in any case, asking first changes nothing.
  const plain = new Set(
    edges
      .filter(({ guard }) => guard === null)
      .map(({ trigger }) => `${trigger.kind} ${trigger.name}`),
  );
  const kept = edges
    .toSorted((a, b) => order.indexOf(a.trigger.kind) - order.indexOf(b.trigger.kind))
    .filter(
      ({ guard, trigger }) => guard === null || !plain.has(`${trigger.kind} ${trigger.name}`),
    );
  const guards = new Set(kept.map(({ guard }) => guard));
  const shared = guards.size === 1 ? (kept[0]?.guard ?? null) : null;
  // What is always taken needs no word, and neither does it when a condition says when.
  const rows = kept.flatMap(({ trigger, guard }): LabelRow[] => [
    ...(trigger.kind === 'always' ? [] : [{ kind: trigger.kind, text: wordOf(trigger) }]),
    ...(guard !== null && shared === null ? [{ kind: 'guard' as const, text: guard }] : []),
  ]);
  const distinct = rows.filter((row, index) => {
    const same = rows.findIndex(({ kind, text }) => kind === row.kind && text === row.text);
    return same === index;
  });
  return labelOf(shared === null ? distinct : [...distinct, { kind: 'guard', text: shared }]);
};

/** The label of lines that run together: what any of them says, each once. */
export const merged = (labels: Label[]): Label => {
  const rows = labels.flatMap((label) => label.rows).filter(({ kind }) => kind !== 'guard');
  return labelOf(
    rows.filter(
      (row, index) =>
        rows.findIndex(({ kind, text }) => kind === row.kind && text === row.text) === index,
    ),
  );
};

export const withNote = ({ rows }: Label, text: string): Label =>
  labelOf([...rows, { kind: 'note', text }]);
export const textOf = ({ rows }: Label): string =>
  rows.map(({ kind, text }) => (kind === 'guard' ? `if ${text}` : text)).join(', ');

/** The sign before a row of a label. */
export const labelIcons: Record<LabelRow['kind'], string> = {
  always: '',
  done: '✓',
  error: '✕',
  after: '◷',
  event: '●',
  guard: 'if',
  note: '',
};
