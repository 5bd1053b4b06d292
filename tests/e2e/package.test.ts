import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Status } from '../../wire/status.ts';
import { baseEnv } from '../support/service.ts';
import { until } from '../support/until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let dir: string;
let service: ChildProcess | undefined;
afterEach(async () => {
  service?.kill('SIGTERM');
  if (service?.exitCode === null) await once(service, 'exit');
  await rm(dir, { recursive: true, force: true });
});

test('the npm package runs as it is installed: JavaScript below node_modules, the dashboard built, a stage of the user in TypeScript', async () => {
  dir = await mkdtemp(join(tmpdir(), 'stagewright-package-'));
  const home = join(dir, 'node_modules/stagewright');
  execFileSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'bin/build-package.ts', home],
    { cwd: root },
  );
  const { dependencies } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(dir, 'node_modules', name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(dir, 'node_modules', name));
  }
  mkdirSync(join(dir, 'pipelines'));
  await writeFile(
    join(dir, 'pipelines/mine.yaml'),
    'name: mine\nstages:\n  - { name: shell, run: ["true"] }\n  - { name: own, uses: ./own.ts }\n',
  );
  await writeFile(
    join(dir, 'own.ts'),
    'export const run = async (): Promise<{ outputs: { n: number } }> => ({ outputs: { n: 7 } });\n',
  );

  const program = join(home, 'bin/stagewright.mjs');
  service = spawn(process.execPath, [program, 'serve', '--port', '0'], {
    cwd: dir,
    env: baseEnv,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(service.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const { url } = JSON.parse(String(line)) as { url: string };
  const page = await (await fetch(url, { headers: { Accept: 'text/html' } })).text();
  expect(page).toContain('<div id="root"');
  await fetch(new URL('/api/pipeline/start', url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{}',
  });
  const status = await until(async () => {
    const now = (await (await fetch(new URL('/api/pipeline/status', url))).json()) as Status;
    return now.ended_at !== null && now;
  });
  expect(status).toMatchObject({
    state: 'DONE',
    stages: [{ state: 'succeeded' }, { state: 'succeeded', outputs: { n: 7 } }],
  });
});
