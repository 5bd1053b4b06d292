import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { carriersOf, openWorkbench, sh, type Workbench } from '../../support/programs.ts';
import { until } from '../../support/until.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench.close());

const never = new AbortController().signal;
const begin = async (script: string, upFile = 'up') => {
  const request = bench.launchRequest(sh(script));
  const launched = await bench.launcher.launch(request);
  launched.open();
  await until(() => bench.has(upFile));
  return { ...launched, token: request.token };
};
const isThere = (pid: number): boolean => {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};
const pidIn = (file: string): number => Number(bench.text(file));

test('a grandchild in a session of its own is found by its token and ended (S12)', async () => {
  const { identity, token } = await begin(
    'setsid sh -c "echo \\$\\$ > fled; echo > up; exec sleep 60" & wait',
  );
  const fled = pidIn('fled');
  // In the moment of its exec a process has no environment, and so no token.
  await until(() => bench.processes.members(identity, token).includes(fled));
  expect(bench.processes.members(identity, token)).toContain(identity.pid);
  await bench.processes.end(identity, token, 5000, never);
  expect(isThere(fled)).toBe(false);
  expect(bench.processes.members(identity, token)).toEqual([]);
});

test('a chain of processes, each of which leaves a successor in a new session and dies, is ended', async () => {
  // On its own it goes on for ever: no process of it lives longer than two milliseconds.
  await writeFile(
    join(bench.dir, 'hop.sh'),
    'trap "" TERM; echo hop >> hops; [ -e halt ] || setsid sh hop.sh &',
  );
  const { identity, token } = await begin(
    'sh hop.sh; while [ $(wc -l < hops) -lt 20 ]; do sleep 0.01; done; echo > up; exec sleep 60',
  );
  await bench.processes.end(identity, token, 50, never);
  const hops = bench.text('hops');
  // Another program goes all the way through: a chain would have had every chance to go on.
  await begin('sleep 0.1; echo > later', 'later');
  expect(bench.text('hops')).toBe(hops);
});

test('without an identity the token alone finds every process', async () => {
  const { identity, token } = await begin('sleep 60 & echo > up; wait');
  await until(() => bench.processes.members(null, token).length === 2);
  await bench.processes.end(null, token, 5000, never);
  expect(bench.processes.isAlive(identity)).toBe(false);
});

test('a program that ignores SIGTERM is killed after its grace (S25)', async () => {
  const { identity, token, exited } = await begin(
    'trap "" TERM; echo > up; while :; do sleep 0.05; done',
  );
  await bench.processes.end(identity, token, 100, never);
  expect(await exited).toMatchObject({ signal: 'SIGKILL' });
  expect(bench.processes.isAlive(identity)).toBe(false);
});

test('a program has its grace to clean up, and nobody disturbs the programs it cleans up with', async () => {
  const script =
    'trap "sleep 0.3 && echo clean > clean; exit 0" TERM; echo > up; while :; do sleep 0.01; done';
  const { identity, token, exited } = await begin(script);
  // Two who end it at once, as a drain and a runner do.
  await Promise.all([
    bench.processes.end(identity, token, 10_000, never),
    bench.processes.end(identity, token, 10_000, never),
  ]);
  expect(await exited).toMatchObject({ exit_code: 0 });
  expect(bench.text('clean')).toBe('clean\n');
});

test('a member of the group that wiped its environment and ignores SIGTERM is ended after its leader is gone', async () => {
  const stubborn = 'trap "" TERM; echo $$ > wiped; echo > up; while :; do sleep 0.05; done';
  const { identity, token } = await begin(`env -i PATH="$PATH" sh -c '${stubborn}' & wait`);
  await bench.processes.end(identity, token, 200, never);
  expect(isThere(pidIn('wiped'))).toBe(false);
});

describe('a pid that was given to somebody else', () => {
  test('is not alive under the old identity', async () => {
    const { identity, token } = await begin('echo > up; exec sleep 60');
    expect(bench.processes.isAlive(identity)).toBe(true);
    for (const other of [
      { startTicks: identity.startTicks - 1 },
      { bootId: 'another' },
      { pidNamespace: 'pid:[1]' },
    ])
      expect(bench.processes.isAlive({ ...identity, ...other })).toBe(false);
    await bench.processes.end(identity, token, 1000, never);
  });

  test('is never signalled, and neither is its group', async () => {
    const { identity, token } = await begin('sleep 60 & echo > up; wait');
    const before = { ...identity, startTicks: identity.startTicks - 1 };
    expect(bench.processes.members(before, 'another-token')).toEqual([]);
    await bench.processes.end(before, 'another-token', 0, never);
    expect(bench.processes.isAlive(identity)).toBe(true);
    expect(carriersOf(token)).toHaveLength(2);
    await bench.processes.end(identity, token, 1000, never);
  });
});

test('zombies do not count', async () => {
  // The parent never collects its child, so the child stays a zombie in the group.
  const { identity, token } = await begin(
    'sh -c "echo \\$\\$ > dead" & exec python3 -c "import time; open(\'up\',\'w\'); time.sleep(60)"',
  );
  await until(() => bench.has('dead') && pidIn('dead') > 0 && !isThere(pidIn('dead')));
  expect(bench.processes.members(identity, token)).toEqual([identity.pid]);
  await bench.processes.end(identity, token, 1000, never);
});

test('ending ends when its signal says so', async () => {
  const { identity, token } = await begin('trap "" TERM; echo > up; while :; do sleep 0.05; done');
  const stop = new AbortController();
  const ending = bench.processes.end(identity, token, 60_000, stop.signal);
  stop.abort();
  await expect(ending).rejects.toMatchObject({ name: 'AbortError' });
  await bench.processes.end(identity, token, 0, never);
});
