import { z } from 'zod';
import { sizeSchema } from './byte-size.ts';
import { closed } from './closed.ts';
import type { Condition } from './condition.ts';
import { conditionSchema } from './condition-schema.ts';
import { durationSchema } from './duration.ts';
import { orLaterWord } from './not-yet.ts';
import { retryAnswer, retryOf, retrySchema, retryView } from './stage-retry.ts';

/** One field of a stage in all its shapes; what is said here is said nowhere else. */
type Field<
  Key extends string,
  Written extends z.ZodType,
  Value,
  Shown extends string,
  Answer extends z.ZodType,
  Chart extends number | null,
> = {
  /** Its word in the pipeline file. */
  key: Key;
  /** What may stand there, and what holds when nothing does. */
  written: Written;
  /** As the service works with it. */
  read(written: z.output<Written>): Value;
  /** Its key in the API. */
  shown: Shown;
  answer: Answer;
  show(value: Value): z.output<Answer>;
  /**
   * The compiler version from which charts hold it, because the chart judges by it; null = no chart
   * does. A new one takes the next version (T8).
   */
  chart: Chart;
};
const field = <
  const Key extends string,
  Written extends z.ZodType,
  Value,
  const Shown extends string,
  Answer extends z.ZodType,
  const Chart extends number | null,
>(
  one: Field<Key, Written, Value, Shown, Answer, Chart>,
) => one;

/** A field that is the same in the file, in the service and in the API. */
const plain = <const Key extends string, Value>(
  key: Key,
  written: z.ZodType<Value>,
  answer: z.ZodType<Value>,
) =>
  field({
    key,
    written,
    read: (value: Value) => value,
    shown: key,
    answer,
    show: (value: Value) => value,
    chart: null,
  });

export const moreThanZero = durationSchema.refine((ms) => ms > 0, { error: 'must be more than 0' });
const duration = <const Key extends string>(key: Key, written: z.ZodType<number>) =>
  field({
    key,
    written,
    read: (ms: number) => ms,
    shown: `${key}_ms` as const,
    answer: z.number(),
    show: (ms: number) => ms,
    chart: 1,
  });
const optionalDuration = <const Key extends string, const Chart extends number>(
  key: Key,
  chart: Chart,
) =>
  field({
    key,
    written: moreThanZero.optional(),
    read: (ms: number | undefined): number | null => ms ?? null,
    shown: `${key}_ms` as const,
    answer: z.number().nullable(),
    show: (ms: number | null) => ms,
    chart,
  });

/** A program gets texts: numbers and booleans become what YAML would write for them. */
const envValue = z
  .union([z.string(), z.number(), z.boolean()], {
    error: 'expected a text, a number, or true or false',
  })
  .refine((value) => typeof value !== 'number' || isExact(value), {
    error: 'is a number that cannot be kept exactly; put it in quotes',
  })
  .transform(String);
const isExact = (value: number): boolean => !Number.isInteger(value) || Number.isSafeInteger(value);
export const envSchema = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable'),
  envValue,
);

/** What the processes of one attempt may use together. */
export type StageLimits = { memoryBytes: number | null; outputBytes: number };
/** Enough for any log that somebody reads, and a bound for one that nobody meant. */
export const defaultLimits: StageLimits = { memoryBytes: null, outputBytes: 1024 ** 3 };
const limitsSchema = closed({
  memory: sizeSchema
    .refine((bytes) => bytes >= 1024 ** 2, { error: 'must be at least 1MB' })
    .optional(),
  output: sizeSchema
    .refine((bytes) => bytes > 0, { error: 'must be more than 0' })
    .default(defaultLimits.outputBytes),
}).prefault({});

const json = z.record(z.string(), z.unknown());

/**
 * Every field of a stage beside its name, its title and what it runs, in the order in which it is
 * stored and shown. The file format, the definition, what the chart judges by, the API and its
 * schema are all made from this table.
 */
