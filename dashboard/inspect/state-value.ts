/** A state of a chart as XState says it: a name, or what is in it by name. */
export type StateValue = string | { [name: string]: StateValue };

/** The value in JSON from outside, or null where it is none. */
export const stateValueIn = (value: unknown): StateValue | null => {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const inner = Object.entries(value).map(([name, one]) => [name, stateValueIn(one)] as const);
  if (inner.some(([, one]) => one === null)) return null;
  return Object.fromEntries(inner) as StateValue;
};

/** The paths of the innermost states: one, or one a parallel region. */
export const leavesOf = (value: StateValue): string[] => {
  if (typeof value === 'string') return [value];
  const inner = Object.entries(value);
  return inner.flatMap(([name, one]) => {
    const below = leavesOf(one);
    return below.length === 0 ? [name] : below.map((path) => `${name}.${path}`);
  });
};

/** Every state that is active, from the outside in. */
export const activeIn = (value: StateValue): Set<string> =>
  new Set(
    leavesOf(value).flatMap((leaf) => {
      const parts = leaf.split('.');
      return parts.map((_, index) => parts.slice(0, index + 1).join('.'));
    }),
  );
