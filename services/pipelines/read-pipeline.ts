import { isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { PipelineDefinition } from '../../definition/definition.ts';
import { type FileSchedule, parseDefinition } from '../../definition/parse-definition.ts';
import type { PipelineProblem } from '../../wire/pipeline-answers.ts';

/** The line of everything that stands in a file, by JSON pointer. */
type Lines = Record<string, number>;
/** Plain data: it may come from another thread. */
export type PipelineText =
  | { ok: true; definition: PipelineDefinition; schedules: FileSchedule[]; lines: Lines }
  | { ok: false; problems: Omit<PipelineProblem, 'file'>[] };

/** The line of what `pointer` names, or of the nearest thing around it. */
export const nearestLine = (lines: Lines, pointer: string): number | null => {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf('/'))) {
    if (Object.hasOwn(lines, at)) return lines[at] as number;
    if (at === '') return null;
  }
};

const escaped = (key: unknown): string => String(key).replaceAll('~', '~0').replaceAll('/', '~1');

/** Iterative: a file may be nested as deep as it likes before it is refused. */
const linesOf = (contents: unknown, counter: LineCounter): Lines => {
  const lines: Lines = {};
  const open: [string, unknown][] = [['', contents]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [pointer, node] = next;
    if (!isNode(node) || !node.range) continue;
    lines[pointer] = counter.linePos(node.range[0]).line;
    if (isSeq<Node>(node))
      for (const [index, item] of node.items.entries()) open.push([`${pointer}/${index}`, item]);
    if (isMap(node))
      for (const { key, value } of node.items)
        open.push([`${pointer}/${escaped(isScalar(key) ? key.value : key)}`, value]);
  }
  return lines;
};

const unreadable = (error: unknown): PipelineText => {
  const { message } = error as Error;
  return {
    ok: false,
    problems: [{ line: null, pointer: '', code: 'invalid-yaml', detail: message }],
  };
};

/** One file's text → definition or problems with lines. JSON is YAML, so both go this way. */
export const readPipeline = (text: string): PipelineText => {
  try {
    return parsed(text);
  } catch (error) {
    // Aliases that multiply, and nesting deeper than the stack.
    return unreadable(error);
  }
};

const parsed = (text: string): PipelineText => {
  const counter = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: counter,
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
        line: counter.linePos(pos[0]).line,
        pointer: '',
        code: 'invalid-yaml',
        detail: message,
      })),
    };
  const definition = parseDefinition(document.toJS({ maxAliasCount: 100 }));
  const lines = linesOf(document.contents, counter);
  if (definition.ok) return { ...definition, lines };
  return {
    ok: false,
    problems: definition.problems.map((one) => ({ line: nearestLine(lines, one.pointer), ...one })),
  };
};
