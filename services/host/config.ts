import { parseArgs } from 'node:util';
import { z } from 'zod';
import { sizeSchema } from '../../definition/byte-size.ts';
import { durationSchema } from '../../definition/duration.ts';
import { suggest, unknownKey } from '../../definition/suggest.ts';
import {
  type NotifySettings,
  notifyFaults,
  notifyShape,
  publicUrlSchema,
} from './channel-settings.ts';
import { logLevels } from './logger.ts';

const list = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',').filter(Boolean) : value),
  z.array(z.string().min(1)),
);
/** Flags and variables are texts; a number in one is digits and nothing else. */
const digits = (value: unknown): unknown =>
  typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
const portError = { error: 'expected a port from 0 (any free one) to 65535' };
const loopback = ['127.0.0.1', '::1', 'localhost'];

/** `off` is no limit. */
const limitOf = (schema: z.ZodType<number>, byDefault: number) =>
  z
    .preprocess(
      (value) => (value === 'off' ? null : value),
      z.union([z.null(), schema], { error: (issue) => nested(issue) }),
    )
    .default(byDefault);
/** Of two alternatives the second one says what was expected. */
const nested = (issue: { errors?: { message?: string }[][] }): string =>
  issue.errors?.at(-1)?.[0]?.message ?? 'expected a limit, or off';

export const defaultShutdownTimeoutMs = 8000;

/**
 * Every setting of the service, once: flag `--data-dir`, variable `STAGEWRIGHT_DATA_DIR` and file
 * key `data_dir` come from here.
 */
const configSchema = z.object({
  host: z
    .string()
    .refine((host) => loopback.includes(host), {
      error: `only loopback (${loopback.join(', ')}) until API tokens exist`,
    })
    .default('127.0.0.1'),
  port: z
    .preprocess(digits, z.int(portError).min(0, portError).max(65_535, portError))
    .default(8000),
  data_dir: z.string().min(1).default('./data'),
  pipelines: z.string().min(1).default('./pipelines'),
  store: z
    .literal('sqlite', { error: 'only sqlite for now; PostgreSQL is not supported yet' })
    .default('sqlite'),
  /** NORMAL is faster and may lose the last commits on a power cut, not on a crash. */
  synchronous: z.enum(['FULL', 'NORMAL']).default('FULL'),
  default_pipeline: z.string().optional(),
  /** A pipeline to start once the service is ready. */
  start: z.string().optional(),
  log_level: z.enum(logLevels).default('info'),
  allowed_hosts: list.default([]),
  allowed_origins: list.default([]),
  /**
   * How long ended runs are kept, how many of each pipeline, and how many bytes of files in all;
   * `off` = no limit.
   */
  retention_age: limitOf(durationSchema, 90 * 86_400_000),
  retention_runs: limitOf(z.preprocess(digits, z.int().min(1)), 1000),
  retention_size: limitOf(sizeSchema, 10 * 1024 ** 3),
  /** Connected WebSockets. */
  max_clients: z.preprocess(digits, z.int().min(1).max(100_000)).default(2000),
  /** How often the watchdog looks at everything; deadlines in between wake it by themselves. */
  watchdog_interval: z
    .preprocess(digits, durationSchema)
    .refine((ms) => ms >= 1000, { error: 'expected at least 1s' })
    .default(30_000),
  /** Below this much free space nothing new is started. */
  min_free_disk: sizeSchema.default(100 * 1024 ** 2),
  /** Kept on the disk for the last events; 0 = none. */
  ballast: sizeSchema.default(32 * 1024 ** 2),
  shutdown_timeout: z.preprocess(digits, durationSchema).default(defaultShutdownTimeoutMs),
  /** Programs of this machine may show what they do in the inspection feed. */
  inspect_in: z.boolean().default(false),
  public_url: publicUrlSchema.optional(),
  ...notifyShape,
  /** A store that is of no use is set aside. Said once, by hand: not by a variable or a file. */
  new_store: z.boolean().default(false),
});
export type Config = z.infer<typeof configSchema>;

/** Who is told of what. */
export const notifySettingsOf = ({ channels, notify, public_url }: Config): NotifySettings => ({
  channels,
  notify,
  publicUrl: public_url ?? null,
});

/** The caller wrote something we cannot read: exit code 2. */
export class UsageError extends Error {}

