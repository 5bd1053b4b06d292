/** Keys under which people put what nobody else may see, whether their pipeline calls it a secret or not. */
const telling = /token|secret|passw|authori[sz]ation|credential|(api|private|access)[-_]?key/i;
const hidden = '[redacted]';
/** Contexts have the same few keys again and again. */
const known = new Map<string, boolean>();
const mostKnown = 5000;
const isTelling = (key: string): boolean => {
  const before = known.get(key);
  if (before !== undefined) return before;
  if (known.size >= mostKnown) known.clear();
  const answer = telling.test(key);
  known.set(key, answer);
  return answer;
};

/**
 * The same without what stands under a telling key; itself where there is nothing to hide. Objects
 * are looked into and not hidden: a stage may be called `token-refresh`. Metrics are numbers that
 * were meant to be seen.
 */
export const redacted = (value: unknown, isHidden = false): unknown => {
  if (typeof value !== 'object' || value === null)
    return isHidden && (typeof value === 'string' || typeof value === 'number') ? hidden : value;
  if (Array.isArray(value)) {
    const items = value.map((one) => redacted(one, isHidden));
    return items.some((one, index) => one !== value[index]) ? items : value;
  }
  const changed: [string, unknown][] = [];
  for (const [key, inner] of Object.entries(value)) {
    const shown = key === 'metrics' ? inner : redacted(inner, isTelling(key));
    if (shown !== inner) changed.push([key, shown]);
  }
  return changed.length === 0 ? value : { ...value, ...Object.fromEntries(changed) };
};
