import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { PipelineDefinition } from '../../definition/definition.ts';
import { rulesOf } from '../../definition/kinds/stage-kinds.ts';
import type { FileSchedule } from '../../definition/parse-definition.ts';
import { placesOf } from '../../definition/places.ts';
import { runnerOf } from '../../stages/kinds/kind-runners.ts';
import type { PipelineProblem } from '../../wire/pipeline-answers.ts';
import { checkSchedule } from '../calendar/check-schedule.ts';
import { readSkipDays } from '../calendar/skip-days.ts';

import { nearestLine } from './read-pipeline.ts';
import { createReader } from './reader.ts';

/** What a file itself says, by JSON pointer. */
type FileText = {
  /** The line of that, or of the nearest thing around it. */
  line(pointer: string): number | null;
  /** false = it is not in the file, so a default holds. */
  has(pointer: string): boolean;
};
export type LoadedPipeline = {
  definition: PipelineDefinition;
  file: string;
  text: FileText;
  projectDir: string;
  schedules: FileSchedule[];
};
export type LoadedPipelines = {
  pipelines: Map<string, LoadedPipeline>;
  problems: PipelineProblem[];
};

/** The pipelines that have a label today; all of them without one. */
export const labelled = ({ pipelines }: LoadedPipelines, label?: string): LoadedPipeline[] =>
  [...pipelines.values()].filter(
    ({ definition }) => label === undefined || (definition.labels ?? []).includes(label),
  );

/** A missing key has no line of its own: the nearest thing around it has. */
const textOf = (lines: Record<string, number>): FileText => ({
  line: (pointer) => nearestLine(lines, pointer),
  has: (pointer) => Object.hasOwn(lines, pointer),
});

/** Far above any pipeline. */
const maxBytes = 512 * 1024;

/** The text of a pipeline file. @throws Error that says why there is none */
const readText = async (path: string): Promise<string> => {
  // Links are followed: the folder is the user's own. Non-blocking: a pipe would wait for a writer.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    (error: { code?: string }) => {
      throw new Error(`cannot be read (${error.code})`);
    },
  );
  try {
    const info = await file.stat();
    if (!info.isFile()) throw new Error('is not a regular file');
    if (info.size > maxBytes) throw new Error(`is larger than ${maxBytes} bytes`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
};

/**
 * Reads every pipeline file of a folder. An invalid file is a problem with file, line and
 * field; the others are loaded all the same. Relative paths inside the files are relative to the
 * folder that holds the pipelines folder.
 */
export const loadPipelines = async (dir: string): Promise<LoadedPipelines> => {
  const reader = createReader();
  try {
    return await loadWith(reader.read, dir);
  } finally {
    await reader.close();
  }
};

const loadWith = async (
  readPipeline: ReturnType<typeof createReader>['read'],
  dir: string,
): Promise<LoadedPipelines> => {
  const loaded: LoadedPipelines = { pipelines: new Map(), problems: [] };
  const projectDir = dirname(resolve(dir));
  for (const name of await listFiles(dir, loaded.problems)) {
    const problem = (more: Omit<PipelineProblem, 'file'>) =>
      loaded.problems.push({ file: name, ...more });
    const text = await readText(join(dir, name)).catch((error: Error) => {
      problem({ line: null, pointer: '', code: 'unreadable', detail: error.message });
      return null;
    });
    if (text === null) continue;
    const read = await readPipeline(text);
    if (!read.ok) {
      for (const one of read.problems) problem(one);
      continue;
    }
    const fileText = textOf(read.lines);
    const { definition } = read;
    const earlier = loaded.pipelines.get(definition.name);
    if (earlier) {
      const detail = `the name ${definition.name} is taken by ${earlier.file}`;
      problem({ line: fileText.line('/name'), pointer: '/name', code: 'invalid', detail });
      continue;
    }
    const faults = [
      ...(await missingPrograms(definition, projectDir)),
      ...(await scheduleFaults(read.schedules, definition.timezone, projectDir, loaded)),
    ];
    for (const { pointer, detail } of faults)
      problem({ line: fileText.line(pointer), pointer, code: 'invalid', detail });
    const { schedules } = read;
    if (faults.length === 0)
      loaded.pipelines.set(definition.name, {
        definition,
        file: name,
        text: fileText,
        projectDir,
        schedules,
      });
  }
  return loaded;
};

const listFiles = async (dir: string, problems: PipelineProblem[]): Promise<string[]> => {
  try {
    const names = await readdir(dir);
    return names.filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
  } catch (error) {
    const { code } = error as { code?: string };
    const todo =
      code === 'ENOENT'
        ? ': stagewright init writes a first pipeline, or name another folder with --pipelines'
        : '';
    const detail = `the pipelines folder cannot be read (${code})${todo}`;
    problems.push({ file: basename(dir), line: null, pointer: '', code: 'unreadable', detail });
    return [];
  }
};

/** Programs that are not there. */
const missingPrograms = async (definition: PipelineDefinition, projectDir: string) => {
  const missing: { pointer: string; detail: string }[] = [];
  for (const { stage, path } of placesOf(definition)) {
    const { program } = stage;
    const detail = await runnerOf(program).missing(program, projectDir);
    const pointer = `/${path.join('/')}/${rulesOf(program).key}`;
    if (detail !== null) missing.push({ pointer, detail });
  }
  return missing;
};

/**
 * What only the planner can judge, and what only the other files can: patterns, calendars, and ids
 * that are taken.
 */
const scheduleFaults = async (
  schedules: FileSchedule[],
  timezone: string,
  projectDir: string,
  loaded: LoadedPipelines,
) => {
  const faults: { pointer: string; detail: string }[] = [];
  for (const [index, { id, written }] of schedules.entries()) {
    const fault = (field: string, detail: string) =>
      faults.push({ pointer: `/schedules/${index}/${field}`, detail });
    const owner = [...loaded.pipelines.values()].find((other) =>
      other.schedules.some((one) => one.id === id),
    );
    if (owner) fault('id', `the schedule id ${id} is taken by ${owner.file}`);
    for (const { field, detail } of checkSchedule(written, timezone)) fault(field, detail);
    await readSkipDays(written, projectDir).catch((error: Error) =>
      fault('skip_days/file', error.message),
    );
  }
  return faults;
};
