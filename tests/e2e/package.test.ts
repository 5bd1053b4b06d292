import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
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

/** As `npm install` leaves it, without asking a registry: only what the package itself names. */
const installed = (modules: string): string => {
  const home = join(modules, 'stagewright');
  execFileSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'bin/build-package.ts', home],
    { cwd: root },
  );
  for (const name of Object.keys(manifestOf(home).dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  return home;
};
type Manifest = { dependencies: Record<string, string> } & Record<string, unknown>;
const manifestOf = (home: string): Manifest =>
  JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as Manifest;

test('the npm package runs as it is installed: JavaScript below node_modules, the dashboard built, a stage of the user in TypeScript', async () => {
  dir = await mkdtemp(join(tmpdir(), 'stagewright-package-'));
  const home = installed(join(dir, 'node_modules'));
  mkdirSync(join(dir, 'pipelines'));
  await writeFile(
    join(dir, 'pipelines/mine.yaml'),
    'name: mine\nstages:\n  - { name: shell, run: ["true"] }\n  - { name: own, uses: ./own.ts }\n',
  );
  await writeFile(
    join(dir, 'own.ts'),
    'export const run = async (): Promise<{ outputs: { n: number } }> => ({ outputs: { n: 7 } });\n',
  );

  const asked =
    "import { simulate } from 'stagewright/testing'; console.log((await simulate('mine').fail('own').run()).why)";
  const told = execFileSync(process.execPath, ['--input-type=module', '-e', asked], { cwd: dir });
  expect(String(told)).toBe('own failed: ended with exit code 1\n');

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

test('TRUTH-4: the package has one program, which is not called node, and brings no Node, no engine and no scripts', async () => {
  dir = await mkdtemp(join(tmpdir(), 'stagewright-package-'));
  const home = installed(join(dir, 'node_modules'));
  const { bin, dependencies, ...rest } = manifestOf(home);
  expect(bin).toEqual({ stagewright: 'bin/stagewright.mjs' });
  expect(
    Object.keys(rest).filter((key) => /^(optional|dev)Dependencies$|^scripts$/.test(key)),
  ).toEqual([]);
  expect(rest).toMatchObject({
    engines: { node: '>=24' },
    peerDependencies: { '@duckdb/node-api': expect.any(String) },
    peerDependenciesMeta: { '@duckdb/node-api': { optional: true } },
  });
  const programs = Object.keys(dependencies).flatMap((name) => {
    const own = manifestOf(join(root, 'node_modules', name)).bin ?? {};
    return typeof own === 'string' ? [name] : Object.keys(own);
  });
  expect(programs).not.toContain('node');
  // Whatever its files import, it says that it needs.
  const imports = globSync('**/*.{js,mjs}', {
    cwd: home,
    exclude: ['dashboard/**', 'server/docs/**'],
  })
    .flatMap((file) => [
      ...readFileSync(join(home, file), 'utf8').matchAll(
        /^(?:import|export) [^'"]*?from '([^.'][^']*)'/gm,
      ),
    ])
    .map(([, name = '']) => name)
    .filter((name) => !name.startsWith('node:'))
    .map((name) =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    );
  const known = [...Object.keys(dependencies), '@duckdb/node-api'];
  expect(imports.length).toBeGreaterThan(10);
  expect([...new Set(imports)].filter((name) => !known.includes(name))).toEqual([]);
});

test('TRUTH-11: a new user in an empty folder: init, validate, serve, the first run is DONE, a backup; a built-in stage says what it lacks', async () => {
  dir = await mkdtemp(join(tmpdir(), 'stagewright-package-'));
  // As `npm install -g --prefix` lays it out.
  const home = installed(join(dir, 'prefix/lib/node_modules'));
  mkdirSync(join(dir, 'prefix/bin'));
  const program = join(dir, 'prefix/bin/stagewright');
  symlinkSync(relative(dirname(program), join(home, 'bin/stagewright.mjs')), program);
  const empty = join(dir, 'empty');
  mkdirSync(empty);
  const options = {
    cwd: empty,
    env: { HOME: dir, PATH: `${dirname(process.execPath)}:/usr/bin:/bin` },
  };
  const said = (...args: string[]): string => execFileSync(program, args, options).toString();
  expect(said('--version')).toBe(`${manifestOf(root).version}\n`);
  expect(said('help', 'init')).toContain('init [folder');
  // Nothing is here yet, and that is what it says.
  const early = spawnSync(program, ['doctor', '--url', 'http://127.0.0.1:1'], options);
  expect(String(early.stdout)).toContain('stagewright init');
  const lost = spawn(program, ['serve', '--port', '0'], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  lost.stderr.on('data', (chunk) => {
    log += String(chunk);
  });
  await until(() => log.includes('stagewright init writes a first pipeline'));
  lost.kill('SIGTERM');
  await once(lost, 'exit');
  expect(said('init')).toContain('stagewright run first');
  const again = spawnSync(program, ['init'], options);
  expect([again.status, String(again.stderr)]).toEqual([
    2,
    expect.stringContaining('nothing is overwritten'),
  ]);
  expect(said('validate')).toContain('gather → report');

  service = spawn(program, ['serve', '--config', 'stagewright.json', '--port', '0'], {
    ...options,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(service.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const { url } = JSON.parse(String(line)) as { url: string };
  const asked = { ...options, env: { ...options.env, STAGEWRIGHT_URL: url } };
  const ran = execFileSync(program, ['run', 'first', '--param', 'who=you'], asked).toString();
  expect(ran).toContain('DONE');
  expect(execFileSync(program, ['logs', 'first'], asked).toString()).toContain('hello you');
  const schema = await (await fetch(new URL('/schemas/pipeline.json', url))).text();
  expect(schema).toBe(readFileSync(join(home, 'schemas/pipeline.json'), 'utf8'));
  expect(said('backup', '../first.tar.gz')).toContain('1 run');

  await writeFile(
    join(empty, 'pipelines/bars.yaml'),
    'name: bars\nstages:\n  - { name: bars, uses: builtin:translator }\n',
  );
  const refused = spawnSync(program, ['validate'], options);
  expect([refused.status, String(refused.stderr)]).toEqual([
    1,
    expect.stringMatching(/bars\.yaml:3 .*@duckdb\/node-api is not installed.*npm install/),
  ]);
});
