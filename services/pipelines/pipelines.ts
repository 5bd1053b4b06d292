import { access, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isNode, LineCounter, parseDocument } from 'yaml';
import type { PipelineDefinition } from '../../machines/definition.ts';
import { type FileSchedule, parseDefinition } from '../../machines/parse-definition.ts';
import type { PipelineProblem } from '../orchestrator-port.ts';
import { checkSchedule } from '../scheduler/check.ts';
import { readSkipDays } from '../scheduler/skip-days.ts';

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

/** Far above any pipeline; reading is synchronous and must not hold up the service. */
const maxLength = 512 * 1024;

/**
 * Reads every pipeline file of a folder. A file that does not hold is a problem with file, line and
 * field; the others are loaded all the same. Relative paths inside the files are relative to the
 * folder that holds the pipelines folder.
 */
export const loadPipelines = async (dir: string): Promise<LoadedPipelines> => {
  const loaded: LoadedPipelines = { pipelines: new Map(), problems: [] };
  const projectDir = dirname(resolve(dir));
  for (const name of await listFiles(dir, loaded.problems)) {
    const problem = (more: Omit<PipelineProblem, 'file'>) =>
      loaded.problems.push({ file: name, ...more });
    const text = await readFile(join(dir, name), 'utf8').catch((error: { code?: string }) => {
      problem({
        line: null,
        pointer: '',
        code: 'unreadable',
        detail: `cannot be read (${error.code})`,
      });
      return null;
    });
    if (text !== null && text.length > maxLength) {
      problem({
        line: null,
        pointer: '',
        code: 'unreadable',
        detail: `is longer than ${maxLength} characters`,
      });
      continue;
    }
    if (text === null) continue;
    const read = readPipeline(text);
    if (!read.ok) {
      for (const one of read.problems) problem(one);
      continue;
    }
    const { definition } = read;
    const earlier = loaded.pipelines.get(definition.name);
    if (earlier) {
      const detail = `the name ${definition.name} is taken by ${earlier.file}`;
      problem({ line: read.text.line('/name'), pointer: '/name', code: 'invalid', detail });
      continue;
    }
    const missing = await missingModules(definition, projectDir);
    for (const { index, module } of missing) {
      const pointer = `/stages/${index}/uses`;
      problem({
        line: read.text.line(pointer),
        pointer,
        code: 'invalid',
        detail: `there is no file ${module} in the project`,
      });
    }
    const faults = await scheduleFaults(read.schedules, definition.timezone, projectDir, loaded);
    for (const { pointer, detail } of faults)
      problem({ line: read.text.line(pointer), pointer, code: 'invalid', detail });
    const { schedules } = read;
    if (missing.length + faults.length === 0)
      loaded.pipelines.set(definition.name, {
        definition,
        file: name,
        text: read.text,
        projectDir,
        schedules,
      });
  }
  return loaded;
};

type Problem = Omit<PipelineProblem, 'file'>;
type Read =
  | { ok: true; definition: PipelineDefinition; schedules: FileSchedule[]; text: FileText }
  | { ok: false; problems: Problem[] };

/** One file's text → definition or problems with lines. JSON is YAML, so both go this way. */
const readPipeline = (text: string): Read => {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    logLevel: 'error',
  });
  // A warning is something that was left out (an unknown tag): refused like an error, never
  // ignored.
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0)
    return {
      ok: false,
      problems: faults.slice(0, 20).map(({ pos, message }) => ({
        line: lines.linePos(pos[0]).line,
        pointer: '',
        code: 'invalid-yaml',
        detail: message,
      })),
    };
  const pathOf = (pointer: string): string[] =>
    pointer
      .split('/')
      .slice(1)
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const line = (pointer: string): number | null => {
    const path = pathOf(pointer);
    // A missing key has no line of its own: the nearest thing around it has.
    for (let depth = path.length; depth >= 0; depth -= 1) {
      const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    }
    return null;
  };
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return {
      ok: false,
      problems: [
        { line: null, pointer: '', code: 'invalid-yaml', detail: (error as Error).message },
      ],
    };
  }
  const parsed = parseDefinition(raw);
  const fileText: FileText = { line, has: (pointer) => document.hasIn(pathOf(pointer)) };
  if (parsed.ok)
    return { ok: true, definition: parsed.definition, schedules: parsed.schedules, text: fileText };
  return {
    ok: false,
    problems: parsed.problems.map((one) => ({ line: line(one.pointer), ...one })),
  };
};

const listFiles = async (dir: string, problems: PipelineProblem[]): Promise<string[]> => {
  try {
    const names = await readdir(dir);
    return names.filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
  } catch (error) {
    const detail = `the pipelines folder cannot be read (${(error as { code?: string }).code})`;
    problems.push({ file: basename(dir), line: null, pointer: '', code: 'unreadable', detail });
    return [];
  }
};

const missingModules = async (definition: PipelineDefinition, projectDir: string) => {
  const missing: { index: number; module: string }[] = [];
  for (const [index, { program }] of definition.stages.entries()) {
    if (!('module' in program) || program.module.startsWith('builtin:')) continue;
    const { module } = program;
    await access(resolve(projectDir, module)).catch(() => missing.push({ index, module }));
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
