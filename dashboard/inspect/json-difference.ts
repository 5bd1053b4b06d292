export type Difference = {
  /** `context.stages.analyzer.attempt`; '' is the whole. */
  path: string;
  kind: 'added' | 'removed' | 'changed';
  before: unknown;
  after: unknown;
};

type Json = Record<string, unknown>;
const isOpen = (value: unknown): value is Json => typeof value === 'object' && value !== null;
const isAlike = (a: Json, b: Json): boolean => Array.isArray(a) === Array.isArray(b);

/** One more step of a path; a name that is no word stands in brackets. */
export const pathTo = (path: string, name: string, isItem: boolean): string => {
  if (isItem) return `${path}[${name}]`;
  if (!/^[\w-]+$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
};

/**
 * What has to be done to the first value to make it the second, as paths: the innermost ones that
 * say it.
 */
export const differencesOf = (before: unknown, after: unknown, path = ''): Difference[] => {
  if (Object.is(before, after)) return [];
  if (!isOpen(before) || !isOpen(after) || !isAlike(before, after))
    return [{ path, kind: 'changed', before, after }];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name): Difference[] => {
    const at = pathTo(path, name, Array.isArray(after));
    if (!Object.hasOwn(before, name))
      return [{ path: at, kind: 'added', before: undefined, after: after[name] }];
    if (!Object.hasOwn(after, name))
      return [{ path: at, kind: 'removed', before: before[name], after: undefined }];
    return differencesOf(before[name], after[name], at);
  });
};
