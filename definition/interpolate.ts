import { type SlotTimes, slotValue } from './slot-values.ts';

export type Scope = Record<'params' | 'stages' | 'run' | 'env', Record<string, unknown>> & {
  slot?: SlotTimes;
  secrets?: Record<string, unknown>;
};
export type Interpolated = { ok: true; value: unknown } | { ok: false; problems: string[] };

/** `${…}`; `$${…}` is a literal `${…}`. */
export const insertion = /(\$?)\$\{([^}]*)\}/g;
const pathOf = (inside: string): string[] => inside.trim().split('.');

const strings = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(strings);
  return value && typeof value === 'object' ? Object.values(value).flatMap(strings) : [];
};

/** Every `${a.b.c}` in a value as its path, e.g. `['stages', 'translator', 'outputs', 'rows']`. */
export const references = (value: unknown): string[][] =>
  strings(value).flatMap((text) =>
    [...text.matchAll(insertion)]
      .filter(([, escaped]) => !escaped)
      .map(([, , inside]) => pathOf(inside as string)),
  );

const lookUp = (scope: Scope, path: string[]): unknown => {
  let value: unknown = scope;
  for (const key of path) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
};

/**
 * Inserts values for `${…}`, deep over JSON. A text that is exactly one `${…}` becomes the value
 * with its type; inside other text it must be a text, number or boolean. A missing value is a
 * problem that names it, never an empty text.
 */
export const interpolate = (value: unknown, scope: Scope): Interpolated => {
  const problems: string[] = [];
  const find = (inside: string): unknown => {
    const [root, ...rest] = pathOf(inside);
    const found =
      root === 'slot'
        ? scope.slot && slotValue(rest.join('.'), scope.slot)
        : lookUp(scope, pathOf(inside));
    if (found === undefined) problems.push(`\${${inside}} has no value`);
    return found;
  };
  const text = (template: string): unknown => {
    const whole = /^\$\{([^}]*)\}$/.exec(template);
    if (whole) return find(whole[1] as string);
    return template.replace(insertion, (match, escaped: string, inside: string) => {
      if (escaped) return match.slice(1);
      const found = find(inside);
      if (found !== null && typeof found === 'object')
        problems.push(`\${${inside}} is not a single value and cannot stand inside a text`);
      return String(found);
    });
  };
  const deep = (part: unknown): unknown => {
    if (typeof part === 'string') return text(part);
    if (Array.isArray(part)) return part.map(deep);
    if (part && typeof part === 'object')
      return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, deep(inner)]));
    return part;
  };
  const result = deep(value);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: result };
};
