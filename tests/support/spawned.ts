import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { baseEnv, projectWith } from './service.ts';

const program = fileURLToPath(new URL('../../bin/stagewright.mjs', import.meta.url));

/** The service as users start it: a process of its own, on a free port and an own project. */
export const spawnService = async (pipelines: Record<string, string>, flags: string[] = []) => {
  const dir = await projectWith(pipelines);
  const places = ['--data-dir', join(dir, 'data'), '--pipelines', join(dir, 'pipelines')];
  const service = spawn(
    process.execPath,
    [program, 'serve', '--port', '0', '--log-level', 'error', ...places, ...flags],
    { env: baseEnv, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const gone = once(service, 'exit');
  const [first] = await once(service.stdout, 'data');
  const { url } = JSON.parse(String(first)) as { url: string };
  return {
    dir,
    url,
    pid: service.pid as number,
    /** @returns its exit code; null when it had to be killed after `guardMs` */
    end: async (guardMs = 60_000): Promise<number | null> => {
      service.kill('SIGTERM');
      const hang = setTimeout(() => service.kill('SIGKILL'), guardMs);
      const [code] = await gone;
      clearTimeout(hang);
      await rm(dir, { recursive: true, force: true });
      return code as number | null;
    },
  };
};
