import { zoneSchema } from '../../definition/time-zone.ts';
import { cronOf } from './cron-times.ts';

/** A line of a crontab that runs something. */
export type CronJob = {
  line: number;
  text: string;
  /** Null = not at any time: the line says @reboot. */
  cron: string | null;
  timezone: string | null;
  user: string | null;
  command: string;
  /** What the command is given on its standard input; null = nothing. */
  input: string | null;
  env: Record<string, string>;
  shell: string;
  /** What is not carried over from this line, and why. */
  notes: string[];
};
type LeftOut = { line: number; text: string; why: string };
export type Crontab = { jobs: CronJob[]; leftOut: LeftOut[]; notes: string[] };

const settingPattern = /^\s*("[^"]*"|'[^']*'|[^\s="']+)\s*=\s*(.*?)\s*$/;
const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;
const presets = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];
const secretWords = /passw|secret|token|credential|api_?key/i;

const unquoted = (text: string): string => {
  const [first] = text;
  return (first === '"' || first === "'") && text.length > 1 && text.endsWith(first)
    ? text.slice(1, -1)
    : text;
};

/** The first `%` that is not escaped ends the command, each further one ends a line of its input. */
const atPercents = (text: string): { command: string; input: string | null } => {
  const parts = text
    .replaceAll('\\%', '\u0000')
    .split('%')
    .map((part) => part.replaceAll('\u0000', '%'));
  const [command = '', ...lines] = parts;
  const input = lines.join('\n');
  return { command: command.trim(), input: input === '' ? null : input };
};

type State = {
  env: Record<string, string>;
  shell: string;
  timezone: string | null;
  notes: string[];
};
const note = (state: State, text: string): void => {
  if (!state.notes.includes(text)) state.notes.push(text);
};

const readSetting = (state: State, name: string, value: string): string | null => {
  if (name === 'MAILTO' || name === 'MAILFROM') {
    if (value !== '')
      note(
        state,
        `${name} is not carried over: what a job prints is its log, and nobody is mailed for printing`,
      );
    return null;
  }
  if (name === 'CRON_TZ') {
    if (!zoneSchema.safeParse(value).success) return `${value} is no time zone of this machine`;
    state.timezone = value;
    return null;
  }
  if (name === 'SHELL') {
    state.shell = value;
    return null;
  }
  if (name === 'RANDOM_DELAY' || name === 'START_HOURS_RANGE')
    return `${name} is not carried over: \`jitter:\` of a schedule spreads its starts`;
  if (!namePattern.test(name)) return `${name} is no name for an environment variable here`;
  if (secretWords.test(name))
    note(
      state,
      `${name} stands in the pipeline file as it stood in the crontab; \`secrets: [${name}]\` takes it from the environment of the service and masks it`,
    );
  state.env = { ...state.env, [name]: value };
  return null;
};

const readJob = (state: State, line: number, text: string, isSystem: boolean): CronJob => {
  const notes: string[] = [];
  const trimmed = text.trim();
  const isQuiet = trimmed.startsWith('-');
  if (isQuiet) notes.push('the - before the minute is left out: every start is recorded here');
  const words = /^(\S+)(.*)$/s.exec(isQuiet ? trimmed.slice(1) : trimmed);
  const first = words?.[1]?.toLowerCase() ?? '';
  const isNamed = first.startsWith('@');
  const count = (isNamed ? 1 : 5) + (isSystem ? 1 : 0);
  const given = (isQuiet ? trimmed.slice(1) : trimmed).match(/\S+/g) ?? [];
  if (given.length <= count)
    throw new Error(
      `expected ${isNamed ? 'a name such as @daily' : 'five fields of time'}${isSystem ? ', a user' : ''} and a command`,
    );
  if (isNamed && first !== '@reboot' && !presets.includes(first))
    throw new Error(`${first} is not one of ${presets.join(', ')}, @reboot`);
  const cron = first === '@reboot' ? null : isNamed ? first : cronOf(given.slice(0, 5));
  const user = isSystem ? (given[count - 1] as string) : null;
  let rest = isQuiet ? trimmed.slice(1) : trimmed;
  for (let word = 0; word < count; word += 1) rest = rest.trimStart().replace(/^\S+/, '');
  const { command, input } = atPercents(rest);
  if (command === '') throw new Error('there is no command');
  if (cron === null)
    notes.push(
      '@reboot is not carried over: nothing here runs because the machine boots; `stagewright serve --start NAME` starts one pipeline with the service',
    );
  if (user !== null) notes.push(`it ran as ${user}; here it runs as the user of the service`);
  const { env, shell, timezone } = state;
  return {
    line,
    text: trimmed,
    cron,
    timezone,
    user,
    command,
    input,
    env: { ...env },
    shell,
    notes,
  };
};

/** Reads a crontab as cron does, line by line; settings hold for the lines after them. */
export const readCrontab = (text: string, isSystem: boolean): Crontab => {
  const state: State = { env: {}, shell: '/bin/sh', timezone: null, notes: [] };
  const jobs: CronJob[] = [];
  const leftOut: LeftOut[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    if (/^\s*(#|$)/.test(raw)) continue;
    const [, name, value] = settingPattern.exec(raw) ?? [];
    try {
      if (name !== undefined && value !== undefined) {
        const why = readSetting(state, unquoted(name), unquoted(value));
        if (why !== null) leftOut.push({ line, text: raw.trim(), why });
      } else jobs.push(readJob(state, line, raw, isSystem));
    } catch (error) {
      leftOut.push({ line, text: raw.trim(), why: (error as Error).message });
    }
  }
  return { jobs, leftOut, notes: state.notes };
};
