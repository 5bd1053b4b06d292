/** Keys under which people put what nobody else may see, whether their pipeline calls it a secret or not. */
const telling = /token|secret|passw|authori[sz]ation|credential|(api|private|access)[-_]?key/i;
const hidden = '[redacted]';

/**
 * The same without what stands under a telling key. Objects are looked into and not hidden: a stage
 * may be called `token-refresh`. Metrics are numbers that were meant to be seen.
 */
export const redacted = (value: unknown, isHidden = false): unknown => {
  if (Array.isArray(value)) return value.map((one) => redacted(one, isHidden));
  if (typeof value !== 'object' || value === null)
    return isHidden && (typeof value === 'string' || typeof value === 'number') ? hidden : value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === 'metrics' ? inner : redacted(inner, telling.test(key)),
    ]),
  );
};
