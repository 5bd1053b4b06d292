import fc from 'fast-check';
import {
  type Condition,
  conditionWords,
  constantOf,
  isEqual,
  judgeCondition,
} from '../../definition/condition.ts';
import { parseDefinition } from '../../definition/parse-definition.ts';

const scope = {
  params: { full: false, day: 'sat', n: 0, list: ['a'], nothing: null },
  stages: { fetch: { outputs: { rows: 3 } } },
  run: {},
  env: {},
};
const judged = (condition: Condition) => judgeCondition(condition, scope);

test.each<[Condition, boolean, string]>([
  [{ equals: ['${params.full}', true] }, false, 'params.full is false, not true'],
  [{ equals: ['${params.full}', false] }, true, 'params.full is false'],
  [{ not: { equals: ['${params.full}', false] } }, false, 'params.full is false'],
  [{ equals: ['${params.n}', '0'] }, false, 'params.n is 0, not "0"'],
  [{ equals: [3, '${stages.fetch.outputs.rows}'] }, true, '3 and stages.fetch.outputs.rows is 3'],
  [{ in: ['${params.day}', ['sat', 'sun']] }, true, 'params.day is "sat", one of ["sat","sun"]'],
  [{ in: ['b', '${params.list}'] }, false, '"b", none of ["a"]'],
  [{ exists: '${params.gone}' }, false, 'params.gone has no value'],
  [{ exists: '${params.nothing}' }, false, 'params.nothing has no value'],
  [{ exists: '${params.n}' }, true, 'params.n has a value'],
  [
    { all: [{ exists: '${params.n}' }, { equals: ['${params.day}', 'mon'] }] },
    false,
    'params.day is "sat", not "mon"',
  ],
  [
    { any: [{ equals: ['${params.n}', 1] }, { equals: ['${params.day}', 'mon'] }] },
    false,
    'params.n is 0, not 1 and params.day is "sat", not "mon"',
  ],
])('%j comes to %s, because %s', (condition, holds, because) => {
  expect(judged(condition)).toEqual({ ok: true, holds, because });
});

test('a missing value is an error, unless it is not looked at', () => {
  const gone: Condition = { equals: ['${params.gone}', 1] };
  expect(judged(gone)).toEqual({ ok: false, why: '${params.gone} has no value' });
  expect(judged({ not: gone })).toMatchObject({ ok: false });
  expect(judged({ all: [{ exists: '${params.gone}' }, gone] })).toMatchObject({ holds: false });
  expect(judged({ any: [{ exists: '${params.n}' }, gone] })).toMatchObject({ holds: true });
  expect(judged({ in: [1, '${params.n}'] })).toEqual({
    ok: false,
    why: 'params.n is 0, and `in` needs a list',
  });
});

const leaf = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('${params.a}', '${params.b}', true, 2),
      fc.constantFrom('${params.b}', true, false, 1, 2),
    )
    .map(([left, right]): Condition => ({ equals: [left, right] })),
  fc.constantFrom<Condition>({ in: ['${params.b}', [1, 2]] }, { exists: '${params.a}' }),
);
const conditions: fc.Arbitrary<Condition> = fc.letrec((tie) => ({
  one: fc.oneof(
    { depthSize: 'small' },
    leaf,
    tie('one').map((not) => ({ not }) as Condition),
    fc.array(tie('one'), { minLength: 1, maxLength: 3 }).map((all) => ({ all }) as Condition),
    fc.array(tie('one'), { minLength: 1, maxLength: 3 }).map((any) => ({ any }) as Condition),
  ),
})).one as fc.Arbitrary<Condition>;
const params = fc.record({ a: fc.boolean(), b: fc.integer({ min: 0, max: 3 }) });

/** As the words of a condition are meant, without its short cuts. */
const meant = (condition: Condition, values: Record<string, unknown>): boolean => {
  const value = (operand: unknown): unknown =>
    typeof operand === 'string' ? values[operand.slice(9, -1)] : operand;
  if ('not' in condition) return !meant(condition.not, values);
  if ('all' in condition) return condition.all.every((one) => meant(one, values));
  if ('any' in condition) return condition.any.some((one) => meant(one, values));
  if ('exists' in condition) return true;
  if ('in' in condition) return (condition.in[1] as unknown[]).includes(value(condition.in[0]));
  return value(condition.equals[0]) === value(condition.equals[1]);
};

test('every condition comes to what its words mean, and says why', () => {
  fc.assert(
    fc.property(conditions, params, (condition, values) => {
      const found = judgeCondition(condition, { ...scope, params: values });
      expect(found).toMatchObject({ ok: true, holds: meant(condition, values) });
      expect(found.ok && found.because).not.toBe('');
      expect(conditionWords(condition)).not.toBe('');
    }),
  );
});

test('what is said to be constant is constant, whatever is given', () => {
  const fits = (param: string, value: unknown) =>
    param === 'a' ? typeof value === 'boolean' : [0, 1, 2, 3].includes(value as number);
  fc.assert(
    fc.property(conditions, params, (condition, values) => {
      const constant = constantOf(condition, fits);
      if (constant !== null) expect(meant(condition, values)).toBe(constant);
    }),
    { numRuns: 500 },
  );
});

test('two JSON values are equal exactly when their texts are, whatever the order of their keys', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      expect(isEqual(a, structuredClone(a))).toBe(true);
      const [left, right] = [a, b].map((value) => JSON.stringify(value));
      if (isEqual(a, b))
        expect([...(left as string)].sort()).toEqual([...(right as string)].sort());
    }),
  );
  expect(isEqual({ a: 1, b: [{}] }, { b: [{}], a: 1 })).toBe(true);
  expect([isEqual([], {}), isEqual(1, '1'), isEqual(null, 0), isEqual([1], [1, 2])]).toEqual(
    Array(4).fill(false),
  );
});

test.each<[unknown, string, string]>([
  [{ equal: [1, 1] }, '/stages/0/when/equal', 'did you mean `equals`'],
  [{ equals: [1] }, '/stages/0/when/equals', 'expected two values'],
  [{ exists: 'params.x' }, '/stages/0/when/exists', 'expected one value'],
  [{ all: [] }, '/stages/0/when/all', 'at least one'],
  [{ not: { in: [1, 2] } }, '/stages/0/when/not/in', 'a list'],
  [{ equals: [1, 1], exists: '${params.x}' }, '/stages/0/when', 'exactly one of'],
  [{}, '/stages/0/when', 'exactly one of'],
  [{ equals: ['${params.gone}', 1] }, '/stages/0/when', 'unknown parameter'],
  [{ equals: ['${stages.late.outputs.x}', 1] }, '/stages/0/when', 'no stage before'],
  [true, '/stages/0/when', 'an object'],
])('%j is refused at %s: %s', (when, pointer, text) => {
  const parsed = parseDefinition({ name: 'sample', stages: [{ name: 'a', run: ['true'], when }] });
  expect(parsed.ok ? [] : parsed.problems).toContainEqual(
    expect.objectContaining({ pointer, detail: expect.stringContaining(text) }),
  );
});
