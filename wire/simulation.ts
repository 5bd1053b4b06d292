import { z } from 'zod';
import { closed } from '../definition/closed.ts';

const yearMs = 366 * 24 * 3600 * 1000;
const stage = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected the name of a stage');
const attempt = z.int().min(1).max(1000).default(1);
const times = z.int().min(1).max(1000).default(1);
const ms = z.int().min(0).max(yearMs);
const write = z.int().min(1).max(100_000);

/** One thing that happens to a run that is simulated; each is one option of the command line. */
export const happeningSchema = z.discriminatedUnion('what', [
  /** So many attempts fail; with a code that is one of `never_on`, no retry follows. */
  closed({ what: z.literal('fail'), stage, times, code: z.string().max(60).default('exit-code') }),
  /** So many attempts never end by themselves. */
  closed({ what: z.literal('hang'), stage, times }),
  /** The program says that there is nothing to do. */
  closed({ what: z.literal('skip'), stage }),
  /** So long does each attempt work. */
  closed({ what: z.literal('takes'), stage, ms }),
  /** Processes that hear no SIGTERM: they end by SIGKILL, at the end of the grace. */
  closed({ what: z.literal('deaf'), stage }),
  /** When its processes are gone an attempt answers once more: nobody waits for that. */
  closed({ what: z.literal('late'), stage }),
  closed({ what: z.literal('stop'), stage, attempt }),
  /** The service is killed while this attempt works, and comes back. */
  closed({ what: z.literal('crash'), stage, attempt }),
  /** The machine goes down, with all processes and its monotonic clock. */
  closed({ what: z.literal('reboot'), stage, attempt }),
  /** The service is killed before its n-th write to the store, or right after it. */
  closed({ what: z.literal('crash-before'), write }),
  closed({ what: z.literal('crash-after'), write }),
  /** The n-th write takes so long. */
  closed({ what: z.literal('slow-store'), write, ms }),
  /** With the n-th write the wall clock is set: forward, or below 0 back. */
  closed({ what: z.literal('clock-step'), write, ms: z.int().min(-yearMs).max(yearMs) }),
]);
export type Happening = z.infer<typeof happeningSchema>;
export const maxScript = 50;
/** Simulated by the service at a time; the command line does as many as it is asked for. */
const maxRunsAsked = 200;

export const simulateBody = closed({
  script: z.array(happeningSchema).max(maxScript).default([]),
  /** With a seed, random faults come on top of the script; each run of several has its own. */
  seed: z.int().min(0).max(0xffffffff).optional(),
  runs: z.int().min(1).max(maxRunsAsked).default(1),
});

const lineSchema = z.object({
  at_ms: z.number(),
  at: z.string(),
  state: z.string(),
  /** The stage it is about; null where it is about the run, the service or the machine. */
  stage: z.string().nullable(),
  attempt: z.int().nullable(),
  event: z.string(),
  text: z.string(),
});
const brokenSchema = z.object({ invariant: z.string(), detail: z.string() });

/** A simulated run, from its start to its end. */
export const storySchema = z.object({
  pipeline: z.string(),
  script: z.array(happeningSchema),
  /** The command that tells it again. */
  replay: z.string(),
  state: z.string(),
  outcome: z.string().nullable(),
  why: z.string(),
  error_code: z.string().nullable(),
  duration_ms: z.number(),
  attempts: z.record(z.string(), z.int()),
  lines: z.array(lineSchema),
  /** An invariant of docs/invariants.md that did not hold. */
  broken: brokenSchema.nullable(),
});
export type Story = z.infer<typeof storySchema>;

const foundSchema = z.object({ duration_ms: z.number(), replay: z.string() });
/** Many runs, each with faults of its own. */
const surveySchema = z.object({
  runs: z.int(),
  outcomes: z.record(z.string(), z.int()),
  duration_ms: z.object({
    least: z.number(),
    median: z.number(),
    p95: z.number(),
    most: z.number(),
  }),
  /** The longest in which the service was not away, no clock was set and the store was quick. */
  longest: foundSchema.nullable(),
  /** What the linter says that no such run is longer than. */
  worst_case_ms: z.number(),
  /** The shortest script that breaks an invariant. */
  broken: storySchema.nullable(),
});
export type Survey = z.infer<typeof surveySchema>;

export const simulationSchema = z.object({
  /** The one run, or the first of them. */
  story: storySchema,
  survey: surveySchema.nullable(),
});
export type Simulation = z.infer<typeof simulationSchema>;
