import type { z } from 'zod';
import type { FailureMatch, PipelineDefinition } from './definition.ts';
import { inlineCode } from './inline-code.ts';
import { references } from './interpolate.ts';
import { checkParam, validateParams } from './params.ts';
import { type PipelineFile, pipelineSchema } from './pipeline-schema.ts';
import type { ScheduleFile } from './schedule.ts';
import { paramFaults, paramsOfSlot } from './slot-params.ts';
import { anySlot, slotNameOf, slotNames } from './slot-values.ts';
import { unknownKey } from './suggest.ts';

/** What does not hold in a pipeline file; `pointer` is a JSON pointer into it. */
type DefinitionProblem = {
  pointer: string;
  code: 'invalid' | 'unknown-key' | 'not-supported-yet' | 'param-in-shell';
  detail: string;
};
/** A schedule of the file: its id, and its other fields as they were written. */
export type FileSchedule = { id: string; written: Omit<ScheduleFile, 'id'> };
export type ParsedDefinition =
  | { ok: true; definition: PipelineDefinition; schedules: FileSchedule[] }
  | { ok: false; problems: DefinitionProblem[] };

const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
const invalid = (path: readonly PropertyKey[], detail: string): DefinitionProblem => ({
  pointer: pointerOf(path),
  code: 'invalid',
  detail,
});

/** Reads a pipeline file's content: shape, names, references. All problems at once, none thrown. */
export const parseDefinition = (raw: unknown): ParsedDefinition => {
  if (isDeeperThan(maxDepth, raw))
    return { ok: false, problems: [invalid([], `is nested deeper than ${maxDepth} levels`)] };
  const parsed = pipelineSchema.safeParse(raw, { error: plainWords });
  if (!parsed.success) return { ok: false, problems: parsed.error.issues.flatMap(problemsOf) };
  const definition = definitionOf(parsed.data);
  const problems = [
    ...nameProblems(definition),
    ...paramProblems(definition),
    ...envProblems(definition),
    ...referenceProblems(definition, parsed.data),
    ...shellProblems(definition),
    ...scheduleProblems(definition, parsed.data),
  ];
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, definition, schedules: schedulesOf(parsed.data) };
};

/**
 * Checks of JSON recurse; nobody nests a pipeline file this deep, and a deeper one must not end in
 * a stack overflow.
 */
const maxDepth = 64;
const isDeeperThan = (levels: number, value: unknown): boolean =>
  value !== null &&
  typeof value === 'object' &&
  (levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner)));

const plainWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.code !== 'invalid_type') return undefined;
  const { input } = issue;
  if (input === undefined) return 'is missing';
  const got =
    input === null
      ? 'nothing'
      : Array.isArray(input)
        ? 'a list'
        : typeof input === 'object'
          ? 'an object'
          : JSON.stringify(input);
  const words: Record<string, string> = {
    array: 'a list',
    object: 'an object',
    record: 'an object',
    string: 'a text',
    int: 'a whole number',
  };
  return `expected ${words[issue.expected] ?? `a ${issue.expected}`}, got ${got}`;
};

const problemsOf = (issue: z.core.$ZodIssue): DefinitionProblem[] => {
  if (issue.code === 'unrecognized_keys') {
    const details = issue.message.split('\n');
    return issue.keys.map((key, index) => ({
      pointer: pointerOf([...issue.path, key]),
      code: 'unknown-key',
      detail: details[index] ?? issue.message,
    }));
  }
  if (issue.code === 'invalid_key')
    return [invalid(issue.path, issue.issues[0]?.message ?? issue.message)];
  const isLater = issue.code === 'custom' && issue.params?.code === 'not-supported-yet';
  return [
    {
      pointer: pointerOf(issue.path),
      code: isLater ? 'not-supported-yet' : 'invalid',
      detail: issue.message,
    },
  ];
};

