import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { JournalEvent } from '../../wire/events.ts';
import type { Status } from '../../wire/status.ts';
import { baseEnv, projectWith } from '../support/service.ts';
import { until } from '../support/until.ts';

const program = fileURLToPath(new URL('../../bin/stagewright.mjs', import.meta.url));
const stage = (name: string, script: string, more = '') =>
  `name: ${name}\nstages:\n  - { name: work, run: [sh, -c, ${JSON.stringify(script)}]${more} }\n`;
const pipelines = {
  'good.yaml': `${stage('good', 'echo "day $DAY"', ', env: { DAY: "${params.day}" }')}params: { day: { type: string, default: today } }\nschedules: [ { id: nightly, cron: "30 2 * * *", timezone: America/Chicago, enabled: false } ]\n`,
  'bad.yaml': stage('bad', 'echo it broke >&2; exit 7'),
  'slow.yaml': stage('slow', 'sleep 60'),
  'stubborn.yaml': stage(
    'stubborn',
    'trap "echo asked >> asked" TERM; echo up > up; while :; do sleep 0.05; done',
  ).replace('name: work', 'name: work, grace: 1h'),
  'mended.yaml': `${stage('mended', 'test -e mended').replace(']', '], retry: { limit: 1, backoff: { initial: 1h, max: 30m } }')}`,
};

type Ended = { code: number | null; out: string; err: string };
const children: ChildProcess[] = [];
const begin = (
  args: string[],
  env: Record<string, string> = {},
): { child: ChildProcess; ended: Promise<Ended> } => {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...baseEnv, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const read = Promise.all([
    once(child, 'close'),
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
  ]);
  return {
    child,
    ended: read.then(([[code], out, err]) => ({ code: code as number | null, out, err })),
  };
};
const run = (...args: string[]): Promise<Ended> => begin(args).ended;

let dir: string;
let url: string;
let service: ReturnType<typeof begin>;
const serve = (...more: string[]) =>
  begin([
    'serve',
    '--port',
    '0',
    '--data-dir',
    join(dir, 'data'),
    '--pipelines',
    join(dir, 'pipelines'),
    ...more,
  ]);
/** A client command against the service of this file. */
const ask = (...args: string[]): Promise<Ended> => run(...args, '--url', url);
const statusOf = async (pipeline: string): Promise<Status> =>
  JSON.parse((await ask('status', pipeline, '--json')).out) as Status;

beforeAll(async () => {
  dir = await projectWith(pipelines);
  service = serve();
  const [line] = (await once(service.child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const ready = JSON.parse(String(line)) as { event: string; url: string };
  expect(ready.event).toBe('listening');
  url = ready.url;
});
afterAll(async () => {
  // A test that failed may have left a client waiting.
  for (const child of children)
    if (child !== service.child && child.exitCode === null) child.kill('SIGKILL');
  service.child.kill('SIGTERM');
  expect((await service.ended).code).toBe(0);
  await rm(dir, { recursive: true });
});

test('the entry point links on a Node that is too old, so that it can bring the right one', () => {
  const source = readFileSync(program, 'utf8');
  // Node 20 has these; a named import of anything newer ends it before it can help
  // (enableCompileCache came with 22).
  const names = [...source.matchAll(/import [^;{]*\{([^}]+)\} from 'node:/g)].flatMap(([, list]) =>
    (list as string).split(',').map((name) => name.trim()),
  );
  expect(names.toSorted()).toEqual(['fileURLToPath', 'spawn']);
});

describe('exit 0', () => {
  test.each([['help'], ['--help'], []])('for %s, which lists the commands', async (...args) => {
    const { code, out } = await run(...args);
    expect(code).toBe(0);
    for (const word of ['serve', 'start', 'status', 'stop', 'events'])
      expect(out).toContain(`  ${word} `);
  });

  test('for a run that is DONE', async () => {
    const { code, out } = await ask('start', 'good', '--param', 'day=2018-05-11', '--wait');
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('DONE') });
    expect((await statusOf('good')).params).toEqual({ day: '2018-05-11' });
  });

  test('for a start that was accepted, before the run ends', async () => {
    const { code, out } = await ask('start', 'good', '--json');
    expect(code).toBe(0);
    const { run_id } = JSON.parse(out) as Status;
    expect((await ask('events', run_id as string, '--follow')).code).toBe(0);
    const events = (await ask('events', run_id as string, '--json')).out.trimEnd().split('\n');
    expect(events.map((line) => (JSON.parse(line) as JournalEvent).run_seq)).toEqual(
      events.map((_, index) => index + 1),
    );
  });
});

describe('exit 1 (S14)', () => {
  test('for a run that FAILED, with what the stage said', async () => {
    const { code, out } = await ask('start', 'bad', '--wait');
    expect(code).toBe(1);
    expect(out).toContain('FAILED');
    expect(out).toContain('it broke');
    expect((await ask('status', 'bad')).code).toBe(1);
  });
});

describe('acknowledge', () => {
  test('forgets failures with a reason (0), and says so when there are none (3)', async () => {
    await ask('start', 'bad', '--wait');
    expect(await ask('acknowledge', 'bad', '--reason', 'the feed was down')).toMatchObject({
      code: 0,
      out: expect.stringContaining('bad'),
    });
    expect(await ask('acknowledge', 'bad', '--reason', 'again')).toMatchObject({
      code: 3,
      err: expect.stringContaining('nothing-to-acknowledge'),
    });
    expect(await ask('acknowledge', 'bad')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--reason'),
    });
  });
});

