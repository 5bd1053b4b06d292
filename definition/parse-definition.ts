import type { z } from 'zod';
import type { PipelineDefinition, StageDefinition, StageGroup } from './definition.ts';
import { references } from './interpolate.ts';
import type { Part } from './kinds/kind-rules.ts';
import { programOfFile, rulesOf } from './kinds/stage-kinds.ts';
import { checkParam, validateParams } from './params.ts';
import {
  type GroupFile,
  type PipelineFile,
  pipelineSchema,
  type StageFile,
} from './pipeline-schema.ts';
import { placesOf } from './places.ts';
import { plainWords } from './plain-words.ts';
import type { ScheduleFile } from './schedule.ts';
import { paramFaults, paramsOfSlot } from './slot-params.ts';
import { anySlot, slotNameOf, slotNames } from './slot-values.ts';
import { fieldsOfFile, stageFields } from './stage-fields.ts';
import { unknownKey } from './suggest.ts';

/** What is invalid in a pipeline file; `pointer` is a JSON pointer into it. */
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
  // Every other place is found by the name of its stage.
  const names = nameProblems(parsed.data);
  if (names.length > 0) return { ok: false, problems: names };
  const definition = definitionOf(parsed.data);
  const problems = [
    ...paramProblems(definition),
    ...envProblems(definition),
    ...referenceProblems(definition),
    ...kindProblems(definition, raw as object),
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
  ...(file.labels.length > 0 && { labels: [...new Set(file.labels)] }),
  ...(file.notify && { notify: file.notify }),
  ...(file.secrets.length > 0 && { secrets: [...new Set(file.secrets)] }),
  stages: file.stages.flatMap(stagesOf).map(stageOfFile),
  ...withGroups(file),
  ...(file.on_failure.length > 0 && { onFailure: file.on_failure.map(stageOfFile) }),
  ...(file.finally.length > 0 && { finally: file.finally.map(stageOfFile) }),
});
const stageOfFile = (stage: StageFile): StageDefinition => ({
  name: stage.name,
  title: stage.title ?? null,
  program: programOfFile(stage),
  ...fieldsOfFile(stage),
});

type Listed = GroupFile | StageFile;
const isGroup = (one: Listed): one is GroupFile => one.parallel !== undefined;
const stagesOf = (one: Listed): StageFile[] => (isGroup(one) ? one.parallel : [one]);

/** One that has no name is called by its place among the groups. */
const groupsOf = ({ stages }: PipelineFile): StageGroup[] =>
  stages.filter(isGroup).map(({ name, title, parallel, fail_fast }, index) => ({
    name: name ?? `parallel-${index + 1}`,
    title: title ?? null,
    stages: parallel.map((stage) => stage.name),
    failFast: fail_fast,
  }));
const withGroups = (file: PipelineFile): Pick<PipelineDefinition, 'groups'> => {
  const groups = groupsOf(file);
  return groups.length > 0 ? { groups } : {};
};

/** Names of stages, groups and hooks are unique together: all of them stand in RUNNING_<NAME>. */
const nameProblems = (file: PipelineFile): DefinitionProblem[] => {
  const groups = groupsOf(file);
  const ofStages = file.stages.flatMap((one, index) => {
    const path = ['stages', index];
    if (!isGroup(one)) return [{ name: one.name, path: [...path, 'name'] }];
    const inside = one.parallel.map(({ name }, at) => ({
      name,
      path: [...path, 'parallel', at, 'name'],
    }));
    const named = {
      name: groups.shift()?.name,
      path: one.name === undefined ? path : [...path, 'name'],
    };
    return [named, ...inside];
  });
  const ofHooks = (['on_failure', 'finally'] as const).flatMap((word) =>
    file[word].map(({ name }, index) => ({ name, path: [word, index, 'name'] })),
  );
  const names = [...ofStages, ...ofHooks];
  return names.flatMap(({ name, path }, index) =>
    names.findIndex((other) => other.name === name) < index
      ? [invalid(path, `a stage named \`${name}\` stands above already; names are unique`)]
      : [],
  );
};

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
const referenceProblems = (definition: PipelineDefinition): DefinitionProblem[] =>
  placesOf(definition).flatMap(({ stage, path: at, earlier, group }) => {
    const { secrets = [] } = definition;
    const beside = group?.stages ?? [];
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
      if (beside.includes(first) && first !== stage.name)
        return `\`${first}\` works beside \`${stage.name}\`, so that its outputs may not be there yet`;
      if (!earlier.includes(first)) return `\`${first}\` is no stage before \`${stage.name}\``;
      return second === 'outputs' ? null : `expected stages.${first}.outputs.<name>`;
    };
    const isSecret = ([root, name = '']: string[]): boolean =>
      root === 'secrets' || (root === 'env' && secrets.includes(name));
    // Elsewhere `ps` would show it, or it would be written down.
    const secretProblem = ([root, name = '']: string[], isTaken = false): string | null => {
      if (root !== 'secrets' || !isTaken)
        return 'a secret cannot be inserted here, where it would be seen; a program finds it in its environment';
      return secrets.includes(name) ? null : unknownKey(name, secrets, 'secret');
    };
    const { key, parts } = rulesOf(stage.program);
    const { with: given, cwd, env, files, when } = stage;
    const places: Part[] = [
      ...parts(stage.program).map((part) => ({ ...part, path: [key] })),
      ...Object.entries({ with: given, cwd, env, files, when }).map(([field, value]) => ({
        path: [field],
        value,
      })),
    ];
    return places.flatMap(({ path: place, value, takesSecrets }) =>
      references(value).flatMap((path) => {
        const detail = isSecret(path) ? secretProblem(path, takesSecrets) : judge(path);
        return detail ? [invalid([...at, ...place], `\${${path.join('.')}}: ${detail}`)] : [];
      }),
    );
  });

/** What its kind refuses, and fields that would be ignored. */
const kindProblems = (definition: PipelineDefinition, raw: object): DefinitionProblem[] =>
  placesOf(definition).flatMap(({ stage: { name, program }, path: at, group, isHook }) => {
    const { key, refuses, problems } = rulesOf(program);
    const written = Object(at.reduce<unknown>((whole, one) => Object(whole)[one], raw));
    const ignored = refuses
      .map((field) => stageFields[field].key)
      .filter((word) => Object.hasOwn(written, word))
      .map((word) => invalid([...at, word], `has no meaning for ${name}: it is \`${key}\``));
    if (group && program.kind === 'approval')
      ignored.push(
        invalid(
          [...at, 'approval'],
          `an approval cannot stand in a group, where others would work on meanwhile; it stands in \`stages\` before or after ${group.name}`,
        ),
      );
    if (isHook && program.kind === 'approval')
      ignored.push(invalid([...at, 'approval'], 'a hook cannot wait for somebody'));
    if (isHook && Object.hasOwn(written, 'allow_failure'))
      ignored.push(
        invalid(
          [...at, 'allow_failure'],
          'has no meaning here: the failure of a hook changes nothing',
        ),
      );
    const own = problems(program).map(({ path, code, detail }) => ({
      pointer: pointerOf([...at, ...path]),
      code,
      detail,
    }));
    return [...ignored, ...own];
  });
