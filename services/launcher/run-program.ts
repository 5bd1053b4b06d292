import { spawn } from 'node:child_process';

/** What became of a program that was given a text. */
export type ProgramEnd = { code: number | null; signal: string | null; said: string };

const maxSaidBytes = 4096;

/**
 * Runs a program of the service's own settings to its end: no stage, so nothing of it is recorded.
 * When the signal aborts, its whole process group is killed; what leaves the group by itself is its
 * own.
 * @throws Error when it cannot be started
 */
export const runProgram = (
  [file = '', ...args]: readonly string[],
  { input, env, signal }: { input: string; env: Record<string, string>; signal: AbortSignal },
): Promise<ProgramEnd> =>
  new Promise((resolve, reject) => {
    const child = spawn(file, args, { env, detached: true, stdio: ['pipe', 'ignore', 'pipe'] });
    const kill = (): void => {
      // A pid of its own: a group that is gone already is no error.
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {}
    };
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      if (said.length < maxSaidBytes) said += chunk.toString('utf8');
    });
    const finish = (code: number | null, ended: string | null): void => {
      signal.removeEventListener('abort', kill);
      child.stderr.destroy();
      resolve({ code, signal: ended, said: said.slice(0, maxSaidBytes) });
    };
    child.once('error', (error) => {
      signal.removeEventListener('abort', kill);
      reject(error);
    });
    child.once('exit', (code, ended) => {
      // What it left behind in its group has no work to do any more.
      kill();
      // Its last words matter where it failed; whoever else holds them open is not waited for.
      if (code === 0) finish(code, ended);
    });
    child.once('close', finish);
    // It need not read what it is given.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    signal.addEventListener('abort', kill, { once: true });
    if (signal.aborted) kill();
  });
