import { follow } from '../../client/follow.ts';
import type { JournalEvent } from '../../wire/events.ts';
import type { Status } from '../../wire/status.ts';
import { type Command, type Context, exits, isRunId, numberOf, Usage } from '../command.ts';
import { eventLine, showRunLine } from '../print.ts';
import { exitOf, tell, waitFor } from './wait.ts';

/** `--param day=2018-05-11 --param full=true`: JSON where it is JSON, text otherwise. */
const paramsOf = (given: string[] = []): Record<string, unknown> =>
  Object.fromEntries(
    given.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new Usage(`--param ${pair}: expected name=value`);
      const text = pair.slice(at + 1);
      try {
        return [pair.slice(0, at), JSON.parse(text)];
      } catch {
        return [pair.slice(0, at), text];
      }
    }),
  );

const timeoutOf = (timeout: string | undefined): number | null => {
  if (timeout === undefined) return null;
  const ms = Number(timeout) * 1000;
  if (!(ms > 0 && ms < 2 ** 31))
    throw new Usage(`--timeout ${timeout}: expected seconds, at most 24 days`);
  return ms;
};

const begin = async (context: Context, isWaiting: boolean): Promise<number> => {
  const { api, args, values } = context;
  // Before the start: a command that is refused for its spelling must not leave a run behind.
  const timeoutMs = timeoutOf(values.timeout);
  const body = {
    params: paramsOf(values.param),
    ...(values.reason !== undefined && { reason: values.reason }),
  };
  const headers: Record<string, string> =
    values.key === undefined ? {} : { 'Idempotency-Key': values.key };
  const query = { pipeline: args[0] };
  const status = values.stage
    ? await api.ask('POST /api/pipeline/stage/{stage}', {
        path: { stage: values.stage },
        query,
        body,
        headers,
      })
    : await api.ask('POST /api/pipeline/start', { query, body, headers });
  if (isWaiting) return waitFor(context, status.run_id as string, timeoutMs);
  tell(context, status as Status);
  return exits.done;
};

const statusOf = async ({ api, args: [name] }: Context): Promise<Status> =>
  (isRunId(name)
    ? await api.ask('GET /api/runs/{id}', { path: { id: name } })
    : await api.ask('GET /api/pipeline/status', { query: { pipeline: name } })) as Status;

const startOptions = ['param', 'reason', 'stage', 'key', 'timeout', 'json'] as const;
export const runCommands: Record<string, Command> = {
  start: {
    usage:
      '[pipeline] [--param name=value …] [--stage name] [--reason text] [--key text] [--wait [--timeout seconds]]',
    help: 'start a run; --key makes a repeated start harmless',
    options: [...startOptions, 'wait'],
    maxArgs: 1,
    run: (context) => begin(context, context.values.wait === true),
  },
  run: {
    usage: '[pipeline] [as start]',
    help: 'start a run and follow it to its end',
    options: startOptions,
    maxArgs: 1,
    run: (context) => begin(context, true),
  },
  status: {
    usage: '[pipeline | run id]',
    help: 'what it does, or did last',
    options: ['json'],
    maxArgs: 1,
    run: async (context) => {
      const status = await statusOf(context);
      tell(context, status);
      return exitOf(status);
    },
  },
  acknowledge: {
    usage: 'pipeline --reason text',
    help: 'forget its failures in a row: automatic runs that they paused go on',
    options: ['reason', 'json'],
    maxArgs: 1,
    run: async ({ api, args: [name], values, out }) => {
      if (name === undefined || values.reason === undefined)
        throw new Usage('acknowledge: expected a pipeline and --reason');
      const done = await api.ask('POST /api/pipelines/{name}/acknowledge', {
        path: { name },
        body: { reason: values.reason },
      });
      if (values.json) out.json(done);
      else out.line(`the failures of ${name} are acknowledged; its automatic runs go on`);
      return exits.done;
    },
  },
  reset: {
    usage: '[pipeline] [--force] [--reason text]',
    help: 'show IDLE again; --force stops a live run first, or with a reason releases one whose process nobody can end',
    options: ['force', 'reason', 'json'],
    maxArgs: 1,
    run: async (context) => {
      const { api, args, values } = context;
      const body = {
        force: values.force === true,
        ...(values.reason !== undefined && { reason: values.reason }),
      };
      tell(
        context,
        (await api.ask('POST /api/pipeline/reset', {
          query: { pipeline: args[0] },
          body,
        })) as Status,
      );
      return exits.done;
    },
  },
  runs: {
    usage:
      '[pipeline] [--state FAILED] [--trigger manual] [--label word] [--from instant] [--to instant] [--search text] [--limit 20]',
    help: 'the history, newest first',
    options: ['state', 'trigger', 'label', 'from', 'to', 'search', 'limit', 'json'],
    maxArgs: 1,
    run: async ({ api, args, values, out }) => {
      const { state, label, from, to, search: q } = values;
      let left = numberOf('limit', values.limit, 20);
      let cursor: string | null = null;
      while (left > 0) {
        const query = {
          pipeline: args[0],
          state,
          trigger: values.trigger as 'manual',
          label,
          from,
          to,
          q,
          limit: Math.min(left, 200),
          cursor,
        };
        const page: { items: unknown[]; next_cursor: string | null } = await api.ask(
          'GET /api/runs',
          { query },
        );
        for (const status of page.items as Status[])
          values.json ? out.json(status) : showRunLine(out, status);
        left -= page.items.length;
        cursor = page.next_cursor;
        if (cursor === null) break;
      }
      return exits.done;
    },
  },
  events: {
    usage: '[run id] [--follow] [--limit 100]',
    help: 'what happened, and with --follow what happens',
    options: ['follow', 'limit', 'json'],
    maxArgs: 1,
    run: async ({ api, args: [name], values, out, url }) => {
      if (name !== undefined && !isRunId(name)) throw new Usage(`${name} is no run id`);
      const show = (event: JournalEvent): void =>
        values.json ? out.json(event) : out.line(eventLine(out, event));
      if (!values.follow) {
        const { items } = await api.ask('GET /api/events', {
          query: { run_id: name, limit: numberOf('limit', values.limit, 100) },
        });
        for (const event of items) show(event as JournalEvent);
        return exits.done;
      }
      // Asked once first: whoever follows a run that does not exist is told at once.
      if (name) await api.ask('GET /api/runs/{id}', { path: { id: name } });
      else await api.ask('GET /api/health');
      await follow({ url, runId: name ?? null, onEvent: show }).closed;
      return exits.done;
    },
  },
};
