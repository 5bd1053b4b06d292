import { z } from 'zod';
import { closed } from '../definition/closed.ts';
import { freeText } from '../definition/free-text.ts';
import { kindAnswer, stageKinds } from '../definition/kinds/stage-kinds.ts';
import { answerShape } from '../definition/stage-fields.ts';
import { pipelineHistorySchema } from '../wire/pipeline-answers.ts';

const json = z.record(z.string(), z.unknown());
const ms = z.number().nullable();
export const acknowledgeBody = closed({
  reason: freeText(1000)
    .refine((text) => text.trim() !== '', 'say why')
    .transform((text) => text.trim()),
});
export const whyQuery = closed({ at: z.string().min(1).max(60).optional() });
const stageDefinition = z.object({
  name: z.string(),
  title: z.string().nullable(),
  kind: z.enum(Object.keys(stageKinds)),
  program: z.string(),
  ...kindAnswer,
  ...answerShape,
  worst_case_ms: z.number(),
});
const definition = z.object({
  labels: z.array(z.string()),
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
  groups: z.array(
    z.object({
      name: z.string(),
      title: z.string().nullable(),
      stages: z.array(z.string()),
      fail_fast: z.boolean(),
    }),
  ),
  on_failure: z.array(stageDefinition),
  finally: z.array(stageDefinition),
  worst_case_ms: z.number(),
});
/**
 * Everything about one pipeline: its definition, how it went last, when it is due, and what may go
 * wrong.
 */
export const pipelineSchema = pipelineHistorySchema.extend({ definition });