/** Flags without a value. */
const switches = ['new_store', 'inspect_in'];
/** Nested: they stand in the file only. */
const fileOnly = Object.keys(notifyShape);
const flagKeys = Object.keys(configSchema.shape).filter((key) => !fileOnly.includes(key));
const variableKeys = flagKeys.filter((key) => !switches.includes(key));
const keys = [...variableKeys, ...fileOnly];
const flagOf = (key: string): string => key.replaceAll('_', '-');
const variableOf = (key: string): string => `STAGEWRIGHT_${key.toUpperCase()}`;
/** Variables with our prefix that are not settings: what stages and the client get. */
const otherVariables = [
  'RUN_ID',
  'PIPELINE',
  'STAGE',
  'ATTEMPT',
  'ATTEMPT_TOKEN',
  'WORKSPACE',
  'IDEMPOTENCY_KEY',
  'PARAMS',
  'OUTPUTS',
  'REQUEST',
  'URL',
];

type Env = Record<string, string | undefined>;

/**
 * Flag over environment over file over default.
 * @throws UsageError naming every setting that is unknown or does not fit, and where it came from
 */
export const readConfig = (
  argv: string[],
  env: Env,
  readFile: (path: string) => string,
): Config => {
  const problems: string[] = [];
  const flags = readFlags(argv);
  const variables = readVariables(env, problems);
  const path = flags.config ?? variables.config;
  const file = path === undefined ? {} : readConfigFile(String(path), readFile, problems);
  const sources = { flag: flags, variable: variables, file };
  const merged = { ...file, ...variables, ...flags };
  delete merged.config;
  const parsed = configSchema.safeParse(merged);
  const issues = parsed.success ? notifyFaults(parsed.data) : parsed.error.issues;
  for (const issue of issues) {
    const { path: where } = issue;
    // What is wrong with a name says the name's own rule.
    const message =
      'code' in issue && issue.code === 'invalid_key'
        ? (issue.issues[0]?.message ?? issue.message)
        : issue.message;
    const key = String(where[0]);
    const name =
      key in sources.flag
        ? `--${flagOf(key)}`
        : key in sources.variable
          ? variableOf(key)
          : `${where.join('.')} in ${path}`;
    for (const line of message.split('\n')) problems.push(`${name}: ${line}`);
  }
  if (problems.length > 0 || !parsed.success) throw new UsageError(problems.join('\n'));
  return parsed.data;
};

const readFlags = (argv: string[]): Record<string, unknown> => {
  const options = Object.fromEntries(
    [...flagKeys, 'config'].map((key) => [
      flagOf(key),
      { type: switches.includes(key) ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  try {
    const { values } = parseArgs({ args: argv, options, strict: true });
    return Object.fromEntries(
      Object.entries(values).map(([flag, value]) => [flag.replaceAll('-', '_'), value]),
    );
  } catch (error) {
    const unknown = /'--([^']+)'/.exec((error as Error).message)?.[1];
    const nearest = unknown && suggest(unknown, Object.keys(options));
    throw new UsageError(
      `${(error as Error).message.split('. ')[0]}${nearest ? `; did you mean --${nearest}?` : ''}`,
    );
  }
};

const readVariables = (env: Env, problems: string[]): Record<string, unknown> => {
  const values: Record<string, unknown> = {};
  const known = [...variableKeys, 'config'].map(variableOf);
  for (const [name, value] of Object.entries(env)) {
    if (
      !name.startsWith('STAGEWRIGHT_') ||
      otherVariables.includes(name.slice('STAGEWRIGHT_'.length))
    )
      continue;
    if (known.includes(name)) values[name.slice('STAGEWRIGHT_'.length).toLowerCase()] = value;
    else problems.push(unknownKey(name, known, 'variable'));
  }
  return values;
};

const readConfigFile = (
  path: string,
  readFile: (path: string) => string,
  problems: string[],
): Record<string, unknown> => {
  try {
    const raw = JSON.parse(readFile(path)) as unknown;
    if (raw === null || typeof raw !== 'object' || Array.isArray(raw))
      throw new Error('expected a JSON object');
    for (const key of Object.keys(raw))
      if (!keys.includes(key)) problems.push(`${path}: ${unknownKey(key, keys)}`);
    return raw as Record<string, unknown>;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    // The parser quotes what it cannot read, and the file may be anything.
    const cause = error instanceof SyntaxError ? 'is not valid JSON' : message;
    problems.push(
      `${path}: ${code ? `cannot be read (${code}); name the file of settings with --config` : cause}`,
    );
    return {};
  }
};
