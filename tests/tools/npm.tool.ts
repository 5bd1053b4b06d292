import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Tool } from './run-tools.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export const tool: Tool = {
  program: 'npm',
  from: 'comes with Node; it asks a registry for what the package needs',
  checks: [
    {
      title: 'npm install -g of the packed package: one program, and nobody else’s node is touched',
      run: async (program) => {
        const dir = await mkdtemp(join(tmpdir(), 'stagewright-npm-'));
        const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
        const npm = (args: string[], cwd = dir): string =>
          execFileSync(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'ignore'] }).toString();
        try {
          execFileSync(
            process.execPath,
            [join(root, 'bin/build-package.ts'), join(dir, 'package')],
            { cwd: root },
          );
          npm(['pack', '--pack-destination', dir], join(dir, 'package'));
          const packed = readdirSync(dir).find((name) => name.endsWith('.tgz'));
          const prefix = join(dir, 'prefix');
          npm(['install', '-g', '--ignore-scripts', '--prefix', prefix, `./${packed}`]);
          assert.deepEqual(readdirSync(join(prefix, 'bin')), ['stagewright']);
          const installed = join(prefix, 'bin/stagewright');
          assert.match(
            String(execFileSync(installed, ['--version'], { env })),
            /^\d+\.\d+\.\d+\n$/,
          );
          // In a project, too: its scripts keep the Node they had.
          npm(['init', '--yes']);
          npm(['install', '--ignore-scripts', `./${packed}`]);
          assert.equal(existsSync(join(dir, 'node_modules/.bin/node')), false);
          assert.equal(existsSync(join(dir, 'node_modules/@duckdb')), false);
        } finally {
          await rm(dir, { recursive: true, force: true });
        }
      },
    },
  ],
};
