/** What the address says of the history; the same names go to GET /api/runs. */
export type Filters = {
  pipeline: string;
  label: string;
  state: string;
  trigger: string;
  from: string;
  to: string;
  q: string;
};
export const filterNames = ['pipeline', 'label', 'state', 'trigger', 'from', 'to', 'q'] as const;

export const filtersOf = (search: URLSearchParams): Filters =>
  Object.fromEntries(filterNames.map((name) => [name, search.get(name) ?? ''])) as Filters;

/** A day of the reader begins at their midnight. `to` includes its day. */
const dayStart = (day: string, daysLater = 0): string | null => {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day) ?? [];
  const at = new Date(Number(year), Number(month) - 1, Number(date) + daysLater);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
};

export const queryOf = ({ pipeline, label, state, trigger, from, to, q }: Filters) => ({
  pipeline: pipeline || null,
  label: label || null,
  state: state || null,
  q: q.trim() || null,
  trigger: (trigger || null) as 'manual' | null,
  from: dayStart(from),
  to: dayStart(to, 1),
});

export const isFiltered = (filters: Filters): boolean =>
  filterNames.some((name) => filters[name] !== '');
