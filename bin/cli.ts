import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { JournalEvent } from '../machines/events.ts';
import type { Status } from '../machines/status.ts';
import { suggest } from '../machines/suggest.ts';
import { type Client, createClient, NotReachable, Refused } from './client.ts';

type Env = Record<string, string | undefined>;
/** Exit codes are a contract (docs/cli.md): scripts decide by them. */
const exits = { done: 0, failed: 1, usage: 2, refused: 3, unreachable: 4, stopped: 5, timedOut: 124 };
class Usage extends Error {}

type Values = { json?: boolean; wait?: boolean; follow?: boolean; param?: string[]; reason?: string; timeout?: string };
type Command = { help: string; run(client: Client, name: string | null, values: Values): Promise<number> };

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const warn = (line: string): void => void process.stderr.write(`${line}\n`);
const isRunId = (name: string): boolean => name.startsWith('r_');

const show = (status: Status, json: boolean | undefined): void => {
  if (json) {
    print(JSON.stringify(status));
    return;
  }
  print(`${status.pipeline}${status.number === null ? '' : ` #${status.number}`}  ${status.state}  ${status.run_id ?? ''}`.trimEnd());
  print(`  ${status.why}`);
  for (const { name, state, attempt, duration_ms, reason } of status.stages) {
    const took = duration_ms === null ? '' : `  ${(duration_ms / 1000).toFixed(1)} s`;
    print(`  ${name.padEnd(16)} ${state.padEnd(10)} attempt ${attempt}${took}${reason ? `  ${reason}` : ''}`);
  }
  if (status.error?.stderr_tail) print(`  stderr: ${status.error.stderr_tail.replaceAll('\n', '\n          ')}`);
};

const exitOf = ({ state }: Status): number => (state === 'FAILED' ? exits.failed : state === 'STOPPED' ? exits.stopped : exits.done);

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

const line = ({ timestamp, run_id, stage, event, msg }: JournalEvent): string =>
  `${timestamp}  ${run_id?.slice(-6) ?? '------'}  ${stage.padEnd(12)} ${event.padEnd(12)} ${msg}`;

const finals = ['DONE', 'FAILED', 'STOPPED'];

const timeoutOf = ({ timeout }: Values): number | null => {
  if (timeout === undefined) return null;
  const ms = Number(timeout) * 1000;
  if (!(ms > 0 && ms < 2 ** 31)) throw new Usage(`--timeout ${timeout}: expected seconds, at most 24 days`);
  return ms;
};

/** Follows the run to its end; the stream ends by itself, a broken one is taken up again. */
const waitFor = async (client: Client, runId: string, json: boolean | undefined, timeoutMs: number | null): Promise<number> => {
  const over = timeoutMs === null ? new AbortController().signal : AbortSignal.timeout(timeoutMs);
  const late = new Promise<'late'>((resolve) => over.addEventListener('abort', () => resolve('late')));
  let lastSeq = 0;
  for (;;) {
    const tell = (event: JournalEvent): void => {
      if (event.seq <= lastSeq) return;
      lastSeq = event.seq;
      if (!json) print(line(event));
    };
    if ((await Promise.race([client.follow(runId, tell, over), late])) === 'late') return exits.timedOut;
    const status = await client.run(runId);
    if (finals.includes(status.state)) {
      show(status, json);
      return exitOf(status);
    }
    // A full service closes at once; asking without a pause would keep it full.
    await sleep(500);
  }
};

const commands: Record<string, Command> = {
  start: {
    help: 'start [pipeline] [--param name=value …] [--reason text] [--wait [--timeout seconds]] [--json]   start a run',
    run: async (client, name, values) => {
      const body = { params: paramsOf(values.param), ...(values.reason !== undefined && { reason: values.reason }) };
      // Before the start: a command that is refused for its spelling must not leave a run behind.
      const timeoutMs = timeoutOf(values);
      const status = await client.start(name, body);
      if (values.wait) return waitFor(client, status.run_id as string, values.json, timeoutMs);
      show(status, values.json);
      return exits.done;
    },
  },
  status: {
    help: 'status [pipeline | run id] [--json]   what it does, or did last',
    run: async (client, name, values) => {
      const status = name && isRunId(name) ? await client.run(name) : await client.status(name);
      show(status, values.json);
      return exitOf(status);
    },
  },
  stop: {
    help: 'stop [pipeline] [--reason text] [--json]   stop the live run',
    run: async (client, name, values) => {
      show(await client.stop(name, values.reason === undefined ? {} : { reason: values.reason }), values.json);
      return exits.done;
    },
  },
  events: {
    help: 'events [run id] [--follow] [--json]   what happened, and with --follow what happens',
    run: async (client, name, values) => {
      if (name && !isRunId(name)) throw new Usage(`${name} is no run id`);
      const tell = (event: JournalEvent) => print(values.json ? JSON.stringify(event) : line(event));
      if (values.follow) await client.follow(name, tell);
      else for (const event of await client.events(name)) tell(event);
      return exits.done;
    },
  },
};

const help = (): string =>
  [
    'stagewright: a few pipelines, run right every time, explained',
    '',
    '  serve [--port 8000] [--data-dir ./data] [--pipelines ./pipelines] …   run the service',
    ...Object.values(commands).map((command) => `  ${command.help}`),
    '',
    'The client asks --url, STAGEWRIGHT_URL or http://127.0.0.1:8000.',
    'Exit codes: 0 done, 1 run failed, 2 usage, 3 refused, 4 not reachable, 5 stopped, 124 timed out, 130 interrupted.',
  ].join('\n');

const optionTypes = {
  url: { type: 'string' },
  json: { type: 'boolean' },
  wait: { type: 'boolean' },
  follow: { type: 'boolean' },
  param: { type: 'string', multiple: true },
  reason: { type: 'string' },
  timeout: { type: 'string' },
  help: { type: 'boolean' },
} as const;

const parse = (args: string[]) => {
  try {
    return parseArgs({ args, options: optionTypes, allowPositionals: true });
  } catch (error) {
    throw new Usage((error as Error).message);
  }
};

/** The command line. @returns the exit code */
export const main = async (argv: string[], env: Env): Promise<number> => {
  const [word = 'help', ...rest] = argv;
  if (word === 'serve') {
    // Loaded only here: a client command needs no database and no web server.
    const { serve } = await import('../server/main.ts');
    return serve(rest, env);
  }
  if (['help', '--help', '-h'].includes(word)) {
    print(help());
    return exits.done;
  }
  process.once('SIGINT', () => process.exit(130));
  try {
    const command = Object.hasOwn(commands, word) ? commands[word] : undefined;
    if (!command) {
      const nearest = suggest(word, [...Object.keys(commands), 'serve', 'help']);
      throw new Usage(`there is no command ${word}${nearest ? `; did you mean ${nearest}?` : ''}`);
    }
    const { values, positionals } = parse(rest);
    if (values.help) {
      print(command.help);
      return exits.done;
    }
    if (positionals.length > 1) throw new Usage(`unexpected argument ${positionals[1]}`);
    const base = values.url ?? env.STAGEWRIGHT_URL ?? 'http://127.0.0.1:8000';
    if (!URL.canParse(base)) throw new Usage(`${base} is no URL`);
    return await command.run(createClient(base), positionals[0] ?? null, values);
  } catch (error) {
    if (error instanceof Usage) {
      warn(`${error.message}\nstagewright help lists the commands`);
      return exits.usage;
    }
    if (error instanceof NotReachable) {
      warn(error.message);
      return exits.unreachable;
    }
    if (!(error instanceof Refused)) throw error;
    warn(`refused (${error.code}): ${error.message}`);
    return error.status === 409 ? exits.refused : error.status < 500 ? exits.usage : exits.unreachable;
  }
};
