import { z } from 'zod';

const refuse = (ctx: z.core.$RefinementCtx, what: string): void => {
  ctx.addIssue({
    code: 'custom',
    params: { code: 'not-supported-yet' },
    message: `\`${what}\` is not supported yet by this version`,
  });
};

/**
 * A key of the file format that this version does not run yet: refused by name, never ignored.
 */
export const laterKey = (key: string) =>
  z
    .unknown()
    .optional()
    .superRefine((value, ctx) => {
      if (value !== undefined) refuse(ctx, key);
    })
    .meta({ refused: true });

/** Words that a key will take one day, beside those of `schema`. */
export const orLaterWord = <T extends z.ZodType>(schema: T, key: string, words: string[]) =>
  z.preprocess((value, ctx) => {
    if (typeof value !== 'string' || !words.includes(value)) return value;
    refuse(ctx, `${key}: ${value}`);
    return z.NEVER;
  }, schema);
