import { z } from 'zod';
import { closed } from '../definition/closed.ts';
import { commandTypeSchema, statusSchema } from './status.ts';

const json = z.record(z.string(), z.unknown());
const dayMs = 24 * 3600 * 1000;
/** So many events may be pressed one after the other. */
export const maxPath = 100;

/** How an effect answers. `silent`: no sign of life comes; `interrupted`: who worked at it is gone. */
const answerSchema = z.enum([
  'done',
  'failed',
  'failed_for_good',
  'nothing_to_do',
  'interrupted',
  'silent',
]);
export type PressAnswer = z.infer<typeof answerSchema>;
/** Time passes before it, `after_ms`; a timer that is due before comes first. */
const after = { after_ms: z.int().min(0).max(dayMs).optional() };
/** An event as it is pressed: the answer of an effect, a timer, or a command. */
export const pressSchema = z.discriminatedUnion('kind', [
  closed({
    kind: z.literal('answer'),
    effect: z.string().max(100),
    answer: answerSchema,
    ...after,
  }),
  closed({ kind: z.literal('timer'), timer: z.string().max(100) }),
  closed({
    kind: z.literal('command'),
    command: commandTypeSchema,
    stage: z.string().max(40).optional(),
    outputs: json.optional(),
    grace_ms: z.int().min(0).max(3_600_000).optional(),
    ...after,
  }),
]);
export type Press = z.infer<typeof pressSchema>;

const waySchema = z.object({
  /** Where it leads; the state it stays in where it only acts. */
  to: z.string(),
  guard: z.string().nullable(),
  /** Null where nothing is asked. */
  holds: z.boolean().nullable(),
  /** What the guard judged, such as "attempt 3 ≥ 3". */
  values: z.string().nullable(),
  is_taken: z.boolean(),
});
const timerSchema = z.object({
  timer: z.string(),
  text: z.string(),
  clock: z.enum(['monotonic', 'wall']),
  delay_ms: z.number(),
  due_in_ms: z.number(),
  due_at: z.string(),
});
const effectSchema = z.object({
  effect: z.string(),
  text: z.string(),
  kind: z.string(),
  stage: z.string().nullable(),
  attempt: z.int(),
  /** `dropping`: it is being ended, until no process of it is left. */
  state: z.enum(['born', 'started', 'dropping']),
});
const shownSchema = statusSchema
  .pick({
    state: true,
    canonical: true,
    stage: true,
    attempt: true,
    max_attempts: true,
    outcome: true,
    why: true,
    allowed: true,
    pause_requested: true,
    stages: true,
    error: true,
  })
  .extend({ is_over: z.boolean(), path: z.string() });

const possibleSchema = z.object({
  press: pressSchema,
  text: z.string(),
  allowed: z.boolean(),
  why_not: z.string().nullable(),
  ways: z.array(waySchema),
  /** Null where it is not possible, and for RETRY_FROM: that makes another run. */
  leads_to: z.object({ state: z.string(), path: z.string(), why: z.string() }).nullable(),
});
const stepSchema = z.object({
  press: pressSchema,
  text: z.string(),
  at: z.string(),
  elapsed_ms: z.number(),
  /** Refused: nothing has changed. */
  verdict: z.enum(['accepted', 'refused']),
  why_not: z.string().nullable(),
  from: z.string(),
  to: z.string(),
  state: z.string(),
  why: z.string(),
  ways: z.array(waySchema),
  /** What the journal would say. */
  says: z.array(z.object({ event: z.string(), stage: z.string(), msg: z.string() })),
  born: z.array(effectSchema),
  dropped: z.array(effectSchema),
  armed: z.array(timerSchema),
  disarmed: z.array(z.string()),
});

/** Where a run would stand after a path of events, and what is possible there. Nothing is moved. */
export const whatIfSchema = z.object({
  pipeline: z.string(),
  run_id: z.string().nullable(),
  /** The version of the run it begins at; null for a pipeline, which begins with an admitted run. */
  version: z.int().nullable(),
  at: z.string(),
  elapsed_ms: z.number(),
  steps: z.array(stepSchema),
  now: shownSchema,
  effects: z.array(effectSchema),
  timers: z.array(timerSchema),
  /**
   * When it is over if from here every attempt works to its timeout, and every process to the end of
   * its grace; null where it waits for a person, or is over.
   */
  worst_case: z.object({ in_ms: z.number(), at: z.string() }).nullable(),
  events: z.array(possibleSchema),
  max_path: z.int(),
});
export type WhatIf = z.infer<typeof whatIfSchema>;
