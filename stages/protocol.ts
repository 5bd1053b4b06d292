import { z } from 'zod';
import type { Failure } from '../wire/failure.ts';
import { type Progress, progressSchema } from '../wire/status.ts';
import { boundedRecord } from './bounded-record.ts';
import { type Mask, noMask } from './mask.ts';
import { protocolPrefix } from './protocol-lines.ts';

/**
 * Codes that the service itself gives. An `interrupted` costs no retry, so a program that says it
 * would never end.
 */
const ownCodes = ['interrupted', 'timeout', 'stopped'];
const bounded = (maxChars: number) => z.string().transform((text) => text.slice(0, maxChars));
const reason = z
  .string()
  .refine((text) => text.trim() !== '', 'a reason is needed')
  .pipe(bounded(500));

const lineSchema = z
  .strictObject({
    progress: progressSchema.refine(
      ({ done = 0, total = Number.POSITIVE_INFINITY }) => done >= 0 && done <= total,
      'done must lie between 0 and total',
    ),
    metric: z.record(z.string(), z.number()),
    output: z.record(z.string(), z.json()),
    heartbeat: z.literal(true),
    skip: reason,
    partial: reason,
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

/** Outputs travel in snapshots and events: bounded, big things by reference. */
export const maxOutputBytes = 64 * 1024;
const maxMetricsBytes = 16 * 1024;
const maxWarnings = 20;
/** After so many of one stream only what can matter is read at all. */
export const maxLines = 10_000;
/** Words that are never left out, whatever else was said. */
const kept = ['"output"', '"fail"', '"skip"', '"partial"', '"metric"'];

const tooLarge = (what: string, maxBytes: number): string =>
  `${what} are larger than ${maxBytes / 1024} kB; the last ones were left out`;
const tooMany = `too many ::stagewright lines: after ${maxLines} of them only the newest progress, metrics, outputs, fail, skip and partial are heard`;
const addWarning = (warnings: string[], warning: string): void => {
  if (warnings.length < maxWarnings) warnings.push(warning);
};

/** What one stream of a program says, folded line by line: each costs its own length, no more. */
export type Hearing = {
  /** A line that does not fit is a warning, nothing more; the first `fail` stands. */
  hear(line: string): void;
  warn(warning: string): void;
  progress(): Progress | null;
  said(): Said;
};

export const openHearing = (mask: Mask = noMask): Hearing => {
  const outputs = boundedRecord<unknown>(maxOutputBytes);
  const metrics = boundedRecord<number>(maxMetricsBytes);
  const first: Pick<Said, 'skip' | 'partial' | 'fail'> = { skip: null, partial: null, fail: null };
  const warnings: string[] = [];
  const isFull = { outputs: false, metrics: false };
  let progress: Progress | null = null;
  let lines = 0;
  /** The newest of too many: read when somebody asks. */
  let unread: string | null = null;

  const add = <T>(
    what: 'outputs' | 'metrics',
    all: { add(more: Record<string, T>): boolean },
    more: Record<string, T>,
    maxBytes: number,
  ): void => {
    if (all.add(more) || isFull[what]) return;
    isFull[what] = true;
    addWarning(warnings, tooLarge(what, maxBytes));
  };

  const read = (line: string): void => {
    let raw: unknown;
    try {
      raw = JSON.parse(line.slice(protocolPrefix.length));
    } catch {
      // Masked before it is cut: half a secret is not recognized any more.
      if (warnings.length < maxWarnings)
        warnings.push(`a ::stagewright line is not JSON: ${mask.text(line).slice(0, 200)}`);
      return;
    }
    const masked = mask.json(raw);
    const parsed = lineSchema.safeParse(mask.longestBytes === 0 ? masked : withoutHidden(masked));
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      addWarning(
        warnings,
        `a ::stagewright line does not fit at /${issue?.path.join('/')}: ${issue?.message}`,
      );
      return;
    }
    const { metric, output, skip, partial, fail, warning } = parsed.data;
    if (parsed.data.progress) progress = withoutUndefined(parsed.data.progress);
    if (warning) addWarning(warnings, warning);
    first.skip ??= skip ?? null;
    first.partial ??= partial ?? null;
    first.fail ??= fail ? withoutUndefined(fail) : null;
    if (metric) add('metrics', metrics, metric, maxMetricsBytes);
    if (output) add('outputs', outputs, output, maxOutputBytes);
  };
  const readNewest = (): void => {
    if (unread !== null) read(unread);
    unread = null;
  };

  return {
    hear: (line) => {
      if (!line.startsWith(protocolPrefix)) return;
      lines += 1;
      if (lines <= maxLines) return read(line);
      if (kept.some((word) => line.includes(word))) {
        // It may say progress too, and the order stays.
        readNewest();
        read(line);
      } else if (line.includes('"progress"')) unread = line;
    },
    warn: (warning) => addWarning(warnings, warning),
    progress: () => {
      readNewest();
      return progress;
    },
    said: () => {
      readNewest();
      return {
        progress,
        metrics: metrics.get(),
        outputs: outputs.get(),
        ...first,
        warnings: lines > maxLines ? [tooMany, ...warnings].slice(0, maxWarnings) : [...warnings],
      };
    },
  };
};

/** What both streams said; where they differ, stdout holds. */
export const joined = (stdout: Said, stderr: Said): Said => {
  const outputs = { ...stderr.outputs, ...stdout.outputs };
  const fits = Buffer.byteLength(JSON.stringify(outputs)) <= maxOutputBytes;
  const warnings = [
    ...stdout.warnings,
    ...stderr.warnings,
    ...(fits ? [] : [tooLarge('outputs', maxOutputBytes)]),
  ];
  return {
    progress: stdout.progress ?? stderr.progress,
    metrics: { ...stderr.metrics, ...stdout.metrics },
    outputs: fits ? outputs : stdout.outputs,
    skip: stdout.skip ?? stderr.skip,
    partial: stdout.partial ?? stderr.partial,
    fail: stdout.fail ?? stderr.fail,
    warnings: warnings.slice(0, maxWarnings),
  };
};

/** A number that was a secret is no number any more, and costs nothing else of its line. */
const withoutHidden = (line: unknown): unknown => {
  if (line === null || typeof line !== 'object' || Array.isArray(line)) return line;
  return Object.fromEntries(
    Object.entries(line).map(([key, inner]) => [
      key,
      (key === 'metric' || key === 'progress') && inner !== null && typeof inner === 'object'
        ? Object.fromEntries(
            Object.entries(inner).filter(
              ([name, value]) => value !== '***' || name === 'unit' || name === 'note',
            ),
          )
        : inner,
    ]),
  );
};

const withoutUndefined = <T extends object, U>(value: T): U =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as U;
