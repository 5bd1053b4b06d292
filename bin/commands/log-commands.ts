import type { LogFrame } from '../../wire/frames.ts';
import type { Status } from '../../wire/status.ts';
import { type Command, type Context, exits, isRunId, numberOf, Usage } from '../command.ts';

const streams = ['stdout', 'stderr'] as const;

/** A pipeline stands for its live or latest run. */
const runOf = async ({ api, args: [name] }: Context): Promise<Status> => {
  if (isRunId(name)) return (await api.ask('GET /api/runs/{id}', { path: { id: name } })) as Status;
  const status = (await api.ask('GET /api/pipeline/status', {
    query: { pipeline: name },
  })) as Status;
  if (status.run_id === null) throw new Usage(`${status.pipeline} has not run yet`);
  return status;
};

/** Everything an attempt has written, page by page; stdout to stdout, stderr to stderr. */
const print = async (
  { api, out }: Context,
  path: { id: string; stage: string; attempt: string },
  tail: number | null,
): Promise<void> => {
  for (const stream of streams) {
    let offset: number | null = tail === null ? 0 : null;
    for (;;) {
      const query = {
        stream,
        limit: offset === null ? undefined : 1_048_576,
        ...(offset === null ? { tail: tail ?? 1 } : { offset }),
      };
      const response = await api
        .raw('GET /api/runs/{id}/logs/{stage}/{attempt}', { path, query })
        .catch((error) => {
          // An attempt that is just beginning has no output yet.
          if (error?.problem?.code === 'unknown-attempt') return null;
          throw error;
        });
      if (!response) break;
      out.write(stream, await response.text());
      offset = Number(response.headers.get('x-next-offset'));
      if (tail !== null || offset >= Number(response.headers.get('x-total-bytes'))) break;
    }
  }
};

/** Live output until the run is over; a broken connection is taken up at the same byte. */
const followLogs = async (
  { url, out, values }: Context,
  runId: string,
  stage: string | undefined,
): Promise<number> => {
  let cursor: string | null = null;
  for (let tries = 0; ; tries += 1) {
    const address = new URL(
      `/ws/logs/${runId}${stage ? `/${stage}` : ''}`,
      url.replace(/^http/, 'ws'),
    );
    if (cursor) address.searchParams.set('since', cursor);
    else if (values.tail !== undefined)
      address.searchParams.set('tail', String(numberOf('tail', values.tail, 0)));
    const closed = Promise.withResolvers<number>();
    const socket = new WebSocket(address);
    socket.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(String(data)) as LogFrame;
      tries = 0;
      if (frame.type === 'problem') out.error(frame.problem.detail);
      if (frame.type !== 'log') return;
      cursor = frame.cursor;
      if (values.json) out.json(frame);
      else out.write(frame.stream, frame.text);
    });
    socket.addEventListener('error', () => {});
    socket.addEventListener('close', ({ code }) => closed.resolve(code));
    const code = await closed.promise;
    if (code === 1000) return exits.done;
    if (code >= 4400 && code < 4408) return exits.usage;
    await new Promise((resolve) =>
      setTimeout(resolve, Math.random() * Math.min(30_000, 500 * 2 ** tries)),
    );
  }
};

export const outputCommands: Record<string, Command> = {
  logs: {
    usage: '[pipeline | run id] [--stage name] [--attempt n] [--tail bytes] [--follow]',
    help: 'what the stages wrote, to the stream they wrote it to',
    options: ['stage', 'attempt', 'tail', 'follow', 'json'],
    maxArgs: 1,
    run: async (context) => {
      const { values } = context;
      const run = await runOf(context);
      const id = run.run_id as string;
      if (values.follow) return followLogs(context, id, values.stage);
      const named = run.stages.filter(
        ({ name }) => values.stage === undefined || name === values.stage,
      );
      if (named.length === 0) throw new Usage(`the run has no stage ${values.stage}`);
      const tail = values.tail === undefined ? null : numberOf('tail', values.tail, 0);
      for (const { name, attempt } of named)
        for (let one = 1; one <= attempt; one += 1)
          if (values.attempt === undefined || Number(values.attempt) === one)
            await print(context, { id, stage: name, attempt: String(one) }, tail);
      return exits.done;
    },
  },
  chart: {
    usage: '[pipeline | run id] [--format svg|mermaid|scxml|json|xstate]',
    help: 'the lifecycle chart, to stdout',
    options: ['format'],
    maxArgs: 1,
    run: async ({ api, args: [name], values, out }) => {
      const query = { format: (values.format ?? 'mermaid') as 'mermaid' };
      if (isRunId(name)) {
        out.write(
          'stdout',
          await (await api.raw('GET /api/runs/{id}/chart', { path: { id: name }, query })).text(),
        );
        return exits.done;
      }
      const pipeline =
        name ?? (await api.ask('GET /api/pipelines')).items.find((item) => item.default)?.name;
      if (!pipeline) throw new Usage('no pipeline is loaded');
      out.write(
        'stdout',
        await (
          await api.raw('GET /api/pipelines/{name}/chart', { path: { name: pipeline }, query })
        ).text(),
      );
      return exits.done;
    },
  },
};
