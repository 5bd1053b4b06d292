import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LaunchRequest } from '../../../stages/launcher-port.ts';
import { carriersOf, openWorkbench, sh, type Workbench } from '../../support/programs.ts';
import { until } from '../../support/until.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench.close());

const serviceProgram = fileURLToPath(new URL('./service-process.ts', import.meta.url));
const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/**
 * Runs a service of its own that starts the programs; when `ready` holds it is killed, and its
 * launcher's end is awaited.
 */
const loseService = async (
  programs: { request: LaunchRequest; open: boolean }[],
  ready: () => boolean,
  meanwhile: (launcher: number) => Promise<unknown> = async () => {},
) => {
  const requestsPath = join(bench.dir, 'requests.json');
  await writeFile(requestsPath, JSON.stringify(programs));
  const service = fork(serviceProgram, [requestsPath, join(bench.dir, 'ready.json')], {
    execArgv: [],
    stdio: 'inherit',
  });
  await until(() => bench.has('ready.json') && bench.text('ready.json') !== '');
  const { launcher } = JSON.parse(bench.text('ready.json')) as { launcher: number; pids: number[] };
  await until(ready);
  await meanwhile(launcher);
  service.kill('SIGKILL');
  await once(service, 'exit');
  process.kill(launcher, 'SIGCONT');
  await until(() => !isThere(launcher));
};

test('a working group is ended and its exit record says that the service was lost', async () => {
  const request = bench.launchRequest(sh('sleep 61 & sleep 62 & echo up; wait'));
  await loseService([{ request, open: true }], () => carriersOf(request.token).length === 3);
  expect(carriersOf(request.token)).toEqual([]);
  expect(JSON.parse(await readFile(request.exitPath, 'utf8'))).toMatchObject({
    signal: 'SIGTERM',
    ended_by: 'service-lost',
  });
});

test('a gated program never runs and leaves no exit record', async () => {
  const request = bench.launchRequest(sh('echo ran > ran'));
  await loseService([{ request, open: false }], () => carriersOf(request.token).length === 1);
  expect(carriersOf(request.token)).toEqual([]);
  expect(bench.has('ran')).toBe(false);
  await expect(stat(request.exitPath)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a program that ignores SIGTERM, and a grandchild in a session of its own, are gone too', async () => {
  const stubborn = bench.launchRequest(
    sh('trap "" TERM; echo up > up1; while :; do sleep 0.05; done'),
    { graceMs: 200 },
  );
  const fled = bench.launchRequest(
    sh('setsid sh -c "trap \\"\\" TERM; echo up > up2; while :; do sleep 0.05; done" & wait'),
    {
      graceMs: 200,
    },
  );
  const programs = [stubborn, fled].map((request) => ({ request, open: true }));
  await loseService(programs, () => bench.has('up1') && bench.has('up2'));
  expect([...carriersOf(stubborn.token), ...carriersOf(fled.token)]).toEqual([]);
  expect(JSON.parse(await readFile(stubborn.exitPath, 'utf8'))).toMatchObject({
    signal: 'SIGKILL',
    ended_by: 'service-lost',
  });
});

test('a program that had ended by itself keeps its own ending', async () => {
  const request = bench.launchRequest(sh('exit 4'));
  await loseService(
    [{ request, open: true }],
    () => bench.processes.members(null, request.token).length === 0,
  );
  expect(JSON.parse(await readFile(request.exitPath, 'utf8'))).toMatchObject({
    exit_code: 4,
    ended_by: null,
  });
});

test('a program that ended by itself keeps its own ending when the launcher learns of it and of the loss at once', async () => {
  const request = bench.launchRequest(
    sh('echo > up; while [ ! -e go ]; do sleep 0.01; done; exit 4'),
  );
  await loseService(
    [{ request, open: true }],
    () => bench.has('up'),
    async (launcher) => {
      process.kill(launcher, 'SIGSTOP');
      await writeFile(join(bench.dir, 'go'), '');
      await until(() => bench.processes.members(null, request.token).length === 0);
    },
  );
  expect(JSON.parse(await readFile(request.exitPath, 'utf8'))).toMatchObject({
    exit_code: 4,
    ended_by: null,
  });
});
