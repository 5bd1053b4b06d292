import { z } from 'zod';
import { closed } from './closed.ts';
import { durationSchema } from './duration.ts';

export type Backoff = { initialMs: number; factor: number; maxMs: number; jitter: number };
/** A failure matches by its exit code, its code, or the signal that ended it. */
export type FailureMatch = { exitCodes: number[]; codes: string[]; signals?: string[] };
export type Retry = Backoff & {
  limit: number;
  neverOn: FailureMatch;
  /**
   * The first class that a failure belongs to says how often and how it is tried again, within
   * `limit`. Absent = none.
   */
  classes?: (Backoff & { on: FailureMatch; limit: number })[];
};

const limitSchema = z.int().nonnegative().max(1000);
const backoffShape = {
  initial: durationSchema,
  factor: z.number().min(1).max(100),
  max: durationSchema,
  jitter: z.number().min(0).max(1),
};
const matchSchema = closed({
  exit_codes: z.array(z.int()).default([]),
  codes: z.array(z.string()).default([]),
  signals: z
    .array(z.string().regex(/^SIG[A-Z0-9]+$/, 'expected a signal such as SIGKILL'))
    .default([]),
});

/** `retry` of a stage, as it stands in the file. */
export const retrySchema = closed({
  limit: limitSchema.default(0),
  backoff: closed({
    initial: backoffShape.initial.default(10_000),
    factor: backoffShape.factor.default(2),
    max: backoffShape.max.optional(),
    jitter: backoffShape.jitter.default(0.1),
  }).prefault({}),
  never_on: matchSchema.prefault({}),
  classes: z
    .array(
      closed({
        on: matchSchema.refine(
          (on) => on.exit_codes.length + on.codes.length + on.signals.length > 0,
          { error: 'name at least one of exit_codes, codes and signals' },
        ),
        limit: limitSchema,
        backoff: closed({
          initial: backoffShape.initial.optional(),
          factor: backoffShape.factor.optional(),
          max: backoffShape.max.optional(),
          jitter: backoffShape.jitter.optional(),
        }).prefault({}),
      }),
    )
    .max(20)
    .default([]),
})
  .superRefine(({ limit, classes }, ctx) => {
    for (const [index, one] of classes.entries())
      if (one.limit > limit)
        ctx.addIssue({
          code: 'custom',
          path: ['classes', index, 'limit'],
          message: `is more than the limit of the stage, ${limit}`,
        });
  })
  .prefault({});

type RetryFile = z.output<typeof retrySchema>;
const matchOf = ({ exit_codes, codes, signals }: RetryFile['never_on']): FailureMatch => ({
  exitCodes: exit_codes,
  codes,
  signals,
});

/** A class that does not say how it backs off does so as its stage. */
export const retryOf = ({ limit, backoff, never_on, classes }: RetryFile): Retry => {
  // Whoever waits half an hour first does not mean the five minutes of the default.
  const mostFrom = (initialMs: number): number => backoff.max ?? Math.max(300_000, initialMs);
  const plain = {
    initialMs: backoff.initial,
    factor: backoff.factor,
    maxMs: mostFrom(backoff.initial),
    jitter: backoff.jitter,
  };
  return {
    limit,
    ...plain,
    neverOn: matchOf(never_on),
    ...(classes.length > 0 && {
      classes: classes.map(({ on, limit: most, backoff: { initial, factor, max, jitter } }) => ({
        on: matchOf(on),
        limit: most,
        initialMs: initial ?? plain.initialMs,
        factor: factor ?? plain.factor,
        maxMs: max ?? mostFrom(initial ?? plain.initialMs),
        jitter: jitter ?? plain.jitter,
      })),
    }),
  };
};

const backoffAnswer = z.object({
  initial_ms: z.number(),
  factor: z.number(),
  max_ms: z.number(),
  jitter: z.number(),
});
const matchAnswer = z.object({
  exit_codes: z.array(z.int()),
  codes: z.array(z.string()),
  signals: z.array(z.string()),
});
/** `retry` of a stage, as the API shows it. */
export const retryAnswer = z.object({
  limit: z.int(),
  backoff: backoffAnswer,
  never_on: matchAnswer,
  classes: z.array(z.object({ on: matchAnswer, limit: z.int(), backoff: backoffAnswer })),
});

const shownBackoff = ({ initialMs, factor, maxMs, jitter }: Backoff) => ({
  initial_ms: initialMs,
  factor,
  max_ms: maxMs,
  jitter,
});
const shownMatch = ({ exitCodes, codes, signals = [] }: FailureMatch) => ({
  exit_codes: exitCodes,
  codes,
  signals,
});
export const retryView = (retry: Retry): z.infer<typeof retryAnswer> => ({
  limit: retry.limit,
  backoff: shownBackoff(retry),
  never_on: shownMatch(retry.neverOn),
  classes: (retry.classes ?? []).map((one) => ({
    on: shownMatch(one.on),
    limit: one.limit,
    backoff: shownBackoff(one),
  })),
});
