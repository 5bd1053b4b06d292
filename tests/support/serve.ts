import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { baseEnv } from './service.ts';

const program = fileURLToPath(new URL('../../bin/stagewright.mjs', import.meta.url));
export type Ended = { code: number | null; out: string; err: string };

/**
 * `isPlain`: without the powers of root, who may read and write everything, so that modes hold for
 * whoever runs the tests.
 */
const powerless =
  process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] : [];
/** The command line as people start it; in a shell it can be piped. */
const commandOf = (args: string[], isPlain = false): string[] => [
  ...(isPlain ? powerless : []),
  process.execPath,
  program,
  ...args,
];

/** Runs a command of the command line to its end. */
export const stagewright = async (
  args: string[],
  options: { cwd?: string; env?: Record<string, string>; isPlain?: boolean } = {},
): Promise<Ended> => {
  const [file = '', ...rest] = commandOf(args, options.isPlain);
  const child = spawn(file, rest, {
    cwd: options.cwd,
    env: { ...baseEnv, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A start that should have failed and serves instead would hang for ever.
  const guard = setTimeout(() => child.kill('SIGKILL'), 50_000);
  const [[code], out, err] = await Promise.all([
    once(child, 'close'),
    text(child.stdout),
    text(child.stderr),
  ]);
  clearTimeout(guard);
  return { code: code as number | null, out, err };
};

export type Served = {
  child: ChildProcess;
  url: string;
  /** What it has written to its log up to now. */
  log(): string;
  get<T>(path: string): Promise<T>;
  post(path: string, body?: unknown): Promise<Response>;
  /** Ends it in order, or at once. @returns its exit code */
  end(signal?: NodeJS.Signals): Promise<number | null>;
};

/** A service as people start it; resolves when it says that it is ready. */
export const serve = async (
  dir: string,
  more: string[] = [],
  options: { argv?: (command: string[]) => string[]; isPlain?: boolean } = {},
): Promise<Served> => {
  const args = ['serve', '--port', '0', '--ballast', '0', '--min-free-disk', '0'];
  const own = [...args, '--data-dir', `${dir}/data`, '--pipelines', `${dir}/pipelines`, ...more];
  const [file = '', ...rest] = (options.argv ?? ((argv) => argv))(commandOf(own, options.isPlain));
  const child = spawn(file, rest, { env: baseEnv, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let err = '';
  let out = '';
  child.stderr.on('data', (chunk) => {
    err += String(chunk);
  });
  const ready = Promise.withResolvers<string>();
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
    const line = out.split('\n').find((one) => one.includes('"listening"'));
    if (line) ready.resolve((JSON.parse(line) as { url: string }).url);
  });
  void exited.then(([code]) => ready.reject(new Error(`it ended with ${code}: ${err}`)));
  const url = await ready.promise;
  return {
    child,
    url,
    log: () => err,
    get: async <T>(path: string) => (await fetch(new URL(path, url))).json() as Promise<T>,
    post: (path, body = {}) =>
      fetch(new URL(path, url), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      }),
    end: async (signal = 'SIGTERM') => {
      child.kill(signal);
      const [code] = await exited;
      return code as number | null;
    },
  };
};