export const stageFields = {
  /** May contain `${…}`; inserted when the stage is entered. */
  with: plain('with', z.record(z.string(), z.json()).default({}), json),
  cwd: field({
    key: 'cwd',
    written: z.string().optional(),
    read: (path: string | undefined): string | null => path ?? null,
    shown: 'cwd',
    answer: z.string().nullable(),
    show: (path: string | null) => path,
    chart: null,
  }),
  env: field({
    key: 'env',
    written: envSchema.default({}),
    read: (env: Record<string, string>) => env,
    shown: 'env',
    answer: z.array(z.string()),
    // Values of variables are for the program; whoever writes one down in plain may still not want
    // it on a screen.
    show: (env: Record<string, string>) => Object.keys(env),
    chart: null,
  }),
  /** Read at each attempt; below `env`, above all else. */
  envFile: plain(
    'env_file',
    z
      .array(
        z
          .string()
          .min(1)
          .refine((path) => !path.includes('${'), {
            error: 'takes no ${…}: which file is read stands in the pipeline file',
          }),
      )
      .max(20)
      .default([]),
    z.array(z.string()),
  ),
  /** Judged when the stage is entered; null = it runs. */
  when: field({
    key: 'when',
    written: conditionSchema.optional(),
    read: (condition: Condition | undefined): Condition | null => condition ?? null,
    shown: 'when',
    answer: json.nullable(),
    show: (condition: Condition | null) => condition,
    chart: null,
  }),
  /** Of one attempt. */
  timeoutMs: duration('timeout', moreThanZero.default(3_600_000)),
  /** Of all attempts together, with the waits between them. */
  totalTimeoutMs: optionalDuration('total_timeout', 2),
  /** An attempt that works longer is a warning, and goes on. */
  warnAfterMs: optionalDuration('warn_after', 2),
  heartbeatMs: optionalDuration('heartbeat', 1),
  graceMs: duration('grace', durationSchema.default(10_000)),
  /** Stands in the chart, too, where the compiler puts its parts beside each other. */
  retry: field({
    key: 'retry',
    written: retrySchema,
    read: retryOf,
    shown: 'retry',
    answer: retryAnswer,
    show: retryView,
    chart: null,
  }),
  files: plain(
    'files',
    z.array(closed({ path: z.string().min(1), min: z.int().nonnegative().default(1) })).default([]),
    z.array(z.object({ path: z.string(), min: z.int() })),
  ),
  onRestart: field({
    key: 'on_restart',
    written: orLaterWord(z.enum(['retry', 'fail']).default('retry'), 'on_restart', ['adopt']),
    read: (word: 'retry' | 'fail') => word,
    shown: 'on_restart',
    answer: z.string(),
    show: (word: 'retry' | 'fail') => word,
    chart: 1,
  }),
  /** Its failure makes the run `partial`, which goes on; the chart has other edges then. */
  allowFailure: plain('allow_failure', z.boolean().default(false), z.boolean()),
  limits: field({
    key: 'limits',
    written: limitsSchema,
    read: ({ memory, output }: z.output<typeof limitsSchema>): StageLimits => ({
      memoryBytes: memory ?? null,
      outputBytes: output,
    }),
    shown: 'limits',
    answer: z.object({
      memory_bytes: z.number().nullable(),
      output_bytes: z.number().nullable(),
    }),
    show: ({ memoryBytes, outputBytes }: StageLimits) => ({
      memory_bytes: memoryBytes,
      output_bytes: outputBytes,
    }),
    chart: null,
  }),
};

type Fields = typeof stageFields;
export type FieldName = keyof Fields;
type Value<Name extends FieldName> = ReturnType<Fields[Name]['read']>;
type InChart<Version> = {
  [N in FieldName]: Fields[N]['chart'] extends Version ? N : never;
}[FieldName];

/** The fields of a stage as the service works with them. */
export type StageFields = { [Name in FieldName]: Value<Name> };
/** What of them a chart holds; what came with a later compiler is absent in older charts. */
export type JudgedFields = Pick<StageFields, InChart<1>> &
  Partial<Pick<StageFields, Exclude<InChart<number>, InChart<1>>>>;
type FileShape = { [Name in FieldName as Fields[Name]['key']]: Fields[Name]['written'] };
type FileFields = z.output<z.ZodObject<FileShape>>;
type AnswerShape = { [Name in FieldName as Fields[Name]['shown']]: Fields[Name]['answer'] };
type FieldsView = {
  [Name in FieldName as Fields[Name]['shown']]: z.output<Fields[Name]['answer']>;
};

/** The rows of the table without the types that tell them apart: each is read by its own key. */
type Row = Field<string, z.ZodType, unknown, string, z.ZodType, number | null>;
const rows = Object.entries(stageFields) as [FieldName, Row][];
const gathered = <T>(entries: [string, unknown][]): T => Object.fromEntries(entries) as T;

/** For `z.object`: the keys of the file. */
export const fileShape = gathered<FileShape>(rows.map(([, { key, written }]) => [key, written]));
/** For `z.object`: the keys of the API. */
export const answerShape = gathered<AnswerShape>(
  rows.map(([, { shown, answer }]) => [shown, answer]),
);

export const fieldsOfFile = (file: FileFields): StageFields =>
  gathered(rows.map(([name, { key, read }]) => [name, read(file[key as keyof FileFields])]));

/** What holds for a field that a file does not mention, or a definition stored before it came. */
const defaults = gathered<StageFields>(
  rows.map(([name, { written, read }]) => [name, read(written.parse(undefined))]),
);
export const withDefaults = (stored: Partial<StageFields>): StageFields => ({
  ...defaults,
  ...stored,
});

export const fieldsView = (stage: StageFields): FieldsView =>
  gathered(rows.map(([name, { shown, show }]) => [shown, show(stage[name])]));

export const judgedOf = (stage: StageFields): JudgedFields =>
  gathered(rows.flatMap(([name, { chart }]) => (chart === null ? [] : [[name, stage[name]]])));