describe('exit 2', () => {
  test.each([
    [['strat'], 'did you mean start?'],
    [['start', 'good', '--wiat'], "Unknown option '--wiat'"],
    [['start', 'good', 'more'], 'unexpected argument more'],
    [['start', 'good', '--param', 'day'], 'expected name=value'],
    [['events', 'good'], 'good is no run id'],
    [['status', '--url', 'nowhere'], 'nowhere is no URL'],
    [['serve', '--prot', '1'], 'did you mean --port?'],
    [['serve', '--host', '0.0.0.0'], 'only loopback'],
  ])('for %j: %s', async (args, problem) => {
    const { code, err } = await run(...args);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(problem) });
  });

  test('for a time limit that is none, before any run is started', async () => {
    expect(await ask('start', 'slow', '--wait', '--timeout', 'soon')).toMatchObject({
      code: 2,
      err: expect.stringContaining('expected seconds'),
    });
    expect((await statusOf('slow')).run_id).toBeNull();
  });

  test('for a pipeline that does not exist and a parameter nobody declared, with what was meant', async () => {
    expect(await ask('start', 'goood')).toMatchObject({
      code: 2,
      err: expect.stringContaining('did you mean good?'),
    });
    expect(await ask('start', 'good', '--param', 'dya=x')).toMatchObject({
      code: 2,
      err: expect.stringContaining('did you mean `day`?'),
    });
  });
});

test('REL-1: stop asks, again changes nothing, and --now ends what has an hour left', async () => {
  const { run_id } = JSON.parse((await ask('start', 'stubborn', '--json')).out) as Status;
  await until(() => existsSync(join(dir, 'up')));
  expect((await ask('stop', 'stubborn')).code).toBe(0);
  expect((await ask('stop', run_id as string)).code).toBe(0);
  expect((await statusOf('stubborn')).state).toBe('STOPPING');
  expect((await ask('stop', 'stubborn', '--now')).code).toBe(0);
  await until(async () => (await statusOf('stubborn')).state === 'STOPPED');
});

describe('exit 3, 5, 124 and 130', () => {
  test('for a refusal, a stopped run, a wait that took too long and Ctrl-C', async () => {
    expect((await ask('stop', 'slow')).code).toBe(3);

    const first = await ask('start', 'slow', '--wait', '--timeout', '0.5');
    expect(first.code).toBe(124);
    const { run_id, state } = await statusOf('slow');
    expect(state).toBe('RUNNING_WORK');
    expect(await ask('start', 'slow')).toMatchObject({
      code: 3,
      err: expect.stringContaining(run_id as string),
    });

    const follower = begin(['events', run_id as string, '--follow', '--url', url]);
    await once(follower.child.stdout as NodeJS.ReadableStream, 'data');
    follower.child.kill('SIGINT');
    expect((await follower.ended).code).toBe(130);

    expect((await ask('stop', 'slow', '--reason', 'enough')).code).toBe(0);
    await until(async () => (await statusOf('slow')).state === 'STOPPED');
    expect(await ask('status', run_id as string)).toMatchObject({
      code: 5,
      out: expect.stringContaining('enough'),
    });
  });

  test('for a second service on one data directory, naming the first (S01)', async () => {
    const { code, err } = await serve().ended;
    expect(code).toBe(3);
    expect(err).toContain(`pid ${service.child.pid} at ${url}`);
  });
});

