import { z } from 'zod';
import { lintFindingSchema } from '../definition/finding.ts';
import { statusSchema } from './status.ts';

const seen = { as_of_seq: z.int() };
const names = z.array(z.string());

/** What is wrong with a pipeline file: what the person sees who has to mend it. */
const problemSchema = z.object({
  file: z.string(),
  line: z.int().nullable(),
  pointer: z.string(),
  code: z.string(),
  detail: z.string(),
});
export type PipelineProblem = z.infer<typeof problemSchema>;

export const reloadSchema = z.object({
  added: names,
  changed: names,
  removed: names,
  /** Pipelines whose file is invalid now: what it said before stays in force. */
  kept: names,
  problems: z.array(problemSchema),
});
export type ReloadReport = z.infer<typeof reloadSchema>;

/** What the failures of a pipeline have done; null = its file has no policy. */
const policySchema = z.object({
  pause_after: z.int(),
  blocks: z.enum(['automatic', 'all']),
  failures: z.int(),
  blocked: z.boolean(),
  since: z.string().nullable(),
  reason: z.string().nullable(),
  probe_at: z.string().nullable(),
  probe_run: z.string().nullable(),
  acknowledged: z.object({ by: z.string(), at: z.string(), reason: z.string() }).nullable(),
});
export type PolicyView = z.infer<typeof policySchema>;

export const acknowledgedSchema = z.object({
  pipeline: z.string(),
  policy: policySchema.nullable(),
  ...seen,
});
export type Acknowledged = z.infer<typeof acknowledgedSchema>;

const pipelineSummarySchema = z.object({
  name: z.string(),
  title: z.string(),
  default: z.boolean(),
  file: z.string(),
  labels: names,
  /** `group`: it works beside the others of that group. */
  stages: z.array(z.object({ name: z.string(), uses: z.string(), group: z.string().optional() })),
  params: z.record(z.string(), z.unknown()),
  policy: policySchema.nullable(),
  lint: z.array(lintFindingSchema),
  status: statusSchema,
  /** The next slots of all its schedules. */
  next_slots: names,
});
export const pipelinesSchema = z.object({
  items: z.array(pipelineSummarySchema),
  problems: z.array(problemSchema),
  ...seen,
});
export type Pipelines = z.infer<typeof pipelinesSchema>;

/** How a run of the pipeline went; a live one has no outcome yet. */
const outcomeSchema = statusSchema
  .pick({ run_id: true, number: true, state: true, outcome: true, trigger: true })
  .extend(
    statusSchema.pick({ created_at: true, started_at: true, ended_at: true, duration_ms: true })
      .shape,
  )
  .extend({ error_code: z.string().nullable() });

/** One pipeline, without what its file says (services/pipelines/definition-view.ts). */
export const pipelineHistorySchema = pipelineSummarySchema.extend({
  /** The last 30 runs, newest first. */
  outcomes: z.array(outcomeSchema).max(30),
  problems: z.array(problemSchema),
  ...seen,
});
export type PipelineHistory = z.infer<typeof pipelineHistorySchema>;
