import { parseArgs } from 'node:util';
import { createApi, NotReachable, Refused } from '../client/api.ts';
import { suggest } from '../definition/suggest.ts';
import { type Command, exits, optionTypes, Usage } from './command.ts';
import { backupCommands } from './commands/backups.ts';
import { completionOf } from './commands/completion.ts';
import { controlCommands } from './commands/control.ts';
import { importCommands } from './commands/import-crontab.ts';
import { initCommand } from './commands/init.ts';
import { localCommands } from './commands/local.ts';
import { outputCommands } from './commands/log-commands.ts';
import { notifyCommands } from './commands/notify-commands.ts';
import { runCommands } from './commands/runs.ts';
import { scheduleCommands } from './commands/schedules.ts';
import { simulateCommands } from './commands/simulate-command.ts';
import { whyCommands } from './commands/why-command.ts';
import { ownVersion } from './own-version.ts';
import { createOutput } from './print.ts';

type Env = Record<string, string | undefined>;

const commands: Record<string, Command> = {
  ...runCommands,
  ...controlCommands,
  ...scheduleCommands,
  ...notifyCommands,
  ...whyCommands,
  ...outputCommands,
  ...initCommand,
  ...localCommands,
  ...simulateCommands,
  ...importCommands,
  ...backupCommands,
};
commands.completion = completionOf(commands);

const serveUsage = '[--port 8000] [--data-dir ./data] [--pipelines ./pipelines] …';
const serveHelp = 'run the service; every setting stands in docs/cli.md';
/** Of one command, or of all. */
const helpOf = (word: string): string => {
  if (word === 'serve') return `serve ${serveUsage}\n    ${serveHelp}`;
  const { usage, help, options } = commandOf(word);
  const words = ['url', ...options].map((option) => `--${option}`).join(', ');
  return `${word} ${usage}\n    ${help}\n    options: ${words}, --help`;
};
const allHelp = (): string =>
  [
    'stagewright: a few pipelines, run right every time, explained',
    '',
    `  serve ${serveUsage}\n      ${serveHelp}`,
    ...Object.entries(commands).map(
      ([name, command]) => `  ${name} ${command.usage}\n      ${command.help}`,
    ),
    '',
    'The client asks --url, STAGEWRIGHT_URL or http://127.0.0.1:8000. --json prints what the API said.',
    'stagewright help COMMAND, or COMMAND --help, says more; stagewright --version says which this is.',
    'Exit codes: 0 done, 1 run failed, 2 usage, 3 refused, 4 not reachable, 5 stopped, 6 serve cannot start, 124 timed out, 130 interrupted.',
  ].join('\n');

const parse = (name: string, command: Command, args: string[]) => {
  const names = ['url', 'help', ...command.options] as (keyof typeof optionTypes)[];
  const options = Object.fromEntries(names.map((option) => [option, optionTypes[option]]));
  try {
    const parsed = parseArgs({ args, options, allowPositionals: true });
    if (parsed.positionals.length > command.maxArgs)
      throw new Usage(`unexpected argument ${parsed.positionals[command.maxArgs]}`);
    return parsed;
  } catch (error) {
    if (error instanceof Usage) throw error;
    const unknown = /'--([^'=]+)/.exec((error as Error).message)?.[1];
    const nearest = unknown && suggest(unknown, names);
    throw new Usage(
      `${name}: ${(error as Error).message.split('. ')[0]}${nearest ? `; did you mean --${nearest}?` : ''}`,
    );
  }
};

/** Whom the history names: the user of this shell. */
const actorOf = ({ USER }: Env): string => (USER && /^[\w.-]{1,60}$/.test(USER) ? USER : 'cli');

const commandOf = (word: string): Command => {
  if (Object.hasOwn(commands, word)) return commands[word] as Command;
  const nearest = suggest(word.replace(/^-+/, ''), [
    ...Object.keys(commands),
    'serve',
    'help',
    'version',
  ]);
  throw new Usage(`there is no command ${word}${nearest ? `; did you mean ${nearest}?` : ''}`);
};

/** The command line. @returns the exit code */
export const main = async (argv: string[], env: Env): Promise<number> => {
  const [word = 'help', ...rest] = argv;
  if (word === 'serve' && !rest.includes('--help')) {
    // Loaded only here: a client command needs no database and no web server.
    const { serve } = await import('./serve.ts');
    return serve(rest, env);
  }
  const out = createOutput(process.stdout, process.stderr, env);
  if (['version', '--version', '-v', '-V'].includes(word)) {
    out.line(ownVersion());
    return exits.done;
  }
  process.once('SIGINT', () => process.exit(exits.interrupted));
  // `stagewright events | head` has read enough.
  process.stdout.on('error', () => process.exit(exits.done));
  try {
    if (['help', '--help', '-h', 'serve'].includes(word)) {
      const [about] = word === 'serve' ? [word] : rest;
      out.line(about === undefined ? allHelp() : helpOf(about));
      return exits.done;
    }
    const command = commandOf(word);
    const { values, positionals } = parse(word, command, rest);
    if (values.help) {
      out.line(helpOf(word));
      return exits.done;
    }
    const url =
      (values.url as string | undefined) ?? env.STAGEWRIGHT_URL ?? 'http://127.0.0.1:8000';
    if (!URL.canParse(url)) throw new Usage(`${url} is no URL`);
    const apiAt = (at: string) => createApi(at, actorOf(env));
    return await command.run({
      api: apiAt(url),
      apiAt,
      url,
      args: positionals,
      values,
      out,
      env,
    });
  } catch (error) {
    if (error instanceof Usage) {
      out.error(`${error.message}\nstagewright help lists the commands`);
      return exits.usage;
    }
    if (error instanceof NotReachable) {
      out.error(error.message);
      return exits.unreachable;
    }
    if (!(error instanceof Refused)) throw error;
    const { code, status } = error.problem;
    out.error(`refused (${code}): ${error.message}`);
    return status === 409 ? exits.refused : status < 500 ? exits.usage : exits.unreachable;
  }
};
