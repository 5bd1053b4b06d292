import { z } from 'zod';
import type { Failure } from '../machines/failure.ts';
import { type Progress, progressSchema } from '../machines/status.ts';

/** Lines that begin with this carry JSON for us; everything else is log. */
export const protocolPrefix = '::stagewright ';

const lineSchema = z
  .strictObject({
    progress: progressSchema,
    metric: z.record(z.string(), z.number()),
    output: z.record(z.string(), z.json()),
    heartbeat: z.literal(true),
    skip: z.string(),
    fail: z.object({
      code: z.string().regex(/^[a-z][a-z0-9-]{0,60}$/),
      message: z.string(),
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
  fail: Failure | null;
  warnings: string[];
};
export const nothingSaid: Said = { progress: null, metrics: {}, outputs: {}, skip: null, fail: null, warnings: [] };

/** Outputs travel in snapshots and events: bounded, big things by reference. */
export const maxOutputBytes = 64 * 1024;
const maxWarnings = 20;

const warned = (said: Said, warning: string): Said =>
  said.warnings.length >= maxWarnings ? said : { ...said, warnings: [...said.warnings, warning] };

/** Folds one line into what was said. A line that does not fit is a warning, nothing more; the first `fail` stands. */
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
    return warned(said, `a ::stagewright line does not fit at /${issue?.path.join('/')}: ${issue?.message}`);
  }
  const { progress, metric, output, skip, fail } = parsed.data;
  const outputs = output ? { ...said.outputs, ...output } : said.outputs;
  if (JSON.stringify(outputs).length > maxOutputBytes)
    return warned(said, `outputs are larger than ${maxOutputBytes / 1024} kB; this one was left out`);
  return {
    ...said,
    progress: progress ? withoutUndefined(progress) : said.progress,
    metrics: metric ? { ...said.metrics, ...metric } : said.metrics,
    outputs,
    skip: skip ?? said.skip,
    fail: said.fail ?? (fail ? withoutUndefined(fail) : null),
  };
};

const withoutUndefined = <T extends object, U>(value: T): U =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as U;
