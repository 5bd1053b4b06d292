import { z } from 'zod';

const units: Record<string, number> = {
  '': 1,
  B: 1,
  kB: 1024,
  MB: 1024 ** 2,
  GB: 1024 ** 3,
  TB: 1024 ** 4,
};
const names = ['TB', 'GB', 'MB', 'kB'] as const;

const pattern = /^(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|TB)?$/;

/** `512MB`, `10GB` or whole bytes → bytes; a kB is 1024 of them. */
const written = z.union([
  z.number().meta({ minimum: 0 }),
  z.string().meta({ pattern: pattern.source, examples: ['500MB', '10GB'] }),
]);
export const sizeSchema = written.transform((value, ctx) => {
  const [, amount, unit = ''] = pattern.exec(String(value)) ?? [];
  if (amount !== undefined) return Math.round(Number(amount) * (units[unit] as number));
  ctx.addIssue({
    code: 'custom',
    message: `expected a size such as 500MB or 10GB, got ${JSON.stringify(value)}`,
  });
  return z.NEVER;
});

/** Bytes as people write them: `1.5 GB`. */
export const sizeText = (bytes: number): string => {
  const unit = names.find((name) => bytes >= (units[name] as number));
  return unit ? `${Number((bytes / (units[unit] as number)).toFixed(1))} ${unit}` : `${bytes} B`;
};
