import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { readConfig } from '../../services/host/config.ts';
import { serve } from '../support/serve.ts';
import { projectWith } from '../support/service.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
/** Instructions, each on one line. */
const instructions = read('ops/container/Containerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n/g, ' ')
  .split('\n');
const argvOf = (word: string): string[] => {
  const line = instructions.find((one) => one.startsWith(`${word} `) && one.includes('['));
  return JSON.parse(line?.slice(line.indexOf('[')) ?? '[]') as string[];
};
/** Those of the client, not of the image. */
const healthOf = (url: string): number | null => {
  const [program, ...args] = argvOf('HEALTHCHECK').map((one) =>
    one.replace('http://127.0.0.1:8000', url),
  );
  expect(program).toBe('node');
  return spawnSync(process.execPath, args).status;
};

test('the healthcheck of the image says whether a service lives', async () => {
  const dir = await projectWith({});
  const service = await serve(dir);
  expect(healthOf(service.url.replace(/\/$/, ''))).toBe(0);
  await service.end();
  expect(healthOf(service.url.replace(/\/$/, ''))).toBe(1);
  await rm(dir, { recursive: true });
});

test('the image runs as nobody in particular, below a PID 1 that reaps, with settings that the service knows', () => {
  expect(instructions).toContain('USER stagewright');
  expect(instructions.filter((line) => line.startsWith('VOLUME'))).toEqual(['VOLUME /project']);
  expect(argvOf('ENTRYPOINT')).toEqual(['tini', '--', 'stagewright']);
  const [verb, ...flags] = argvOf('CMD');
  expect(verb).toBe('serve');
  expect(readConfig(flags, {}, read)).toMatchObject({ data_dir: '/project/data' });
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  // The engine of the image is that of the tests.
  const { dependencies } = JSON.parse(read('package.json')) as {
    dependencies: Record<string, string>;
  };
  const engine = '@duckdb/node-api';
  expect(instructions.join('\n')).toContain(`${engine}@${dependencies[engine]}`);
});

test('compose closes the root, drops what nobody needs, waits longer than a shutdown, and mounts what is there', () => {
  const { services } = parse(read('ops/container/compose.yaml')) as {
    services: Record<string, Record<string, unknown> & { volumes: string[]; command?: string[] }>;
  };
  const { stagewright, proxy } = services;
  expect(stagewright).toMatchObject({
    read_only: true,
    tmpfs: ['/tmp'],
    cap_drop: ['ALL'],
    stop_grace_period: '30s',
  });
  const { shutdown_timeout } = readConfig(stagewright?.command?.slice(1) ?? [], {}, read);
  expect(shutdown_timeout).toBeLessThan(30_000);
  expect(proxy).toMatchObject({ network_mode: 'service:stagewright' });
  const [file = ''] = proxy?.volumes[0]?.split(':') ?? [];
  expect(existsSync(join(root, 'ops/container', file))).toBe(true);
});

test('the unit leaves the ending to the service, and does not try again what cannot be', () => {
  const unit = read('ops/systemd/stagewright.service');
  for (const line of ['KillMode=process', 'Delegate=yes', 'RestartPreventExitStatus=2 3 6'])
    expect(unit.split('\n')).toContain(line);
});
