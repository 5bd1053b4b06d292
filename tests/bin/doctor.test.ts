import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Served, serve, stagewright } from '../support/serve.ts';
import { projectWith } from '../support/service.ts';

let dir: string;
let stages: ChildProcess[] = [];
let service: Served | null = null;
beforeEach(async () => {
  dir = await projectWith({
    'p.yaml': 'name: p\nstages:\n  - { name: one, run: ["true"], timeout: 1m }\n',
  });
});
afterEach(async () => {
  await service?.end();
  service = null;
  for (const stage of stages) stage.kill('SIGKILL');
  stages = [];
  await rm(dir, { recursive: true });
});

/** A process with the marks of an attempt of this data directory. */
const stageOf = async (dataDir: string): Promise<number> => {
  const stage = spawn('sleep', ['600'], {
    env: {
      ...process.env,
      STAGEWRIGHT_ATTEMPT_TOKEN: 't',
      STAGEWRIGHT_WORKSPACE: join(dataDir, 'runs/r_1/workspace'),
    },
    stdio: 'ignore',
  });
  stages.push(stage);
  await once(stage, 'spawn');
  return stage.pid as number;
};
const processesOf = async (dataDir: string, url: string) => {
  const { out } = await stagewright([
    'doctor',
    '--json',
    '--url',
    url,
    '--data-dir',
    dataDir,
    '--pipelines',
    join(dir, 'pipelines'),
  ]);
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { what: string; level: string; detail: string })
    .find(({ what }) => what === 'processes');
};
const nobody = 'http://127.0.0.1:1';

test('TRUTH-5: processes of other data directories are none of its business', async () => {
  const dataDir = join(dir, 'data');
  await mkdir(join(dataDir, 'runs'), { recursive: true });
  await stageOf(join(dir, 'other'));
  await stageOf(join(dir, 'data-2'));
  expect(await processesOf(dataDir, nobody)).toMatchObject({ level: 'ok' });
  const own = await stageOf(dataDir);
  expect(await processesOf(dataDir, nobody)).toMatchObject({
    level: 'warning',
    detail: expect.stringMatching(new RegExp(`: ${own}$`)),
  });
  await symlink(dataDir, join(dir, 'link'));
  expect((await processesOf(join(dir, 'link'), nobody))?.detail).toContain(String(own));
});

test('TRUTH-5: a service that answers watches its own directory, and no other', async () => {
  service = await serve(dir);
  const own = await stageOf(join(dir, 'left'));
  await mkdir(join(dir, 'left'));
  expect(await processesOf(join(dir, 'left'), service.url)).toMatchObject({
    level: 'warning',
    detail: expect.stringContaining(String(own)),
  });
  expect(await processesOf(join(dir, 'data'), nobody)).toMatchObject({
    level: 'ok',
    detail: 'are watched by the service',
  });
});

test('doctor says when the last backup was made, and asks the service that has the directory', async () => {
  const of = async (dataDir: string, what: string, url = nobody) => {
    const { out } = await stagewright(['doctor', '--json', '--url', url, '--data-dir', dataDir]);
    const lines = out.trimEnd().split('\n');
    return lines
      .map((line) => JSON.parse(line) as { what: string; level: string; detail: string })
      .find((one) => one.what === what);
  };
  const dataDir = join(dir, 'data');
  expect(await of(dataDir, 'backup')).toMatchObject({ detail: 'there is nothing to keep yet' });
  service = await serve(dir);
  expect(await of(dataDir, 'backup')).toMatchObject({ level: 'warning' });
  await stagewright(['backup', join(dir, 'b'), '--data-dir', dataDir]);
  expect(await of(dataDir, 'backup')).toMatchObject({
    level: 'ok',
    detail: expect.stringContaining(join(dir, 'b')),
  });
  // Found by the directory, wherever --url leads.
  expect(await of(dataDir, 'service')).toMatchObject({ detail: `answers at ${service.url}` });
  expect(await of(join(dir, 'other'), 'service', service.url)).toMatchObject({
    level: 'warning',
    detail: expect.stringContaining('another data directory'),
  });
});
