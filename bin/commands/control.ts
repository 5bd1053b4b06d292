import type { Operations } from '../../client/operations.ts';
import type { Status } from '../../wire/status.ts';
import { type Command, type Context, exits, isRunId, Usage } from '../command.ts';
import { tell, waitFor } from './wait.ts';

type RunCommand = Operations['POST /api/runs/{id}/commands']['body'];

/** The run that is meant: the one named, else the live or latest one of the pipeline. */
const meant = async ({ api, args: [name] }: Context): Promise<Status> => {
  if (isRunId(name)) return (await api.ask('GET /api/runs/{id}', { path: { id: name } })) as Status;
  const status = (await api.ask('GET /api/pipeline/status', {
    query: { pipeline: name },
  })) as Status;
  if (status.run_id === null)
    throw new Usage(`${status.pipeline} shows no run; name one by its id`);
  return status;
};

const send = async (context: Context, { run_id }: Status, command: RunCommand): Promise<Status> => {
  const { api, values } = context;
  const body = { ...command, ...(values.reason !== undefined && { reason: values.reason }) };
  return (await api.ask('POST /api/runs/{id}/commands', {
    path: { id: run_id as string },
    body,
  })) as Status;
};

const shown = (context: Context, status: Status): number => {
  tell(context, status);
  return exits.done;
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

const simple = (type: 'PAUSE' | 'RESUME', help: string): Command => ({
  usage: '[pipeline | run id] [--reason text]',
  help,
  options: ['reason', 'json'],
  maxArgs: 1,
  run: async (context) => shown(context, await send(context, await meant(context), { type })),
});

/** Commands to a run; each says who asked and why, and a refusal what is possible instead. */
export const controlCommands: Record<string, Command> = {
  retry: {
    usage: '[pipeline | run id] [--stage name] [--latest] [--reason text] [--wait]',
    help: 'try again at once; of a run that has ended: a new run from the failed stage, or --stage, with --latest by the file of today',
    options: ['stage', 'latest', 'reason', 'wait', 'json'],
    maxArgs: 1,
    run: async (context) => {
      const { values } = context;
      const run = await meant(context);
      if (run.ended_at === null && (values.stage !== undefined || values.latest))
        throw new Usage('--stage and --latest are for a run that has ended');
      const status = await send(
        context,
        run,
        run.ended_at === null
          ? { type: 'RETRY_NOW' }
          : {
              type: 'RETRY_FROM',
              definition: values.latest ? 'latest' : 'pinned',
              ...(values.stage !== undefined && { stage: values.stage }),
            },
      );
      return values.wait ? waitFor(context, status.run_id as string, null) : shown(context, status);
    },
  },
  skip: {
    usage: '[pipeline | run id] [--stage name] [--outputs json] [--reason text]',
    help: 'the current stage is over; --outputs where a later stage needs them',
    options: ['stage', 'outputs', 'reason', 'json'],
    maxArgs: 1,
    run: async (context) => {
      const { stage, outputs } = context.values;
      const more = {
        ...(stage !== undefined && { stage }),
        ...(outputs !== undefined && { outputs: outputsOf(outputs) }),
      };
      return shown(
        context,
        await send(context, await meant(context), { type: 'SKIP_STAGE', ...more }),
      );
    },
  },
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
  pause: simple('PAUSE', 'hold the run after its stage, or instead of its next attempt'),
  resume: simple('RESUME', 'go on'),
};
