import { z } from 'zod';
import { closed } from '../definition/closed.ts';
import { freeText } from '../definition/free-text.ts';
import { commandSchema } from '../machines/commands.ts';
import { artefactName } from '../services/history/artefacts.ts';
import { chartFormats } from '../services/orchestrator/orchestrator-port.ts';
import { attemptSchema } from '../wire/attempts.ts';
import { eventNameSchema, eventSchema } from '../wire/events.ts';
import { commandTypeSchema, statusSchema, triggerSchema } from '../wire/status.ts';

const json = z.record(z.string(), z.unknown());
const reason = freeText(1000).optional();
const graceMs = z.int().min(0).max(3_600_000).optional();
/**
 * A number in an address: digits and nothing else. `Number` would also read `0x10`, `1e2`, a blank
 * and a list of one.
 */
export const wholeNumber = (min: number, max: number) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value),
    z.int('expected a whole number').min(min).max(max),
  );
const limit = (byDefault: number, max: number) => wholeNumber(1, max).default(byDefault);

export const nameParam = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected a name such as market-data');
export const runIdParam = z
  .string()
  .regex(/^r_[0-9A-HJKMNP-TV-Z]{26}$/, 'expected a run id such as r_01J9…');

export const startBody = closed({
  params: json.default({}),
  manual: z.boolean().default(true),
  reason,
});
export const stopBody = closed({ reason, grace_ms: graceMs });
export const resetBody = closed({ force: z.boolean().default(false), reason });
export { commandSchema as commandBody };

export const pipelineQuery = closed({ pipeline: nameParam.optional() });
const instant = z.iso.datetime({
  offset: true,
  error: 'expected an instant such as 2026-11-24T06:00:00Z',
});
const statePattern =
  /^(?:QUEUED|STARTING|RETRYING|PAUSED|STOPPING|DONE|FAILED|STOPPED|RUNNING_[A-Z][A-Z0-9_]{0,39})$/;
export const runsQuery = closed({
  pipeline: nameParam.optional(),
  state: z
    .string()
    .regex(statePattern, 'expected a state such as FAILED or RUNNING_TRANSLATOR')
    .optional(),
  trigger: triggerSchema.optional(),
  from: instant.optional(),
  to: instant.optional(),
  q: z.string().min(1).max(200).optional(),
  limit: limit(50, 200),
  cursor: runIdParam.optional(),
}).refine(
  ({ from, to }) => from === undefined || to === undefined || Date.parse(from) <= Date.parse(to),
  { error: 'must not be later than to', path: ['from'] },
);
export const chartQuery = closed({ format: z.enum(chartFormats).default('json') });
export const versionParam = z.string().regex(/^[1-9]\d{0,8}$/, 'expected a version from 1');
export const attemptParam = z.string().regex(/^[1-9]\d{0,5}$/, 'expected an attempt from 1');
const offset = wholeNumber(0, Number.MAX_SAFE_INTEGER);
/**
 * One way to look at a log: by bytes (`offset`, `limit`), its end (`tail`), by lines (`from_line`,
 * `lines`), or by what it says (`q`).
 */
export const logQuery = closed({
  stream: z.enum(['stdout', 'stderr']).default('stdout'),
  offset: offset.optional(),
  limit: wholeNumber(1, 4_194_304).optional(),
  tail: wholeNumber(1, 4_194_304).optional(),
  from_line: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  lines: wholeNumber(1, 10_000).optional(),
  q: z.string().min(1).max(500).optional(),
  ignore_case: z.enum(['true', 'false']).optional(),
}).refine(
  (query) =>
    ['tail', 'from_line', 'q'].filter((key) => key in query).length <= 1 &&
    !('tail' in query && 'offset' in query),
  'give one of tail, from_line, q, or offset',
);
export const logMatchesAnswer = z.object({
  matches: z.array(z.object({ line: z.int(), offset: z.int(), text: z.string() })),
  next_offset: z.int().nullable(),
  searched_to: z.int(),
  size: z.int(),
});
export const eventsQuery = closed({
  run_id: runIdParam.optional(),
  pipeline: nameParam.optional(),
  stage: nameParam.optional(),
  event: eventNameSchema.optional(),
  after: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
  limit: limit(100, 1000),
});
export const transitionsQuery = closed({
  after: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(0),
  limit: limit(500, 1000),
});

export const scheduleAnswer = z.object({
  cron: z.string().nullable(),
  timezone: z.string(),
  enabled: z.boolean(),
  overlap: z.string(),
  missed: z.string(),
  dst_gap: z.string(),
  dst_fold: z.string(),
  next_slots: z.array(z.string()),
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
  checks: z.record(
    z.string(),
    z.object({
      status: z.enum(['ok', 'degraded']),
      detail: z.string(),
      code: z.string().optional(),
      since: z.string().optional(),
    }),
  ),
  ready: z.boolean(),
});
export const artefactParam = z
  .string()
  .regex(artefactName, 'expected the name of an artefact, such as report.html');
const artefactSchema = z.object({
  name: z.string(),
  bytes: z.int(),
  content_type: z.string(),
  stage: z.string().nullable(),
  at: z.string(),
});
export const runAnswer = statusSchema.extend({
  attempts: z.array(attemptSchema),
  artefacts: z.array(artefactSchema),
});
export const runsAnswer = z.object({
  items: z.array(statusSchema),
  next_cursor: z.string().nullable(),
  as_of_seq: z.int(),
});
export const eventsAnswer = z.object({ items: z.array(eventSchema), as_of_seq: z.int() });
const cause = z.object({
  kind: z.enum(['command', 'effect', 'timer', 'watchdog', 'recovery', 'queue']),
  actor: z.string().optional(),
});
export const snapshotAtAnswer = z.object({
  run_id: z.string(),
  version: z.int(),
  n: z.int(),
  at: z.string(),
  from: z.string(),
  to: z.string(),
  event: json,
  cause,
  value: z.unknown(),
  context: json,
  status: z.string(),
  as_of_seq: z.int(),
});
export const commandsAnswer = z.object({
  run_id: z.string(),
  version: z.int(),
  as_of_seq: z.int(),
  items: z.array(
    z.object({ type: commandTypeSchema, allowed: z.boolean(), why_not: z.string().nullable() }),
  ),
});
export const transitionsAnswer = z.object({
  items: z.array(
    z.object({
      n: z.int(),
      version: z.int(),
      at: z.string(),
      from: z.string(),
      to: z.string(),
      event: json,
      cause,
      guards: z.array(z.object({ guard: z.string(), holds: z.boolean() })),
      verdict: z.enum(['accepted', 'refused', 'stale']),
      why: z.string().nullable(),
    }),
  ),
  as_of_seq: z.int(),
});
export const stopAnswer = statusSchema.extend({ queued: z.int() });
export { statusSchema as statusAnswer };