type RetryFile = PipelineFile['stages'][number]['retry'];
const matchOf = ({ exit_codes, codes, signals }: RetryFile['never_on']): FailureMatch => ({
  exitCodes: exit_codes,
  codes,
  signals,
});
/** A class that does not say how it backs off does so as its stage. */
const retryOf = ({
  limit,
  backoff,
  never_on,
  classes,
}: RetryFile): PipelineDefinition['stages'][number]['retry'] => {
  // Whoever waits half an hour first does not mean the five minutes of the default.
  const mostFrom = (initialMs: number): number => backoff.max ?? Math.max(300_000, initialMs);
  const plain = {
    initialMs: backoff.initial,
    factor: backoff.factor,
    maxMs: mostFrom(backoff.initial),
    jitter: backoff.jitter,
  };
  return {
    limit,
    ...plain,
    neverOn: matchOf(never_on),
    ...(classes.length > 0 && {
      classes: classes.map(({ on, limit: most, backoff: { initial, factor, max, jitter } }) => ({
        on: matchOf(on),
        limit: most,
        initialMs: initial ?? plain.initialMs,
        factor: factor ?? plain.factor,
        maxMs: max ?? mostFrom(initial ?? plain.initialMs),
        jitter: jitter ?? plain.jitter,
      })),
    }),
  };
};

const definitionOf = (file: PipelineFile): PipelineDefinition => ({
  name: file.name,
  title: file.title ?? file.name,
  timezone: file.timezone,
  params: file.params as PipelineDefinition['params'],
  concurrency: {
    key: file.concurrency.key ?? file.name,
    limit: file.concurrency.limit,
    onConflict: file.concurrency.on_conflict,
    queue: { max: file.concurrency.queue.max, timeoutMs: file.concurrency.queue.timeout ?? null },
  },
  timeoutMs: file.timeout ?? null,
  warnAfterMs: file.warn_after ?? null,
  env: file.env,
  ...(file.on_failures && {
    onFailures: {
      pauseAfter: file.on_failures.pause_after,
      blocks: file.on_failures.blocks,
      probeAfterMs: file.on_failures.probe_after ?? null,
    },
  }),
  ...(file.secrets.length > 0 && { secrets: [...new Set(file.secrets)] }),
  stages: file.stages.map((stage) => ({
    name: stage.name,
    title: stage.title ?? null,
    program: stage.run ? { argv: stage.run } : { module: stage.uses as string },
    with: stage.with,
    cwd: stage.cwd ?? null,
    env: stage.env,
    timeoutMs: stage.timeout,
    totalTimeoutMs: stage.total_timeout ?? null,
    warnAfterMs: stage.warn_after ?? null,
    heartbeatMs: stage.heartbeat ?? null,
    graceMs: stage.grace,
    retry: retryOf(stage.retry),
    files: stage.files,
    onRestart: stage.on_restart,
    limits: { memoryBytes: stage.limits.memory ?? null, outputBytes: stage.limits.output },
  })),
});

const nameProblems = ({ stages }: PipelineDefinition): DefinitionProblem[] =>
  stages.flatMap(({ name }, index) =>
    stages.findIndex((other) => other.name === name) < index
      ? [
          invalid(
            ['stages', index, 'name'],
            `a stage named \`${name}\` stands above already; names are unique`,
          ),
        ]
      : [],
  );

const paramProblems = ({ params }: PipelineDefinition): DefinitionProblem[] =>
  Object.entries(params).flatMap(([name, param]) => {
    const detail = param.default === undefined ? null : checkParam(param, param.default);
    return detail
      ? [invalid(['params', name, 'default'], `the default does not fit the type: ${detail}`)]
      : [];
  });

/**
 * The pipeline's env is what `${env.X}` reads; a value in it that waits for another one would have
 * to be sorted first.
 */
const envProblems = ({ env }: PipelineDefinition): DefinitionProblem[] =>
  Object.entries(env).flatMap(([name, value]) =>
    references(value).map((path) => ({
      pointer: pointerOf(['env', name]),
      code: 'not-supported-yet' as const,
      detail: `\${${path.join('.')}}: values are inserted in a stage's env, not yet in the pipeline's`,
    })),
  );

/** The only schedule of a pipeline may go by its name. */
const schedulesOf = ({ name, schedules }: PipelineFile): FileSchedule[] =>
  schedules.map(({ id, ...written }) => ({ id: id ?? name, written }));

