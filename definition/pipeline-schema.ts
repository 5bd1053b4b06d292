import { z } from 'zod';
import { sizeSchema } from './byte-size.ts';
import { closed } from './closed.ts';
import { conflictWords, defaultLimits } from './definition.ts';
import { durationSchema } from './duration.ts';
import { freeText } from './free-text.ts';
import { scheduleSchema } from './schedule.ts';
import { zoneSchema } from './time-zone.ts';

/**
 * A shape of the file format that this version does not run yet: refused by name, never ignored.
 */
const later = (key: string, refuses: (value: unknown) => boolean = () => true) =>
  z
    .unknown()
    .optional()
    .superRefine((value, ctx) => {
      if (value === undefined || !refuses(value)) return;
      ctx.addIssue({
        code: 'custom',
        params: { code: 'not-supported-yet' },
        message: `\`${key}\` is not supported yet by this version`,
      });
    })
    .meta({ refused: true });
const orLater = <T extends z.ZodType>(schema: T, key: string, words: string[]) =>
  z.preprocess((value, ctx) => {
    if (typeof value === 'string' && words.includes(value)) {
      const message = `\`${key}: ${value}\` is not supported yet by this version`;
      ctx.addIssue({ code: 'custom', params: { code: 'not-supported-yet' }, message });
      return z.NEVER;
    }
    return value;
  }, schema);

const reserved = ['pipeline', 'scheduler', 'watchdog', 'system', 'run'];
const nameSchema = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,39}$/,
    'expected a name of lower-case letters, digits and hyphens that begins with a letter, at most 40 long',
  )
  .refine((name) => !reserved.includes(name), {
    error: `is a reserved word (${reserved.join(', ')})`,
  });

const envSchema = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable'),
  z.string(),
);
const whole = z.int().nonnegative();

const moreThanZero = durationSchema.refine((ms) => ms > 0, { error: 'must be more than 0' });

const backoffShape = {
  initial: durationSchema,
  factor: z.number().min(1).max(100),
  max: durationSchema,
  jitter: z.number().min(0).max(1),
};
const matchSchema = closed({
  exit_codes: z.array(z.int()).default([]),
  codes: z.array(z.string()).default([]),
  signals: z
    .array(z.string().regex(/^SIG[A-Z0-9]+$/, 'expected a signal such as SIGKILL'))
    .default([]),
});
const retrySchema = closed({
  limit: whole.max(1000).default(0),
  backoff: closed({
    initial: backoffShape.initial.default(10_000),
    factor: backoffShape.factor.default(2),
    max: backoffShape.max.optional(),
    jitter: backoffShape.jitter.default(0.1),
  }).prefault({}),
  never_on: matchSchema.prefault({}),
  classes: z
    .array(
      closed({
        on: matchSchema.refine(
          (on) => on.exit_codes.length + on.codes.length + on.signals.length > 0,
          {
            error: 'name at least one of exit_codes, codes and signals',
          },
        ),
        limit: whole.max(1000),
        backoff: closed({
          initial: backoffShape.initial.optional(),
          factor: backoffShape.factor.optional(),
          max: backoffShape.max.optional(),
          jitter: backoffShape.jitter.optional(),
        }).prefault({}),
      }),
    )
    .max(20)
    .default([]),
})
  .superRefine(({ limit, classes }, ctx) => {
    for (const [index, one] of classes.entries())
      if (one.limit > limit)
        ctx.addIssue({
          code: 'custom',
          path: ['classes', index, 'limit'],
          message: `is more than the limit of the stage, ${limit}`,
        });
  })
  .prefault({});

const mebibyte = 1024 ** 2;
const limitsSchema = closed({
  memory: sizeSchema
    .refine((bytes) => bytes >= mebibyte, { error: 'must be at least 1MB' })
    .optional(),
  output: sizeSchema
    .refine((bytes) => bytes > 0, { error: 'must be more than 0' })
    .default(defaultLimits.outputBytes),
}).prefault({});

const builtins = [
  'builtin:translator',
  'builtin:analyzer',
  'builtin:merger',
  'builtin:report',
  'builtin:sample-bars',
];
const usesSchema = z
  .string()
  .refine(
    (uses) =>
      builtins.includes(uses) || (!uses.startsWith('builtin:') && /\.(ts|js|mjs)$/.test(uses)),
    {
      error: `expected ${builtins.join(', ')}, or a path to a .ts, .js or .mjs file`,
    },
  );

