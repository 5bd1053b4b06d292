import { z } from 'zod';
import type { Failure } from '../machines/failure.ts';
import { type Progress, progressSchema } from '../machines/status.ts';
import { protocolPrefix } from './protocol-lines.ts';

/**
 * Codes that the service itself gives. An `interrupted` costs no retry, so a program that says it
 * would never end.
 */
const ownCodes = ['interrupted', 'timeout', 'stopped'];
const bounded = (maxChars: number) => z.string().transform((text) => text.slice(0, maxChars));

const lineSchema = z
  .strictObject({
    progress: progressSchema,
    metric: z.record(z.string(), z.number()),
    output: z.record(z.string(), z.json()),
    heartbeat: z.literal(true),
    skip: bounded(500),
    partial: bounded(500),
    warning: bounded(500),
    fail: z.object({
      code: z
        .string()
        .regex(/^[a-z][a-z0-9-]{0,60}$/)
        .refine((code) => !ownCodes.includes(code), 'this code belongs to the service'),
      message: bounded(2000),
      retryable: z.boolean().default(true),
      retry_after_ms: z.int().nonnegative().optional(),
    }),
  })
  .partial();

/** What a program has said so far. */
export type Said = {
  progress: Progress | null;
  metrics: Record<string, number>;
  outputs: Record<string, unknown>;
  skip: string | null;
  partial: string | null;
  fail: Failure | null;
  warnings: string[];
};
export const nothingSaid: Said = {
  progress: null,
  metrics: {},
  outputs: {},
  skip: null,
  partial: null,
  fail: null,
  warnings: [],
};

/** Outputs travel in snapshots and events: bounded, big things by reference. */
export const maxOutputBytes = 64 * 1024;
const maxMetricsBytes = 16 * 1024;
const maxWarnings = 20;
const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

export const warned = (said: Said, warning: string): Said =>
  said.warnings.length >= maxWarnings ? said : { ...said, warnings: [...said.warnings, warning] };

/**
 * Folds one line into what was said. A line that does not fit is a warning, nothing more; the first
 * `fail` stands.
 */
export const hear = (said: Said, line: string): Said => {
  if (!line.startsWith(protocolPrefix)) return said;
  let raw: unknown;
  try {
    raw = JSON.parse(line.slice(protocolPrefix.length));
  } catch {
    return warned(said, `a ::stagewright line is not JSON: ${line.slice(0, 200)}`);
  }
  const parsed = lineSchema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return warned(
      said,
      `a ::stagewright line does not fit at /${issue?.path.join('/')}: ${issue?.message}`,
    );
  }
  const { progress, metric, output, skip, partial, fail, warning } = parsed.data;
  const heard: Said = {
    ...said,
    progress: progress ? withoutUndefined(progress) : said.progress,
    skip: said.skip ?? skip ?? null,
    partial: said.partial ?? partial ?? null,
    fail: said.fail ?? (fail ? withoutUndefined(fail) : null),
  };
  const noted = warning ? warned(heard, warning) : heard;
  const measured = metric ? adding(noted, 'metrics', metric, maxMetricsBytes) : noted;
  return output ? adding(measured, 'outputs', output, maxOutputBytes) : measured;
};

/** What both streams said; where they differ, stdout holds. */
export const joined = (stdout: Said, stderr: Said): Said => {
  const both: Said = {
    ...stdout,
    progress: stdout.progress ?? stderr.progress,
    metrics: { ...stderr.metrics, ...stdout.metrics },
    skip: stdout.skip ?? stderr.skip,
    partial: stdout.partial ?? stderr.partial,
    fail: stdout.fail ?? stderr.fail,
    warnings: [...stdout.warnings, ...stderr.warnings].slice(0, maxWarnings),
  };
  return adding(both, 'outputs', { ...stderr.outputs, ...stdout.outputs }, maxOutputBytes);
};

const adding = (
  said: Said,
  what: 'outputs' | 'metrics',
  values: Record<string, unknown>,
  maxBytes: number,
): Said => {
  const sum = { ...said[what], ...values };
  if (bytesOf(sum) > maxBytes)
    return warned(
      said,
      `${what} are larger than ${maxBytes / 1024} kB; the last ones were left out`,
    );
  return { ...said, [what]: sum };
};

const withoutUndefined = <T extends object, U>(value: T): U =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as U;