const scheduleProblems = (
  definition: PipelineDefinition,
  file: PipelineFile,
): DefinitionProblem[] =>
  schedulesOf(file).flatMap(({ id, written }, index, all) => {
    const given = written.params ?? {};
    const faults = paramFaults(given);
    const params = validateParams(definition, paramsOfSlot(given, anySlot));
    const errors = faults.length > 0 ? faults : params.ok ? [] : params.errors;
    const isTaken = all.findIndex((other) => other.id === id) < index;
    return [
      ...(isTaken
        ? [
            invalid(
              ['schedules', index, 'id'],
              `a schedule \`${id}\` stands above already; each needs an id of its own`,
            ),
          ]
        : []),
      ...errors.map(({ pointer, detail }) =>
        invalid(['schedules', index, ...pointer.split('/').slice(1)], detail),
      ),
    ];
  });

const roots = ['params', 'stages', 'run', 'slot', 'env'];
const runKeys = ['id', 'number', 'workspace', 'slot'];

/**
 * `${…}` that can never have a value is found when the file is loaded, not at three in the morning.
 */
const referenceProblems = (
  definition: PipelineDefinition,
  file: PipelineFile,
): DefinitionProblem[] =>
  file.stages.flatMap((stage, index) => {
    const earlier = definition.stages.slice(0, index).map(({ name }) => name);
    const judge = (path: string[]): string | null => {
      const [root = '', first = '', second] = path;
      if (!roots.includes(root))
        return `${unknownKey(root, roots, 'source')} (a shell's own is written $\${…})`;
      if (root === 'params' && !Object.hasOwn(definition.params, first))
        return unknownKey(first, Object.keys(definition.params), 'parameter');
      if (root === 'run' && !runKeys.includes(first))
        return unknownKey(first, runKeys, 'value of run');
      if (root === 'slot' && slotNameOf(path.join('.')) === null)
        return `there is no such value of the slot; known are ${slotNames}`;
      if (root !== 'stages') return null;
      if (!earlier.includes(first)) return `\`${first}\` is no stage before \`${stage.name}\``;
      return second === 'outputs' ? null : `expected stages.${first}.outputs.<name>`;
    };
    return (['run', 'with', 'cwd', 'env', 'files'] as const).flatMap((key) =>
      references(stage[key] ?? null).flatMap((path) => {
        // A stage finds its secrets in its environment; elsewhere they would be shown by `ps` or
        // written down.
        const isSecret = path[0] === 'env' && definition.secrets?.includes(path[1] ?? '');
        const detail = isSecret
          ? 'a secret is in the environment of the stage and can be inserted nowhere'
          : judge(path);
        return detail ? [invalid(['stages', index, key], `\${${path.join('.')}}: ${detail}`)] : [];
      }),
    );
  });

/** What somebody else gives: whoever starts a run, or what an earlier stage has read. */
const foreign = ['params', 'stages', 'trigger', 'item'];

/**
 * A value inside code, or as the program itself, lets whoever gives it run what they like (as in
 * CVE-2020-11978 of Airflow): refused when the file is loaded.
 */
const shellProblems = ({ stages }: PipelineDefinition): DefinitionProblem[] =>
  stages.flatMap(({ program }, index) => {
    if (!('argv' in program)) return [];
    const { argv } = program;
    return [0, ...inlineCode(argv)].flatMap((at) => {
      const value = references(argv[at]).find(([root]) => foreign.includes(root as string));
      if (!value) return [];
      const name = `\${${value.join('.')}}`;
      const variable = (value.at(-1) as string).toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
      const detail =
        at === 0
          ? `${name} cannot be the program: whoever gives it would choose what runs`
          : `${name} would become part of the code that ${argv[0]} runs; write env: { ${variable}: "${name}" } and read $${variable} in quotes, or pass it as an argument after the code`;
      return [
        {
          pointer: pointerOf(['stages', index, 'run', at]),
          code: 'param-in-shell' as const,
          detail,
        },
      ];
    });
  });
