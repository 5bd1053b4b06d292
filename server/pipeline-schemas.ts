import { z } from 'zod';
import { closed } from '../definition/closed.ts';
import { lintFindingSchema } from '../definition/finding.ts';
import { freeText } from '../definition/free-text.ts';
import { kindAnswer, stageKinds } from '../definition/kinds/stage-kinds.ts';
import { answerShape } from '../definition/stage-fields.ts';
import { statusSchema } from '../wire/status.ts';

const json = z.record(z.string(), z.unknown());
const ms = z.number().nullable();
const problem = z.object({
  file: z.string(),
  line: z.int().nullable(),
  pointer: z.string(),
  code: z.string(),
  detail: z.string(),
});

/** What the failures of a pipeline have done; null = its file has no policy. */
const policy = z
  .object({
    pause_after: z.int(),
    blocks: z.enum(['automatic', 'all']),
    failures: z.int(),
    blocked: z.boolean(),
    since: z.string().nullable(),
    reason: z.string().nullable(),
    probe_at: z.string().nullable(),
    probe_run: z.string().nullable(),
    acknowledged: z.object({ by: z.string(), at: z.string(), reason: z.string() }).nullable(),
  })
  .nullable();

export const acknowledgeBody = closed({
  reason: freeText(1000)
    .refine((text) => text.trim() !== '', 'say why')
    .transform((text) => text.trim()),
});
export const acknowledgeAnswer = z.object({ pipeline: z.string(), policy, as_of_seq: z.int() });

const pipelineSummary = z.object({
  name: z.string(),
  title: z.string(),
  default: z.boolean(),
  file: z.string(),
  stages: z.array(z.object({ name: z.string(), uses: z.string() })),
  params: json,
  policy,
  lint: z.array(lintFindingSchema),
  status: statusSchema,
  next_slots: z.array(z.string()),
});
export const pipelinesAnswer = z.object({
  items: z.array(pipelineSummary),
  problems: z.array(problem),
  as_of_seq: z.int(),
});

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
const outcome = statusSchema
  .pick({ run_id: true, number: true, state: true, outcome: true, trigger: true })
  .extend(
    statusSchema.pick({ created_at: true, started_at: true, ended_at: true, duration_ms: true })
      .shape,
  )
  .extend({ error_code: z.string().nullable() });

const names = z.array(z.string());
export const reloadAnswer = z.object({
  added: names,
  changed: names,
  removed: names,
  kept: names,
  problems: z.array(problem),
});

/**
 * Everything about one pipeline: its definition, how it went last, when it is due, and what may go
 * wrong.
 */
export const pipelineAnswer = pipelineSummary.extend({
  definition,
  outcomes: z.array(outcome).max(30),
  problems: z.array(problem),
  as_of_seq: z.int(),
});