describe('exit 4', () => {
  const closedPort = async (): Promise<number> => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
  };

  test.each([['status'], ['start'], ['stop'], ['events'], ['events', '--follow']])(
    'for %s when nobody answers',
    async (...args) => {
      const { code, err } = await run(...args, '--url', `http://127.0.0.1:${await closedPort()}`);
      expect({ code, err }).toEqual({
        code: 4,
        err: expect.stringContaining('no service answers'),
      });
    },
  );

  test('when something else answers', async () => {
    const other = createServer((_request, response) => response.end('<html>hello</html>')).listen(
      0,
      '127.0.0.1',
    );
    await once(other, 'listening');
    const { code, err } = await begin(['status'], {
      STAGEWRIGHT_URL: `http://127.0.0.1:${(other.address() as AddressInfo).port}`,
    }).ended;
    other.close();
    expect({ code, err }).toEqual({ code: 4, err: expect.stringContaining('is not Stagewright') });
  });
});

describe('what the service keeps', () => {
  test('run follows a run to its end and shows what happens on the way', async () => {
    const { code, out } = await ask('run', 'good', '--param', 'day=monday');
    expect(code).toBe(0);
    for (const word of ['accepted', 'started', 'succeeded', 'DONE']) expect(out).toContain(word);
    expect(out).not.toContain('\u001b');
  });

  test('logs prints what a stage wrote to the stream it wrote it to, also while it runs', async () => {
    await ask('run', 'good', '--param', 'day=tuesday');
    expect(await ask('logs', 'good')).toEqual({ code: 0, out: 'day tuesday\n', err: '' });
    await ask('run', 'bad');
    expect(await ask('logs', 'bad', '--follow')).toEqual({ code: 0, out: '', err: 'it broke\n' });
    expect(await ask('logs', 'bad', '--attempt', '1')).toEqual({
      code: 0,
      out: '',
      err: 'it broke\n',
    });
  });

  test('runs lists the history with its filters, as lines or as JSON', async () => {
    const failed = await ask('runs', '--state', 'FAILED', '--limit', '1', '--json');
    const [line] = failed.out.trimEnd().split('\n');
    expect(JSON.parse(line as string)).toMatchObject({ pipeline: 'bad', state: 'FAILED' });
    expect((await ask('runs', 'good')).out).not.toContain('FAILED');
    expect(await ask('runs', '--state', 'failed')).toMatchObject({
      code: 2,
      err: expect.stringContaining('expected a state'),
    });
  });

  test('chart prints the chart in the format asked for', async () => {
    expect((await ask('chart', 'good')).out).toMatch(/^stateDiagram-v2/);
    expect((await ask('chart', 'good', '--format', 'svg')).out).toMatch(/^<svg /);
    expect((await ask('chart', 'good', '--format', 'png')).code).toBe(2);
  });

  test('start --key: the second start with it is the first one', async () => {
    const first = JSON.parse((await ask('start', 'good', '--key', 'k1', '--json')).out) as Status;
    const second = JSON.parse((await ask('start', 'good', '--key', 'k1', '--json')).out) as Status;
    expect(second.run_id).toBe(first.run_id);
  });
});

