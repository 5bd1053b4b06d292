import { readFileSync, readlinkSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../services/host/clock.ts';
import type { ExitRecord } from '../../../stages/launcher-port.ts';
import { openWorkbench, sh, type Workbench } from '../../support/programs.ts';
import { until } from '../../support/until.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench.close());

const startTicksOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19]);
const nameOf = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();

describe('the gate', () => {
  test('nothing runs before it is opened, and the program runs after', async () => {
    const request = bench.launchRequest(sh('echo ran > ran'));
    const launched = await bench.launcher.launch(request);
    await until(() => nameOf(launched.identity.pid) === 'sh');
    // Another program goes all the way through meanwhile: this one had every chance to run.
    const other = await bench.launcher.launch(bench.launchRequest(sh('true')));
    other.open();
    await other.exited;
    expect(bench.has('ran')).toBe(false);

    launched.open();
    expect(await launched.exited).toMatchObject({ exit_code: 0, signal: null, ended_by: null });
    expect(bench.text('ran')).toBe('ran\n');
  });

  test('abandoned, it exits 125, nothing ran, and no evidence is left', async () => {
    const request = bench.launchRequest(sh('echo ran > ran'));
    const launched = await bench.launcher.launch(request);
    launched.abandon();
    expect(await launched.exited).toMatchObject({ exit_code: 125 });
    expect(bench.has('ran')).toBe(false);
    await expect(stat(request.exitPath)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('pid and start time stay the same when the gate becomes the program', async () => {
    const { identity, open, exited } = await bench.launcher.launch(
      bench.launchRequest({ argv: ['sleep', '60'] }),
    );
    open();
    await until(() => nameOf(identity.pid) === 'sleep');
    expect(identity).toEqual({
      pid: identity.pid,
      startTicks: startTicksOf(identity.pid),
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      pidNamespace: readlinkSync('/proc/self/ns/pid'),
    });
    process.kill(identity.pid, 'SIGKILL');
    expect(await exited).toMatchObject({ exit_code: null, signal: 'SIGKILL' });
  });

  test('the program has no gate, no terminal and only the environment it was given', async () => {
    const script = 'readlink /proc/$$/fd/0; readlink /proc/$$/fd/3 || echo closed; env';
    const request = bench.launchRequest(sh(script), { env: { PATH: '/usr/bin:/bin', GIVEN: '1' } });
    const launched = await bench.launcher.launch(request);
    launched.open();
    await launched.exited;
    const lines = (await readFile(request.stdoutPath, 'utf8')).trim().split('\n');
    expect(lines.slice(0, 2)).toEqual(['/dev/null', 'closed']);
    // The rest is what a shell sets by itself.
    const given = lines.slice(2).filter((line) => !/^(PWD|OLDPWD|SHLVL|_)=/.test(line));
    expect(given.toSorted()).toEqual(['GIVEN=1', 'PATH=/usr/bin:/bin']);
  });
});

test('output is appended to files that only the owner may read', async () => {
  const request = bench.launchRequest(sh('echo out; echo err >&2'));
  for (let turn = 0; turn < 2; turn += 1) {
    const launched = await bench.launcher.launch(request);
    launched.open();
    await launched.exited;
  }
  expect(await readFile(request.stdoutPath, 'utf8')).toBe('out\nout\n');
  expect(await readFile(request.stderrPath, 'utf8')).toBe('err\nerr\n');
  for (const path of [request.stdoutPath, request.stderrPath, request.exitPath])
    expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('the exit record is on disk when the exit is told', async () => {
  const request = bench.launchRequest(sh('exit 3'));
  const launched = await bench.launcher.launch(request);
  launched.open();
  const record: ExitRecord = await launched.exited;
  expect(record).toMatchObject({ exit_code: 3, signal: null, ended_by: null });
  expect(JSON.parse(await readFile(request.exitPath, 'utf8'))).toEqual(record);
});

test('a missing folder is refused by its name, and the launcher goes on', async () => {
  const cwd = join(bench.dir, 'missing');
  await expect(
    bench.launcher.launch(bench.launchRequest(sh('true'), { cwd })),
  ).rejects.toMatchObject({
    code: 'spawn-failed',
    message: `there is no folder ${cwd}`,
  });
  const next = await bench.launcher.launch(bench.launchRequest(sh('true')));
  next.open();
  expect(await next.exited).toMatchObject({ exit_code: 0 });
});

test('arguments that are too long for the system are refused, not thrown', async () => {
  const argv = ['true', 'x'.repeat(200_000)];
  await expect(bench.launcher.launch(bench.launchRequest({ argv }))).rejects.toMatchObject({
    code: 'spawn-failed',
  });
});

test('an exit that cannot be written down is told all the same and costs no other attempt its launcher', async () => {
  const request = bench.launchRequest(sh('true'), {
    exitPath: join(bench.dir, 'missing', 'exit.json'),
  });
  const before = bench.launcher.pid();
  const launched = await bench.launcher.launch(request);
  launched.open();
  expect(await launched.exited).toMatchObject({ exit_code: 0 });
  expect(bench.launcher.pid()).toBe(before);
  expect(bench.logged).toEqual([expect.stringContaining('could not be written down')]);
});

test('when the launcher is killed, waiting exits are told as lost, gated programs never run, and another one takes over', async () => {
  const working = bench.launchRequest({ argv: ['sleep', '60'] });
  const launched = await bench.launcher.launch(working);
  launched.open();
  await until(() => nameOf(launched.identity.pid) === 'sleep');
  const gated = await bench.launcher.launch(bench.launchRequest(sh('echo ran > ran')));

  const first = bench.launcher.pid() as number;
  process.kill(first, 'SIGKILL');
  await expect(launched.exited).rejects.toMatchObject({ code: 'launcher-lost' });
  await expect(gated.exited).rejects.toMatchObject({ code: 'launcher-lost' });
  await until(() => !bench.processes.isAlive(gated.identity));
  expect(bench.has('ran')).toBe(false);

  // Without being asked: an idle service is healthy again.
  const second = await until(() => bench.launcher.pid());
  expect(second).not.toBe(first);
  const next = await bench.launcher.launch(bench.launchRequest(sh('exit 7')));
  next.open();
  expect(await next.exited).toMatchObject({ exit_code: 7 });
  await bench.processes.end(launched.identity, working.token, 1000, new AbortController().signal);
});

test('the launcher holds none of the environment of the service, where its secrets are', async () => {
  const launched = await bench.launcher.launch(bench.launchRequest(sh('true')));
  launched.abandon();
  const names = readFileSync(`/proc/${bench.launcher.pid()}/environ`, 'utf8').match(
    /(?<=^|\0)[^=\0]+(?==)/g,
  );
  expect(names?.filter((name) => !name.startsWith('NODE_CHANNEL_'))).toEqual([]);
});

test('REL-1: when the service goes, the launcher keeps to the deadline of an ending that it was told, without a second SIGTERM', async () => {
  const request = bench.launchRequest(
    sh('trap "echo term >> terms" TERM; echo up > up; while :; do sleep 0.05; done'),
    { graceMs: 30_000 },
  );
  const launched = await bench.launcher.launch(request);
  launched.open();
  await until(() => bench.has('up'));
  const now = systemClock.monotonicMs();
  const ending = { termedAt: now, killAt: now + 200, bootId: systemClock.bootId() };
  bench.launcher.ending(request.token, ending);
  // Resolves when it has ended everything; its own grace is half a minute.
  await bench.launcher.close();
  expect([bench.processes.isAlive(launched.identity), bench.has('terms')]).toEqual([false, false]);
});

test('REL-11: a launcher that hangs does not answer, and answers once it goes on', async () => {
  await bench.launcher.ping();
  const pid = bench.launcher.pid() as number;
  let answers = 0;
  process.kill(pid, 'SIGSTOP');
  const silent = bench.launcher.ping().then(() => {
    answers += 1;
  });
  // Its pid is there all the while.
  await until(() => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') T '));
  expect([answers, bench.launcher.pid()]).toEqual([0, pid]);
  process.kill(pid, 'SIGCONT');
  await silent;
  expect(answers).toBe(1);
});

test('a signal from the terminal does not end the launcher', async () => {
  const pid = bench.launcher.pid() as number;
  const first = await bench.launcher.launch(bench.launchRequest(sh('true')));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(pid, name);
  first.open();
  expect(await first.exited).toMatchObject({ exit_code: 0 });
  expect(bench.launcher.pid()).toBe(pid);
  expect(bench.logged).toEqual([]);
});

test('closed, it takes no more work', async () => {
  await bench.launcher.close();
  await expect(bench.launcher.launch(bench.launchRequest(sh('true')))).rejects.toMatchObject({
    code: 'launcher-lost',
  });
  expect(bench.launcher.pid()).toBeNull();
});
