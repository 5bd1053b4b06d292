import { z } from 'zod';

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** A year: longer is a mistake, and far below the range where milliseconds lose precision. */
const maxMs = 366 * 86_400_000;

const pattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** `250ms`, `10s`, `5m`, `1h`, `1d` or whole milliseconds → milliseconds. */
const written = z.union([
  z.number().meta({ minimum: 0 }),
  z.string().meta({ pattern: pattern.source, examples: ['250ms', '10s', '5m', '1h', '1d'] }),
]);
export const durationSchema = written.transform((value, ctx) => {
  const match = pattern.exec(String(value));
  const ms =
    typeof value === 'number'
      ? value
      : match
        ? Number(match[1]) * (units[match[2] as string] as number)
        : Number.NaN;
  if (Number.isInteger(ms) && ms >= 0 && ms <= maxMs) return ms;
  ctx.addIssue({
    code: 'custom',
    message: `expected a duration such as 250ms, 10s, 5m, 1h, 1d or milliseconds (at most 366d), got ${JSON.stringify(value)}`,
  });
  return z.NEVER;
});

/** Milliseconds as people write them, in their two largest units: `1h 30m`, `250ms`. */
export const durationText = (ms: number): string => {
  const parts: string[] = [];
  let left = Math.round(ms);
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const count = Math.floor(left / (units[unit] as number));
    left -= count * (units[unit] as number);
    if (count > 0) parts.push(`${count}${unit}`);
    else if (parts.length > 0) break;
  }
  return parts.slice(0, 2).join(' ') || '0ms';
};
