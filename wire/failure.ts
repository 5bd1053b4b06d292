import { z } from 'zod';

/**
 * Why a stage, an attempt or a run failed: plain data, so it survives JSON, a crash and a new
 * version.
 */
export const failureSchema = z.object({
  code: z.string(),
  message: z.string(),
  /** false = trying again cannot help (bad input, unknown command). */
  retryable: z.boolean(),
  stage: z.string().nullable().optional(),
  attempt: z.number().int().nullable().optional(),
  exit_code: z.number().int().nullable().optional(),
  signal: z.string().nullable().optional(),
  stderr_tail: z.string().optional(),
  retry_after_ms: z.number().int().nonnegative().optional(),
});
export type Failure = z.infer<typeof failureSchema>;
