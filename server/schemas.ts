import { z } from 'zod';
import { closed } from '../definition/closed.ts';
import { freeText } from '../definition/free-text.ts';
import { artefactName } from '../services/history/artefacts.ts';
import { chartFormats } from '../services/orchestrator/orchestrator-port.ts';
import { eventNameSchema } from '../wire/events.ts';
import { triggerSchema } from '../wire/status.ts';

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

export const pipelineQuery = closed({ pipeline: nameParam.optional() });
const instant = z.iso.datetime({
  offset: true,
  error: 'expected an instant such as 2026-11-24T06:00:00Z',
});
const statePattern =
  /^(?:QUEUED|STARTING|RETRYING|PAUSED|AWAITING_APPROVAL|STOPPING|DONE|FAILED|STOPPED|RUNNING_[A-Z][A-Z0-9_]{0,39})$/;
const label = z.string().min(1).max(40).optional();
export const pipelinesQuery = closed({ label });
export const runsQuery = closed({
  pipeline: nameParam.optional(),
  /** Of the pipelines that have it today. */
  label,
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
export const versionParam = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'expected a version from 1')
  .transform(Number);
export const attemptParam = z
  .string()
  .regex(/^[1-9]\d{0,5}$/, 'expected an attempt from 1')
  .transform(Number);
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

export const artefactParam = z
  .string()
  .regex(artefactName, 'expected the name of an artefact, such as report.html');
