import { type Entry, entryOf, type Param, readEntry } from '../start/start-params.ts';

type Values = Record<string, unknown>;

export const entriesOf = (params: Record<string, Param>, given: Values): Record<string, Entry> =>
  Object.fromEntries(
    Object.entries(params).map(([name, param]) => [
      name,
      entryOf(param, given[name] ?? param.default),
    ]),
  );

/**
 * What the schedule is to give its runs: what it gave before, and what was changed. A parameter
 * nobody touched follows the pipeline's default.
 * @returns values null when nothing was changed; in `wrong` what cannot be read
 */
export const readParams = (
  params: Record<string, Param>,
  entries: Record<string, Entry>,
  given: Values,
): { values: Values | null; wrong: Record<string, string> } => {
  const before = entriesOf(params, given);
  const touched = Object.entries(params).filter(([name]) => entries[name] !== before[name]);
  const read = touched.map(
    ([name, param]) => [name, readEntry(param, entries[name] ?? '')] as const,
  );
  const wrong = read.flatMap(([name, value]) => (value.ok ? [] : [[name, value.detail] as const]));
  const values = read.map(([name, value]) => [name, value.ok ? value.value : undefined] as const);
  return {
    values: touched.length === 0 ? null : { ...given, ...Object.fromEntries(values) },
    wrong: Object.fromEntries(wrong),
  };
};
