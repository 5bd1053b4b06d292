import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cli = fileURLToPath(new URL('../bin/stagewright.mjs', import.meta.url));

/**
 * Milliseconds from spawn to "listening", and resident memory (MB) of the idle service with its
 * launcher.
 */
export const measureStart = async (dir: string): Promise<{ coldMs: number; idleMb: number }> => {
  const begun = performance.now();
  const args = [
    cli,
    'serve',
    '--port',
    '0',
    '--data-dir',
    join(dir, 'cold'),
    '--pipelines',
    join(dir, 'pipelines'),
  ];
  const service = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'], cwd: dir });
  await once(service.stdout, 'data');
  const coldMs = performance.now() - begun;
  const pids = [
    service.pid,
    ...(await readFile(`/proc/${service.pid}/task/${service.pid}/children`, 'utf8'))
      .trim()
      .split(' '),
  ];
  let kb = 0;
  for (const pid of pids)
    kb += Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  service.kill('SIGTERM');
  await once(service, 'exit');
  return { coldMs, idleMb: kb / 1024 };
};
