import { z } from 'zod';
import { closed } from '../machines/closed.ts';
import { eventNameSchema, eventSchema } from '../machines/events.ts';
import { commandTypeSchema, statusSchema } from '../machines/status.ts';

const json = z.record(z.string(), z.unknown());
const reason = z.string().max(1000).optional();
const graceMs = z.int().min(0).max(3_600_000).optional();
const limit = (byDefault: number, max: number) => z.coerce.number().int().min(1).max(max).default(byDefault);

export const nameParam = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected a name such as market-data');
export const runIdParam = z.string().regex(/^r_[0-9A-HJKMNP-TV-Z]{26}$/, 'expected a run id such as r_01J9…');

export const startBody = closed({ params: json.default({}), manual: z.boolean().default(true), reason });
export const stopBody = closed({ reason, grace_ms: graceMs });
export const resetBody = closed({ force: z.boolean().default(false) });
export const commandBody = closed({ type: commandTypeSchema, reason, grace_ms: graceMs });

export const pipelineQuery = closed({ pipeline: nameParam.optional() });
export const runsQuery = closed({ pipeline: nameParam.optional(), limit: limit(50, 200), cursor: runIdParam.optional() });
export const eventsQuery = closed({
  run_id: runIdParam.optional(),
  pipeline: nameParam.optional(),
  stage: nameParam.optional(),
  event: eventNameSchema.optional(),
  after: z.coerce.number().int().min(0).optional(),
  limit: limit(100, 1000),
});
export const transitionsQuery = closed({ after: z.coerce.number().int().min(0).default(0), limit: limit(500, 1000) });

export const scheduleAnswer = z.object({
  ...{ cron: z.string().nullable(), timezone: z.string(), enabled: z.boolean(), overlap: z.string(), missed: z.string() },
  ...{ dst_gap: z.string(), dst_fold: z.string(), next_slots: z.array(z.string()) },
});
export const snapshotAnswer = z.object({
  status: statusSchema,
  recent_events: z.array(eventSchema),
  metrics: json,
  lock: statusSchema.shape.lock,
  schedule: scheduleAnswer,
  as_of_seq: z.int(),
});
export const healthAnswer = z.object({
  status: z.enum(['ok', 'degraded', 'draining', 'starting']),
  checks: z.record(z.string(), z.object({ status: z.enum(['ok', 'degraded']), detail: z.string() })),
});
export const pipelinesAnswer = z.object({
  items: z.array(
    z.object({
      ...{ name: z.string(), title: z.string(), default: z.boolean() },
      stages: z.array(z.object({ name: z.string(), uses: z.string() })),
      params: json,
      status: statusSchema,
    }),
  ),
  problems: z.array(z.object({ file: z.string(), line: z.int().nullable(), pointer: z.string(), code: z.string(), detail: z.string() })),
});
export const runsAnswer = z.object({ items: z.array(statusSchema), next_cursor: z.string().nullable() });
export const eventsAnswer = z.object({ items: z.array(eventSchema) });
export const transitionsAnswer = z.object({
  items: z.array(
    z.object({
      ...{ n: z.int(), version: z.int(), at: z.string(), from: z.string(), to: z.string(), event: json },
      cause: z.object({ kind: z.enum(['command', 'effect', 'timer', 'watchdog', 'recovery']), actor: z.string().optional() }),
      guards: z.array(z.object({ guard: z.string(), holds: z.boolean() })),
      ...{ verdict: z.enum(['accepted', 'refused', 'stale']), why: z.string().nullable() },
    }),
  ),
});
export { statusSchema as statusAnswer };