test('schedules lists, previews, enables, disables, pauses and fills in what is past, in words and as JSON', async () => {
  expect(await ask('schedules')).toMatchObject({
    code: 0,
    out: expect.stringMatching(
      /^nightly {2}disabled {2}good {2}30 2 \* \* \* {2}America\/Chicago\n/,
    ),
  });
  const preview = await ask(
    'schedules',
    'preview',
    'nightly',
    '--from',
    '2027-03-13T12:00:00Z',
    '--count',
    '1',
  );
  expect(preview.out).toBe(
    '  2027-03-14 08:00Z  2027-03-14T03:00:00-05:00  start           02:30 does not exist on 2027-03-14: run once, at the shift, 03:00\n',
  );
  expect((await ask('schedules', 'preview', '--cron', '0 12 * * *', '--json')).out).toContain(
    '"timezone":"UTC"',
  );
  expect((await ask('schedules', 'enable', 'nightly')).out).toContain('next ');
  expect((await ask('schedules', 'upcoming', '--limit', '1')).out).toMatch(/^nightly .* start\n$/);
  expect((await ask('schedules', 'pause', '--reason', 'move')).out).toContain('paused');
  expect((await ask('schedules')).out).toMatch(/^all schedules are paused by .*: move\n/);
  expect((await ask('schedules', 'resume')).code).toBe(0);
  expect((await ask('schedules', 'disable', 'nightly', '--json')).out).toContain('"enabled":false');
  const window = ['--from', '2026-01-01T00:00:00Z', '--to', '2026-01-03T00:00:00Z'];
  expect((await ask('schedules', 'backfill', 'nightly', ...window, '--dry-run')).out).toMatch(
    /2026-01-01T02:30:00-06:00 {2}runs\n.*\n2 slots would run\n$/,
  );
  const [, id] =
    /(b_\w+): 2 slots run, one/.exec(
      (await ask('schedules', 'backfill', 'nightly', ...window)).out,
    ) ?? [];
  expect((await ask('schedules', 'cancel', id as string)).out).toContain(`${id} cancelled`);
  expect((await ask('schedules', 'show', 'nightly')).out).toContain('2026-01-02 08:30');
});

test.each([
  [['schedules', 'lst'], 2, 'expected list, show'],
  [['schedules', 'enable'], 2, 'name a schedule'],
  [['schedules', 'preview'], 2, '--cron'],
  [['schedules', 'backfill', 'nightly'], 2, '--from and --to'],
  [['schedules', 'show', 'nightl'], 2, 'did you mean nightly?'],
])('%j exits %i: %s', async (args, code, words) => {
  expect(await ask(...args)).toMatchObject({ code, err: expect.stringContaining(words) });
});

