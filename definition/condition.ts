import { interpolate, references, type Scope } from './interpolate.ts';

/** When a stage runs; operands are JSON in which `${…}` may stand. */
export type Condition =
  | { equals: [unknown, unknown] }
  | { in: [unknown, unknown] }
  | { exists: string }
  | { not: Condition }
  | { all: Condition[] }
  | { any: Condition[] };
/** `because` is a sentence with the values that have decided. */
export type Judged = { ok: true; holds: boolean; because: string } | { ok: false; why: string };

export const isEqual = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [Object.entries(a), Object.keys(b)];
  return (
    left.length === right.length &&
    left.every(
      ([key, value]) =>
        Object.hasOwn(b, key) && isEqual(value, (b as Record<string, unknown>)[key]),
    )
  );
};

const mostChars = 120;
const textOf = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > mostChars ? `${text.slice(0, mostChars)}…` : text;
};
/** `params.full` for what is exactly one `${params.full}`; null for anything else. */
const nameOf = (operand: unknown): string | null =>
  typeof operand === 'string' ? (/^\$\{([^}]*)\}$/.exec(operand)?.[1]?.trim() ?? null) : null;
const subjectOf = (operand: unknown, value: unknown): string =>
  nameOf(operand) === null ? textOf(value) : `${nameOf(operand)} is ${textOf(value)}`;

/**
 * Pure. A value that is missing is an error, never false; `exists` is for asking. `all` and `any` look
 * from left to right and no further than they must.
 */
export const judgeCondition = (condition: Condition, scope: Scope): Judged => {
  if ('not' in condition) {
    const inner = judgeCondition(condition.not, scope);
    return inner.ok ? { ...inner, holds: !inner.holds } : inner;
  }
  if ('all' in condition) return judgeList(condition.all, false, scope);
  if ('any' in condition) return judgeList(condition.any, true, scope);
  if ('exists' in condition) {
    const found = interpolate(condition.exists, scope);
    const holds = found.ok && found.value !== null;
    const because = `${nameOf(condition.exists)} has ${holds ? 'a' : 'no'} value`;
    return { ok: true, holds, because };
  }
  const operands = 'equals' in condition ? condition.equals : condition.in;
  const found = interpolate(operands, scope);
  if (!found.ok) return { ok: false, why: found.problems.join('; ') };
  const [left, right] = found.value as [unknown, unknown];
  const subject = subjectOf(operands[0], left);
  if ('equals' in condition) {
    const holds = isEqual(left, right);
    const other = nameOf(operands[1]) === null ? textOf(right) : subjectOf(operands[1], right);
    const because =
      holds && nameOf(operands[0]) ? subject : `${subject}${holds ? ' and' : ', not'} ${other}`;
    return { ok: true, holds, because };
  }
  if (!Array.isArray(right)) {
    const what = nameOf(operands[1]) ?? 'the second value of in';
    return { ok: false, why: `${what} is ${textOf(right)}, and \`in\` needs a list` };
  }
  const holds = right.some((one) => isEqual(left, one));
  return { ok: true, holds, because: `${subject}, ${holds ? 'one' : 'none'} of ${textOf(right)}` };
};

/** @param decides the answer of one that answers for all */
const judgeList = (conditions: Condition[], decides: boolean, scope: Scope): Judged => {
  const reasons: string[] = [];
  for (const one of conditions) {
    const judged = judgeCondition(one, scope);
    if (!judged.ok || judged.holds === decides) return judged;
    reasons.push(judged.because);
  }
  return { ok: true, holds: !decides, because: reasons.join(' and ') };
};

/** A condition in words, for people: `params.full is true and not (…)`. */
export const conditionWords = (condition: Condition): string => {
  const word = (operand: unknown): string => nameOf(operand) ?? textOf(operand);
  if ('equals' in condition) return `${word(condition.equals[0])} is ${word(condition.equals[1])}`;
  if ('in' in condition) return `${word(condition.in[0])} is one of ${word(condition.in[1])}`;
  if ('exists' in condition) return `${word(condition.exists)} has a value`;
  if ('not' in condition) return `not (${conditionWords(condition.not)})`;
  const [list, joint] = 'all' in condition ? [condition.all, ' and '] : [condition.any, ' or '];
  const parts = list.map(conditionWords);
  return parts.length === 1 ? (parts[0] as string) : parts.map((one) => `(${one})`).join(joint);
};

/**
 * What a condition comes to in every run; null where that differs from run to run.
 * @param fits whether a parameter may ever have this value
 */
export const constantOf = (
  condition: Condition,
  fits: (param: string, value: unknown) => boolean,
): boolean | null => {
  if ('not' in condition) {
    const inner = constantOf(condition.not, fits);
    return inner === null ? null : !inner;
  }
  if ('all' in condition || 'any' in condition) {
    const [list, decides] = 'all' in condition ? [condition.all, false] : [condition.any, true];
    const parts = list.map((one) => constantOf(one, fits));
    if (parts.includes(decides)) return decides;
    return parts.includes(null) ? null : !decides;
  }
  if (references(condition).length === 0) {
    const judged = judgeCondition(condition, { params: {}, stages: {}, run: {}, env: {} });
    return judged.ok ? judged.holds : null;
  }
  if ('equals' in condition) {
    const [left, right] = condition.equals;
    for (const [one, other] of [
      [left, right],
      [right, left],
    ]) {
      const [, param] = /^params\.(\w+)$/.exec(nameOf(one) ?? '') ?? [];
      if (param !== undefined && references(other).length === 0 && !fits(param, other))
        return false;
    }
  }
  return null;
};
