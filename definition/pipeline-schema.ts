import { z } from 'zod';
import { closed } from './closed.ts';
import { conflictWords } from './definition.ts';
import { freeText } from './free-text.ts';
import { kindKeys, kindShape } from './kinds/stage-kinds.ts';
import { laterKey } from './not-yet.ts';
import { notifySchema, serviceCauses } from './notify.ts';
import { plainWords } from './plain-words.ts';
import { scheduleSchema } from './schedule.ts';
import { envSchema, fileShape, moreThanZero } from './stage-fields.ts';
import { zoneSchema } from './time-zone.ts';

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

/** Free words, but of one line, and without what separates them. */
const labelSchema = freeText(40).refine(
  (label) => label !== '' && label.trim() === label && !/[,\n\t]/.test(label),
  { error: 'is a word or a few, without a comma and without space around them' },
);

const whole = z.int().nonnegative();

/** The other stages of the list begin when the group is over; one in a group would say nothing. */
const noGroup = z
  .undefined({
    error:
      'a group cannot stand in a group; its stages can stand in the one that is there, or in a group of their own after it',
  })
  .optional()
  .meta({ refused: true });
const noHookGroup = z
  .undefined({
    error: 'hooks run one after the other; a group stands in `stages`',
  })
  .optional()
  .meta({ refused: true });

const stageShape = {
  name: nameSchema,
  title: freeText(200).optional(),
  ...kindShape,
  each: laterKey('each'),
  parallel: noGroup,
  pool: laterKey('pool'),
  ...fileShape,
};
/** A stage has exactly one kind. */
const ofOneKind = (stage: object, ctx: z.core.$RefinementCtx): void => {
  const given = (keys: readonly string[]) =>
    Object.entries(stage).filter(([key, value]) => keys.includes(key) && value !== undefined);
  // A group is refused by its own key; saying "neither" beside it would only confuse.
  if (given(['parallel']).length > 0 || given(kindKeys).length === 1) return;
  const words = kindKeys.map((key) => `\`${key}\``);
  const message = `a stage has exactly one of ${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
  ctx.addIssue({ code: 'custom', message });
};
const kindsInSchema = { oneOf: kindKeys.map((key) => ({ required: [key] })) };
export const stageSchema = closed(stageShape).superRefine(ofOneKind).meta(kindsInSchema);

/** A hook is a stage that nobody waits for: it keeps the lock, and must not keep it long. */
const hooksSchema = (error?: (given: unknown) => string | undefined) =>
  z
    .array(
      closed({ ...stageShape, parallel: noHookGroup, timeout: moreThanZero.default(600_000) })
        .superRefine(ofOneKind)
        .meta(kindsInSchema),
      { ...(error && { error: ({ input }) => error(input) }) },
    )
    .max(20)
    .default([]);
const isMap = (given: unknown): boolean =>
  typeof given === 'object' && given !== null && !Array.isArray(given);

export const groupSchema = closed({
  name: nameSchema.optional(),
  title: freeText(200).optional(),
  parallel: z
    .array(stageSchema)
    .min(2, 'a group has at least two stages; one stands in the list itself'),
  fail_fast: z.boolean().default(false),
});
export type GroupFile = z.infer<typeof groupSchema>;
export type StageFile = z.infer<typeof stageSchema>;

/**
 * A list of stages is what makes a group; everything else is meant as a stage. A union would say
 * what it lacks as either.
 */
export const listedSchema = z.unknown().transform((value, ctx): GroupFile | StageFile => {
  const isGroup = typeof value === 'object' && value !== null && Object.hasOwn(value, 'parallel');
  const parsed = (isGroup ? groupSchema : stageSchema).safeParse(value, { error: plainWords });
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) ctx.addIssue({ ...issue });
  return z.NEVER;
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

const policySchema = z.preprocess(
  (given, ctx) => {
    if (!Array.isArray(given)) return given;
    const message =
      'expected when failures in a row pause the pipeline, e.g. { pause_after: 3 }; a list of stages that run when the run has failed stands in `on_failure`';
    ctx.addIssue({ code: 'custom', message });
    return z.NEVER;
  },
  closed({
    pause_after: z.int().min(1).max(1000),
    blocks: z.enum(['automatic', 'all']).default('automatic'),
    probe_after: moreThanZero.optional(),
  }).optional(),
);

/** Addresses beside `/api/pipelines/{name}`. */
const taken = ['reload', 'overview'];

/** The whole pipeline file. */
export const pipelineSchema = closed({
  name: nameSchema.refine((name) => !taken.includes(name), {
    error: `is a reserved word for a pipeline (${taken.join(', ')})`,
  }),
  title: freeText(200).optional(),
  labels: z.array(labelSchema).max(20).default([]),
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
  on_failures: policySchema,
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
  stages: z
    .array(listedSchema)
    .min(1, 'a pipeline needs at least one stage')
    .refine(
      (all) => all.flatMap((one) => ('parallel' in one && one.parallel) || one).length <= 100,
      'a pipeline has at most 100 stages',
    ),
  on_failure: hooksSchema((given) =>
    isMap(given)
      ? 'expected a list of stages that run when the run has failed; when failures in a row pause the pipeline stands in `on_failures`'
      : undefined,
  ),
  finally: hooksSchema(),
  schedules: z.array(scheduleSchema).max(50).default([]),
  /** Beside the rules of the service; an empty list switches those off for this pipeline. */
  notify: notifySchema
    .superRefine((rules, ctx) => {
      for (const [index, { on }] of rules.entries())
        for (const [place, cause] of on.entries())
          if (serviceCauses.includes(cause))
            ctx.addIssue({
              code: 'custom',
              path: [index, 'on', place],
              message: `${cause} is told of the service: it stands in the notify of its settings (--config)`,
            });
    })
    .optional(),
});
export type PipelineFile = z.infer<typeof pipelineSchema>;
