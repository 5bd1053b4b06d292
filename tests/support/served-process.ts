import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { baseEnv, projectWith } from './service.ts';

const program = fileURLToPath(new URL('../../bin/stagewright.mjs', import.meta.url));

/** The whole service as a process of its own that can be killed and come back on its port. */
export const serveProcess = async (pipelines: Record<string, string>) => {
  const dir = await projectWith(pipelines);
  let service: ChildProcess;
  const begin = async (port: string): Promise<string> => {
    const folders = ['--data-dir', join(dir, 'data'), '--pipelines', join(dir, 'pipelines')];
    service = spawn(process.execPath, [program, 'serve', '--port', port, ...folders], {
      env: baseEnv,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = (await once(service.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    return (JSON.parse(String(line)) as { url: string }).url;
  };
  const kill = async (): Promise<void> => {
    if (service.exitCode !== null || service.signalCode !== null) return;
    service.kill('SIGKILL');
    await once(service, 'exit');
  };
  const url = await begin('0');
  return {
    dir,
    url,
    kill,
    back: () => begin(new URL(url).port),
    close: async (): Promise<void> => {
      await kill();
      await rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
};
