import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Tool } from './run-tools.ts';

const unit = fileURLToPath(new URL('../../ops/systemd/stagewright.service', import.meta.url));
const client = fileURLToPath(new URL('../../bin/stagewright.mjs', import.meta.url));
/** Higher is more open; a common service without walls has 9.6. */
const mostExposed = 4;

const analyze = (program: string, args: string[]): string => {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0 || /warning|unknown|ignoring/i.test(stderr)) throw new Error(stdout + stderr);
  return stdout;
};
const inFolder = async (work: (dir: string) => Promise<void>): Promise<void> => {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright unit % $ '));
  await work(dir).finally(() => rm(dir, { recursive: true }));
};

export const tool: Tool = {
  program: 'systemd-analyze',
  from: 'Debian: apt-get install systemd. It reads the unit; no service is started',
  checks: [
    {
      title: 'systemd reads every line of ops/systemd/stagewright.service',
      run: (program) =>
        inFolder(async (dir) => {
          // The program need not be installed here.
          const text = (await readFile(unit, 'utf8')).replace(
            '/usr/local/bin/stagewright',
            process.execPath,
          );
          const file = join(dir, 'stagewright.service');
          await writeFile(file, text);
          analyze(program, ['verify', '--man=no', file]);
        }),
    },
    {
      title: 'systemd reads the unit of stagewright init --unit, in a folder with an odd name',
      run: (program) =>
        inFolder(async (dir) => {
          execFileSync(process.execPath, [client, 'init', '--unit', dir]);
          analyze(program, ['verify', '--man=no', join(dir, 'stagewright.service')]);
        }),
    },
    {
      title: 'the unit is walled in (systemd-analyze security)',
      run: (program) => {
        const args = ['security', '--offline=true', `--threshold=${mostExposed * 10}`, unit];
        analyze(program, ['--no-pager', ...args]);
      },
    },
  ],
};
