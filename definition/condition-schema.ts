import { z } from 'zod';
import type { Condition } from './condition.ts';
import { references } from './interpolate.ts';
import { unknownKey } from './suggest.ts';

const words = ['equals', 'not', 'in', 'exists', 'all', 'any'] as const;
const operands = z.tuple([z.json(), z.json()], {
  error: 'expected two values, e.g. ["${params.full}", true]',
});
const several = (): z.ZodType<Condition[]> =>
  z.array(z.lazy(() => conditionSchema)).min(1, 'expected at least one condition');
/** One by one, so that a fault is told at its own place and not as one of six possible ones. */
const shapes: Record<(typeof words)[number], () => z.ZodType> = {
  equals: () => operands,
  in: () =>
    operands.refine(([, list]) => Array.isArray(list) || references(list).length === 1, {
      error: 'expected a value and a list, e.g. ["${params.day}", ["sat", "sun"]]',
    }),
  exists: () =>
    z
      .string()
      .refine((text) => /^\$\{[^}]+\}$/.test(text), { error: 'expected one value: "${…}"' }),
  not: () => z.lazy(() => conditionSchema),
  all: several,
  any: several,
};

/** `when:` of a stage: an object with exactly one of its words. */
export const conditionSchema: z.ZodType<Condition> = z
  .record(z.string(), z.unknown())
  .superRefine((given, ctx) => {
    const keys = Object.keys(given);
    const foreign = keys.find((key) => !(words as readonly string[]).includes(key));
    if (foreign !== undefined)
      return ctx.addIssue({ code: 'custom', path: [foreign], message: unknownKey(foreign, words) });
    if (keys.length !== 1)
      return ctx.addIssue({
        code: 'custom',
        message: `a condition has exactly one of ${words.join(', ')}; join several with all or any`,
      });
    const [key] = keys as [(typeof words)[number]];
    const parsed = shapes[key]().safeParse(given[key]);
    for (const issue of parsed.error?.issues ?? [])
      ctx.addIssue({ code: 'custom', path: [key, ...issue.path], message: issue.message });
  })
  .transform((given) => given as Condition);
