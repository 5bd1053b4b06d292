import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import type { HealthReport } from '../../wire/health-report.ts';
import type { Status } from '../../wire/status.ts';
import { baseEnv, projectWith } from '../support/service.ts';
import { until } from '../support/until.ts';

const program = fileURLToPath(new URL('../../bin/stagewright.mjs', import.meta.url));
const pipelines = {
  'quick.yaml': 'name: quick\nstages:\n  - { name: one, run: ["true"], timeout: 1m }\n',
  'long.yaml':
    'name: long\nstages:\n  - { name: one, run: ["sh", "-c", "touch up; sleep 600"], timeout: 1h, on_restart: fail }\n',
  'stubborn.yaml':
    'name: stubborn\nstages:\n  - { name: one, run: ["sh", "-c", "trap \'\' TERM; touch up; while true; do sleep 0.05; done"], timeout: 1h, grace: 1m }\n',
};
let dir: string;
let shell: ChildProcess;
beforeEach(async () => {
  dir = await projectWith(pipelines);
});
afterEach(async () => {
  const owner = ownerOf();
  if (owner && isAlive(owner.pid)) process.kill(owner.pid, 'SIGKILL');
  shell.kill('SIGKILL');
  if (owner) await until(() => !isAlive(owner.pid));
  rmSync(dir, { recursive: true, maxRetries: 20, retryDelay: 50 });
});

const isAlive = (pid: number): boolean => {
  try {
    // A process that nobody has collected yet is gone all the same.
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
};
type Owner = { pid: number; url: string };
const ownerOf = (): Owner | null => {
  try {
    const owner = JSON.parse(readFileSync(join(dir, 'data/owner.json'), 'utf8')) as Owner;
    return owner.url ? owner : null;
  } catch {
    return null;
  }
};
/** Runs this line of shell, in which `$SERVE` is the service; resolves when state is answered. */
const begin = async (line: string, argv = ['sh', '-c']): Promise<Owner> => {
  const [file = '', ...rest] = argv;
  const serve = `${process.execPath} ${program} serve --port 0 --ballast 0 --min-free-disk 0 --data-dir ${dir}/data --pipelines ${dir}/pipelines`;
  shell = spawn(file, [...rest, line.replaceAll('$SERVE', serve)], {
    cwd: dir,
    env: { ...baseEnv, SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  shell.stdout?.resume();
  shell.stderr?.resume();
  const owner = await until(ownerOf, 60_000);
  await until(
    async () => (await fetch(new URL('/readyz', owner.url)).catch(() => null))?.ok,
    60_000,
  );
  return owner;
};
/** On a terminal of its own, which is gone when `script` is. */
const onTerminal = (line: string): Promise<Owner> =>
  begin(line, ['script', '--quiet', '--return', '/dev/null', '--command']);
const get = async <T>({ url }: Owner, path: string): Promise<T> =>
  (await fetch(new URL(path, url))).json() as Promise<T>;
const start = async ({ url }: Owner, pipeline: string): Promise<string> => {
  const response = await fetch(new URL(`/api/pipelines/${pipeline}/runs`, url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{}',
  });
  return ((await response.json()) as Status).run_id as string;
};
const runsOn = async (owner: Owner): Promise<void> => {
  const id = await start(owner, 'quick');
  await until(async () => (await get<Status>(owner, `/api/runs/${id}`)).state === 'DONE', 60_000);
};
const gone = ({ pid }: Owner) => until(() => !isAlive(pid), 60_000);
/** What the journal holds when the service is gone. */
const journal = (): { event: string; msg: string }[] => {
  const db = new DatabaseSync(join(dir, 'data/stagewright.sqlite'), { readOnly: true });
  const rows = db.prepare('SELECT event, msg FROM journal ORDER BY seq').all();
  db.close();
  return rows as { event: string; msg: string }[];
};

test.each([
  ['whose reader has read enough', '{ $SERVE 2>&1; echo $? > code; } | head -1'],
  ['whose reader was never there', '{ $SERVE 2>&1; echo $? > code; } | true'],
  ['on a disk without space', '$SERVE > /dev/full 2> /dev/full; echo $? > code'],
  ['that is closed', '$SERVE >&- 2>&-; echo $? > code'],
])('REL-8: a log %s ends nothing', async (_, line) => {
  const owner = await begin(line);
  // Each of them is many lines of log.
  await runsOn(owner);
  await runsOn(owner);
  expect((await get<HealthReport>(owner, '/api/health')).status).toBe('ok');
  process.kill(owner.pid, 'SIGTERM');
  await gone(owner);
  await until(() => existsSync(join(dir, 'code')));
  await until(() => readFileSync(join(dir, 'code'), 'utf8').trim() === '0');
});

test('REL-8: a terminal that is gone ends the service in order', async () => {
  const owner = await onTerminal('exec $SERVE');
  await runsOn(owner);
  await start(owner, 'long');
  await until(() => existsSync(join(dir, 'up')));
  shell.kill('SIGKILL');
  await gone(owner);
  // As by SIGTERM: the attempt was told, and the run judged by its policy before the end.
  expect(journal().map(({ event }) => event)).toContain('failed');
  expect(
    journal()
      .map(({ msg }) => msg)
      .join('\n'),
  ).toContain('the service was stopped');
});

test('REL-8: SIGHUP on a terminal that is there reads the files again, and ends nothing', async () => {
  const owner = await onTerminal('exec $SERVE');
  const count = async () => (await get<{ items: unknown[] }>(owner, '/api/pipelines')).items.length;
  expect(await count()).toBe(3);
  writeFileSync(join(dir, 'pipelines/more.yaml'), pipelines['quick.yaml'].replace('quick', 'more'));
  process.kill(owner.pid, 'SIGHUP');
  await until(async () => (await count()) === 4);
  await runsOn(owner);
});

test('REL-8: under nohup a terminal that is gone is none of its business', async () => {
  const owner = await onTerminal('nohup $SERVE & wait');
  shell.kill('SIGKILL');
  await until(() => shell.signalCode !== null);
  process.kill(owner.pid, 'SIGHUP');
  await runsOn(owner);
  expect(isAlive(owner.pid)).toBe(true);
});

test('Ctrl-C ends the service in order, and the same key heard twice is one', async () => {
  const owner = await onTerminal('exec $SERVE');
  await start(owner, 'long');
  await until(() => existsSync(join(dir, 'up')));
  const ended = once(shell, 'exit');
  shell.stdin?.write('\u0003');
  // npm passes the key on that the terminal has sent already.
  process.kill(owner.pid, 'SIGINT');
  expect(await ended).toEqual([0, null]);
  expect(journal().map(({ event }) => event)).toContain('failed');
});

test('Ctrl-C a second time ends it at once, with 130', async () => {
  const owner = await onTerminal('exec $SERVE --shutdown-timeout 1h');
  await start(owner, 'stubborn');
  await until(() => existsSync(join(dir, 'up')));
  const ended = once(shell, 'exit');
  shell.stdin?.write('\u0003');
  await until(
    async () => (await fetch(new URL('/readyz', owner.url)).catch(() => null))?.status !== 200,
  );
  // Until it is heard: keys that follow each other too fast are one.
  const keys = setInterval(() => shell.stdin?.write('\u0003'), 200);
  const [code] = await ended;
  clearInterval(keys);
  expect(code).toBe(130);
});