describe('without a service', () => {
  test('validate names every fault with its file and line, and exits 1; 0 when all is well', async () => {
    expect(await run('validate', join(dir, 'pipelines'))).toMatchObject({
      code: 0,
      out: expect.stringContaining('good: work'),
    });
    const other = await projectWith({
      'x.yaml': 'name: x\nstages:\n  - { name: a, rnu: ["true"] }\n',
    });
    const { code, err } = await run('validate', join(other, 'pipelines'));
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(/x\.yaml:3 .*did you mean `run`/),
    });
    await rm(other, { recursive: true });
    expect(await run('validate', '/nowhere')).toMatchObject({ code: 2 });
  });

  test('validate says what may go wrong; a warning counts with --strict only, an error always', async () => {
    const warned = { name: 'a', run: ['true'], timeout: '1m', heartbeat: '2m' };
    const wrong = { name: 'a', uses: 'builtin:merger', timeout: '1m', limits: { memory: '8MB' } };
    const other = await projectWith({ 'w.json': JSON.stringify({ name: 'w', stages: [warned] }) });
    const file = join(other, 'pipelines', 'w.json');
    expect(await run('validate', file)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/warning {2}w\.json:1: heartbeat 2m never/),
    });
    expect((await run('validate', file, '--strict')).code).toBe(1);
    expect(JSON.parse((await run('validate', file, '--json')).out).pipelines[0].lint).toMatchObject(
      [{ code: 'limit-never-reached', line: 1 }],
    );
    await writeFile(file, JSON.stringify({ name: 'w', stages: [wrong] }));
    expect(await run('validate', file)).toMatchObject({
      code: 1,
      out: expect.stringContaining('(memory-below-node)'),
    });
    await rm(other, { recursive: true });
  });

  test('the service says what may go wrong in its log when it starts, one line each', async () => {
    const { child, ended } = begin([
      'serve',
      '--port',
      '0',
      '--data-dir',
      join(dir, 'linted'),
      '--pipelines',
      join(dir, 'pipelines'),
    ]);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    child.kill('SIGTERM');
    const lines = (await ended).err.split('\n').filter((line) => line.includes('mended.yaml:3'));
    expect(
      lines.map((line) => [
        JSON.parse(line).level,
        /\(([a-z-]+)\)$/.exec(JSON.parse(line).message)?.[1],
      ]),
    ).toEqual([
      ['info', 'default-timeout'],
      ['warn', 'backoff-max-below-initial'],
    ]);
  });

  test('the pipelines that ship with the product have nothing to warn of', async () => {
    expect(
      (
        await run(
          'validate',
          fileURLToPath(new URL('../../pipelines', import.meta.url)),
          '--strict',
        )
      ).code,
    ).toBe(0);
  });

  test('doctor finds the service that works, and says what to do where none does', async () => {
    const well = await run(
      'doctor',
      '--url',
      url,
      '--data-dir',
      join(dir, 'data'),
      '--pipelines',
      join(dir, 'pipelines'),
    );
    expect(well).toMatchObject({
      code: 0,
      out: expect.stringContaining(`in use by the service with pid ${service.child.pid}`),
    });
    const other = createServer((_request, response) => response.end('hello')).listen(
      0,
      '127.0.0.1',
    );
    await once(other, 'listening');
    const taken = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const ill = await run(
      'doctor',
      '--url',
      taken,
      '--data-dir',
      join(dir, 'none'),
      '--pipelines',
      join(dir, 'none'),
      '--json',
    );
    other.close();
    const findings = ill.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { what: string; level: string; todo: string | null });
    expect(findings.find(({ what }) => what === 'port')).toMatchObject({
      level: 'wrong',
      todo: expect.stringContaining('--port'),
    });
    expect(findings.find(({ what }) => what === 'store')?.level).toBe('ok');
    expect(ill.code).toBe(1);
  });

  test.each(['bash', 'zsh', 'fish'])(
    'completion for %s knows every command and its options',
    async (shell) => {
      const { code, out } = await run('completion', shell);
      expect(code).toBe(0);
      for (const word of ['doctor', 'validate', 'logs', 'follow', 'serve'])
        expect(out).toContain(word);
      expect((await run('completion', 'tcsh')).code).toBe(2);
    },
  );
});

test('pause, resume, retry and skip say what the run does then, and exit 3 with what is possible instead', async () => {
  await ask('start', 'mended');
  await until(async () => (await statusOf('mended')).state === 'RETRYING');
  expect(await ask('skip', 'mended', '--outputs', '[1]')).toMatchObject({
    code: 2,
    err: expect.stringContaining('expected a JSON object'),
  });
  expect(await ask('pause', 'mended', '--reason', 'look')).toMatchObject({
    code: 0,
    out: expect.stringContaining('PAUSED'),
  });
  expect(await ask('retry', 'mended')).toMatchObject({
    code: 3,
    err: expect.stringContaining('possible now: STOP, SKIP_STAGE, RESUME'),
  });
  expect((await ask('resume', 'mended')).code).toBe(0);
  await until(async () => (await statusOf('mended')).state === 'FAILED');
  await writeFile(join(dir, 'mended'), '');
  const retried = await ask('retry', 'mended', '--wait', '--json');
  expect([retried.code, (JSON.parse(retried.out) as Status).metadata.retry_from]).toEqual([
    0,
    'work',
  ]);
});

test('reload says what has changed, and exits 1 when a file does not hold, which goes on as before', async () => {
  expect(await ask('reload')).toMatchObject({ code: 0, out: 'nothing changed\n' });
  const path = join(dir, 'pipelines/good.yaml');
  const text = readFileSync(path, 'utf8');
  await writeFile(path, 'name: good\n');
  expect(await ask('reload')).toMatchObject({
    code: 1,
    out: 'kept: good\n',
    err: expect.stringContaining('good.yaml'),
  });
  expect((await ask('start', 'good', '--wait')).code).toBe(0);
  await writeFile(path, text);
  service.child.kill('SIGHUP');
  await until(async () =>
    (await ask('events', '--json', '--limit', '50')).out.includes(
      'read again by SIGHUP; nothing changed',
    ),
  );
});
