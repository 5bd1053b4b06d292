import type { Operations } from '../../client/operations.ts';
import {
  type CommandOption,
  type CommandType,
  commandTable,
  commandTypes,
} from '../../wire/command-table.ts';
import type { Status } from '../../wire/status.ts';
import { type Command, type Context, exits, isRunId, Usage } from '../command.ts';
import { tell, waitFor } from './wait.ts';

type Values = Context['values'];
type RunCommand = Operations['POST /api/runs/{id}/commands']['body'];

/** The run that is meant: the one named, else the live or latest one of the pipeline. */
const meant = async ({ api, args: [name] }: Context): Promise<Status> => {
  if (isRunId(name)) return api.ask('GET /api/runs/{id}', { path: { id: name } });
  const status = await api.ask('GET /api/pipeline/status', { query: { pipeline: name } });
  if (status.run_id === null)
    throw new Usage(`${status.pipeline} shows no run; name one by its id`);
  return status;
};

const outputsOf = (text: string): Record<string, never> => {
  try {
    const outputs: unknown = JSON.parse(text);
    if (outputs && typeof outputs === 'object' && !Array.isArray(outputs))
      return outputs as Record<string, never>;
  } catch {
    // Said below.
  }
  throw new Usage(`--outputs ${text}: expected a JSON object`);
};

/** How each option of a verb is written, and what it fills in; in the order of the usage. */
const options: Record<CommandOption, { usage: string; fill: (values: Values) => object }> = {
  now: { usage: '--now', fill: ({ now }) => (now ? { grace_ms: 0 } : {}) },
  stage: { usage: '--stage name', fill: ({ stage }) => (stage === undefined ? {} : { stage }) },
  latest: { usage: '--latest', fill: ({ latest }) => (latest ? { definition: 'latest' } : {}) },
  outputs: {
    usage: '--outputs json',
    fill: ({ outputs }) => (outputs === undefined ? {} : { outputs: outputsOf(outputs) }),
  },
  reason: {
    usage: '--reason text',
    fill: ({ reason }) => (reason === undefined ? {} : { reason }),
  },
  wait: { usage: '--wait', fill: () => ({}) },
};
const ordered = (types: CommandType[]): CommandOption[] => {
  const used = new Set<string>(types.flatMap((type) => commandTable[type].verb.options));
  return (Object.keys(options) as CommandOption[]).filter((option) => used.has(option));
};

/** Of the commands of a verb the one for this run. @throws Usage for an option of the others */
const chosen = (types: CommandType[], run: Status, values: Values): CommandType => {
  const of = run.ended_at === null ? 'live' : 'ended';
  const type = types.find((one) => commandTable[one].of === of) ?? (types[0] as CommandType);
  const own = ordered([type]);
  const foreign = ordered(types).filter((option) => !own.includes(option));
  if (foreign.some((option) => values[option]))
    throw new Usage(
      `${foreign.map((option) => `--${option}`).join(' and ')} are for a run that ${of === 'live' ? 'has ended' : 'is live'}`,
    );
  return type;
};

const give = async (types: CommandType[], context: Context): Promise<Status> => {
  const { api, args, values } = context;
  const fields: object = Object.assign(
    {},
    ...ordered(types).map((option) => options[option].fill(values)),
  );
  // The pipeline itself knows whether a run of it is live.
  if (types.includes('STOP') && !isRunId(args[0]))
    return api.ask('POST /api/pipeline/stop', { query: { pipeline: args[0] }, body: fields });
  const run = await meant(context);
  const body = { ...fields, type: chosen(types, run, values) } as RunCommand;
  const path = { id: run.run_id as string };
  return api.ask('POST /api/runs/{id}/commands', { path, body });
};

/** One verb for each name in the table of commands. */
const verbOf = (types: CommandType[]): Command => {
  const used = ordered(types);
  return {
    usage: ['[pipeline | run id]', ...used.map((option) => `[${options[option].usage}]`)].join(' '),
    help: types.map((type) => commandTable[type].verb.help).join('; '),
    options: [...used, 'json'],
    maxArgs: 1,
    run: async (context) => {
      const status = await give(types, context);
      if (context.values.wait) return waitFor(context, status.run_id as string, null);
      tell(context, status);
      return exits.done;
    },
  };
};
const verbs = Map.groupBy(commandTypes, (type) => commandTable[type].verb.name);

/** Commands to a run; each says who asked and why, and a refusal what is possible instead. */
export const controlCommands: Record<string, Command> = {
  ...Object.fromEntries([...verbs].map(([name, types]) => [name, verbOf(types)])),
  reload: {
    usage: '',
    help: 'read the pipeline files again; what is live goes on as it began, a broken file keeps what it said before',
    options: ['json'],
    maxArgs: 0,
    run: async ({ api, out, values }) => {
      const report = await api.ask('POST /api/pipelines/reload');
      if (values.json) out.json(report);
      else {
        const { problems, ...names } = report;
        const parts = Object.entries(names).flatMap(([word, some]) =>
          some.length > 0 ? [`${word}: ${some.join(', ')}`] : [],
        );
        out.line(parts.join('\n') || 'nothing changed');
        for (const { file, line, detail } of problems)
          out.error(`${file}${line ? `:${line}` : ''}: ${detail}`);
      }
      return report.problems.length > 0 ? exits.failed : exits.done;
    },
  },
};
