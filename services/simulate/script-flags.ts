import type { PipelineDefinition } from '../../definition/definition.ts';
import { durationSchema } from '../../definition/duration.ts';
import { suggest } from '../../definition/suggest.ts';
import { type Happening, happeningSchema, maxScript } from '../../wire/simulation.ts';

/** Words that cannot be understood; the message says what to write instead. */
export class BadScript extends Error {}

/** What stands between the colons of each option, and what it says; numbers are whole. */
const shapes = {
  fail: { what: 'fail', parts: ['stage', 'times?', 'code?'] },
  hang: { what: 'hang', parts: ['stage', 'times?'] },
  skip: { what: 'skip', parts: ['stage'] },
  takes: { what: 'takes', parts: ['stage', 'ms'] },
  deaf: { what: 'deaf', parts: ['stage'] },
  late: { what: 'late', parts: ['stage'] },
  'stop-at': { what: 'stop', parts: ['stage', 'attempt?'] },
  'crash-at': { what: 'crash', parts: ['stage', 'attempt?'] },
  'reboot-at': { what: 'reboot', parts: ['stage', 'attempt?'] },
  'crash-before': { what: 'crash-before', parts: ['write'] },
  'crash-after': { what: 'crash-after', parts: ['write'] },
  'slow-store': { what: 'slow-store', parts: ['write', 'ms'] },
  'clock-step': { what: 'clock-step', parts: ['write', 'ms'] },
} as const;
export type ScriptFlag = keyof typeof shapes;
export const scriptFlags = Object.keys(shapes) as ScriptFlag[];

const texts = ['stage', 'code'];
/** `--fail analyzer:2` → two attempts of analyzer fail. @throws BadScript */
const happeningOf = (flag: ScriptFlag, text: string): Happening => {
  const { what, parts } = shapes[flag];
  const given = text.split(':');
  const usage = parts
    .map((part, index) => {
      const name = `${index > 0 ? ':' : ''}${part.replace('?', '')}`;
      return part.endsWith('?') ? `[${name}]` : name;
    })
    .join('');
  const wrong = (why: string) =>
    new BadScript(`--${flag} ${text}: ${why}; write --${flag} ${usage}`);
  if (given.length > parts.length) throw wrong('there is too much of it');
  const fields = parts.flatMap((part, index): [string, unknown][] => {
    const value = given[index];
    const name = part.replace('?', '');
    if (value === undefined || value === '') {
      if (part.endsWith('?')) return [];
      throw wrong(`${name} is missing`);
    }
    if (texts.includes(name)) return [[name, value]];
    if (/^-?\d{1,12}$/.test(value)) return [[name, Number(value)]];
    const duration = durationSchema.safeParse(value.replace(/^-/, ''));
    if (name !== 'ms' || !duration.success) throw wrong(`${name} is no whole number`);
    const ms = value.startsWith('-') ? -duration.data : duration.data;
    return [[name, ms]];
  });
  const read = happeningSchema.safeParse({ what, ...Object.fromEntries(fields) });
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw wrong(`${issue?.path.join('.')}: ${issue?.message}`);
};

/** What the options of a command line say, in the order of the options. @throws BadScript */
export const scriptOf = (given: { [flag in ScriptFlag]?: readonly string[] }): Happening[] =>
  scriptFlags.flatMap((flag) => (given[flag] ?? []).map((text) => happeningOf(flag, text)));

/** @throws BadScript when it says something of a stage that is not there, or too much */
export const checkScript = (
  { name, stages }: PipelineDefinition,
  script: readonly Happening[],
): void => {
  if (script.length > maxScript)
    throw new BadScript(
      `a script has at most ${maxScript} happenings, and this one ${script.length}`,
    );
  const names = stages.map((one) => one.name);
  for (const one of script) {
    if (!('stage' in one) || names.includes(one.stage)) continue;
    const nearest = suggest(one.stage, names);
    const hint = nearest ? `; did you mean ${nearest}?` : `; its stages are ${names.join(', ')}`;
    throw new BadScript(`${name} has no stage ${one.stage}${hint}`);
  }
};