const stageSchema = closed({
  name: nameSchema,
  title: freeText(200).optional(),
  uses: usesSchema.optional(),
  run: z
    .array(z.string().min(1))
    .min(1, 'expected a program and its arguments, e.g. ["python3", "report.py"]')
    .optional(),
  http: later('http'),
  approval: later('approval'),
  parallel: later('parallel'),
  each: later('each'),
  when: later('when'),
  with: z.record(z.string(), z.json()).default({}),
  cwd: z.string().optional(),
  env: envSchema.default({}),
  timeout: moreThanZero.default(3_600_000),
  total_timeout: moreThanZero.optional(),
  warn_after: moreThanZero.optional(),
  heartbeat: moreThanZero.optional(),
  grace: durationSchema.default(10_000),
  retry: retrySchema,
  files: z.array(closed({ path: z.string().min(1), min: whole.default(1) })).default([]),
  limits: limitsSchema,
  on_restart: orLater(z.enum(['retry', 'fail']).default('retry'), 'on_restart', ['adopt']),
}).superRefine((stage, ctx) => {
  // A later kind is refused by its own key; saying "neither" beside it would only confuse.
  if ([stage.http, stage.approval, stage.parallel].some((value) => value !== undefined)) return;
  if ((stage.uses === undefined) === (stage.run === undefined))
    ctx.addIssue({ code: 'custom', message: 'a stage has exactly one of `uses` and `run`' });
});

const boundTypes: [key: 'max_length' | 'min' | 'max', types: string[]][] = [
  ['max_length', ['string', 'array']],
  ['min', ['number', 'integer']],
  ['max', ['number', 'integer']],
];

const paramSchema = closed({
  type: z.enum(['string', 'number', 'integer', 'boolean', 'array', 'object']),
  format: z.enum(['date']).optional(),
  title: freeText(200).optional(),
  description: z.string().optional(),
  enum: z.array(z.json()).optional(),
  items: closed({ type: z.enum(['string', 'number', 'integer', 'boolean']) }).optional(),
  max_length: whole.optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  default: z.json().optional(),
}).superRefine((param, ctx) => {
  for (const [key, types] of boundTypes)
    if (param[key] !== undefined && !types.includes(param.type))
      ctx.addIssue({
        code: 'custom',
        path: [key],
        message: `has no meaning for a parameter of type ${param.type}`,
      });
});

/** Addresses beside `/api/pipelines/{name}`. */
const taken = ['reload', 'overview'];

/** The whole pipeline file. */
export const pipelineSchema = closed({
  name: nameSchema.refine((name) => !taken.includes(name), {
    error: `is a reserved word for a pipeline (${taken.join(', ')})`,
  }),
  title: freeText(200).optional(),
  timezone: zoneSchema.default('UTC'),
  params: z
    .record(
      z
        .string()
        .regex(/^[a-z][a-z0-9_]{0,39}$/, 'expected a parameter name such as day or max_rows'),
      paramSchema,
    )
    .default({}),
  concurrency: closed({
    key: nameSchema.optional(),
    limit: z.int().min(1).max(100).default(1),
    on_conflict: z.enum(conflictWords).default('refuse'),
    queue: closed({
      max: z.int().min(1).max(1000).default(1),
      timeout: moreThanZero.optional(),
    }).prefault({}),
  }).prefault({}),
  timeout: moreThanZero.optional(),
  warn_after: moreThanZero.optional(),
  on_failures: closed({
    pause_after: z.int().min(1).max(1000),
    blocks: z.enum(['automatic', 'all']).default('automatic'),
    probe_after: moreThanZero.optional(),
  }).optional(),
  env: envSchema.default({}),
  secrets: z
    .array(
      z
        .string()
        .regex(/^[A-Z][A-Z0-9_]{0,63}$/, 'expected the name of a variable such as DB_PASSWORD')
        .refine(
          (name) => !name.startsWith('STAGEWRIGHT_'),
          'names that begin with STAGEWRIGHT_ are ours',
        ),
    )
    .max(100)
    .default([]),
  stages: z.array(stageSchema).min(1, 'a pipeline needs at least one stage').max(100),
  finally: later('finally'),
  schedules: z.array(scheduleSchema).max(50).default([]),
});
export type PipelineFile = z.infer<typeof pipelineSchema>;
