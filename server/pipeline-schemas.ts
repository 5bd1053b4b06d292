import { z } from 'zod';
import { closed } from '../definition/closed.ts';
import { freeText } from '../definition/free-text.ts';
import { pipelineHistorySchema } from '../wire/pipeline-answers.ts';

const json = z.record(z.string(), z.unknown());
const ms = z.number().nullable();
export const acknowledgeBody = closed({
  reason: freeText(1000)
    .refine((text) => text.trim() !== '', 'say why')
    .transform((text) => text.trim()),
});
const backoff = z.object({
  initial_ms: z.number(),
  factor: z.number(),
  max_ms: z.number(),
  jitter: z.number(),
});
const match = z.object({
  exit_codes: z.array(z.int()),
  codes: z.array(z.string()),
  signals: z.array(z.string()),
});
const stageDefinition = z.object({
  name: z.string(),
  title: z.string().nullable(),
  run: z.array(z.string()).nullable(),
  uses: z.string().nullable(),
  with: json,
  cwd: z.string().nullable(),
  env: z.array(z.string()),
  timeout_ms: z.number(),
  total_timeout_ms: ms,
  warn_after_ms: ms,
  heartbeat_ms: ms,
  grace_ms: z.number(),
  retry: z.object({
    limit: z.int(),
    backoff,
    never_on: match,
    classes: z.array(z.object({ on: match, limit: z.int(), backoff })),
  }),
  files: z.array(z.object({ path: z.string(), min: z.int() })),
  on_restart: z.string(),
  limits: z.object({ memory_bytes: z.number().nullable(), output_bytes: z.number().nullable() }),
  worst_case_ms: z.number(),
});
const definition = z.object({
  timezone: z.string(),
  params: json,
  timeout_ms: ms,
  warn_after_ms: ms,
  concurrency: z.object({
    key: z.string(),
    limit: z.int(),
    on_conflict: z.string(),
    queue: z.object({ max: z.int(), timeout_ms: ms }).nullable(),
  }),
  on_failures: z
    .object({ pause_after: z.int(), blocks: z.enum(['automatic', 'all']), probe_after_ms: ms })
    .nullable(),
  env: z.array(z.string()),
  secrets: z.array(z.string()),
  stages: z.array(stageDefinition),
  worst_case_ms: z.number(),
});
/**
 * Everything about one pipeline: its definition, how it went last, when it is due, and what may go
 * wrong.
 */
export const pipelineSchema = pipelineHistorySchema.extend({ definition });
