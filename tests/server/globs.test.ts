import fc from 'fast-check';
import { faultOfGlobs, fits, globFits, globsOf, maxGlobs } from '../../server/stream/globs.ts';

/** A text that counts how often it is looked at. */
const counted = (text: string) => {
  let looks = 0;
  const seen = new Proxy(Array.from(text), {
    get: (target, key) => {
      if (typeof key === 'string' && /^\d+$/.test(key)) looks += 1;
      return Reflect.get(target, key) as unknown;
    },
  });
  return { seen, looks: () => looks };
};
const letters = fc.constantFrom('a', 'b', '*');
const textOf = (one: fc.Arbitrary<string>, maxLength: number) =>
  fc.array(one, { maxLength }).map((parts) => parts.join(''));

test('a glob fits exactly what the same regular expression fits', () => {
  const some = fc.tuple(textOf(letters, 6), textOf(fc.constantFrom('a', 'b'), 8));
  fc.assert(
    fc.property(some, ([pattern, text]) => {
      expect(fits(pattern, text)).toBe(
        new RegExp(`^${pattern.replaceAll(/\*+/g, '*').replaceAll('*', '.*')}$`).test(text),
      );
    }),
    { numRuns: 5000 },
  );
});

test('SEC-1: matching looks at most pattern × text times, whatever the pattern', () => {
  const some = fc.tuple(textOf(letters, 200), textOf(fc.constantFrom('a', 'b'), 60));
  fc.assert(
    fc.property(some, ([pattern, text]) => {
      const { seen, looks } = counted(text);
      fits(pattern, seen);
      expect(looks()).toBeLessThanOrEqual((pattern.length + 1) * (text.length + 1));
    }),
    { numRuns: 2000 },
  );
  const { seen, looks } = counted('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');
  expect(fits(`${'*a'.repeat(100)}*z`, seen)).toBe(false);
  expect(looks()).toBeLessThanOrEqual(202 * 41);
});

test('runs of stars are one star; more than two a side, and more than twenty globs, are refused', () => {
  expect(faultOfGlobs(`${'*'.repeat(200)}z/x`)).toBeNull();
  expect(globsOf(`${'*'.repeat(200)}z/x`)).toEqual([{ stage: '*z', event: 'x' }]);
  expect(faultOfGlobs('*a*/*b*')).toBeNull();
  expect(faultOfGlobs('*a*b*/x')).toMatch('at most 2 stars');
  expect(faultOfGlobs('x/*a*b*')).toMatch('at most 2 stars');
  const many = Array.from({ length: maxGlobs + 1 }, () => '*/x').join(',');
  expect(faultOfGlobs(many)).toMatch('at most 20 globs');
  expect(faultOfGlobs('..')).toMatch('expected globs');
});

test('a star stands for a name or a part of it, never for the slash', () => {
  const [glob] = globsOf('pipe*/*');
  expect(globFits(glob!, 'pipeline', 'state_change')).toBe(true);
  expect(globFits(glob!, 'one', 'failed')).toBe(false);
});
