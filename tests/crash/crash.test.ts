import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../services/host/clock.ts';
import { openSqliteStore } from '../../services/sqlite/sqlite-store.ts';
import type { JournalEvent } from '../../wire/events.ts';
import type { Status } from '../../wire/status.ts';
import { baseEnv, projectWith } from '../support/service.ts';
import { hangMs } from '../support/until.ts';

const program = fileURLToPath(new URL('./doomed-service.ts', import.meta.url));

// `first` leaves a line each time it is done; `work` goes on until the test lets it go.
const yaml = (more = '') => `name: job
stages:
  - { name: first, run: ["bash", "-c", "echo done >> first.log"] }
  - { name: work, grace: 300ms, run: ["bash", "-c", "echo $STAGEWRIGHT_ATTEMPT >> work.log; until [ -e go ]; do sleep 0.02; done"]${more} }
  - { name: last, run: ["bash", "-c", "echo done >> last.log"] }
`;

type Service = { process: ChildProcess; url: string; gone: Promise<void> };
let dir: string;
let services: Service[] = [];
beforeEach(async () => {
  dir = await projectWith({ 'job.yaml': yaml() });
});
afterEach(async () => {
  for (const service of services) {
    service.process.kill('SIGKILL');
    await service.gone;
  }
  services = [];
  await rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

/** Looks again until it holds; the deadline is a hang guard. */
const until = async <T>(
  what: string,
  look: () => Promise<T | null | false | undefined> | T | null | false | undefined,
): Promise<T> => {
  const deadline = performance.now() + hangMs;
  while (performance.now() < deadline) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`never: ${what}\n${logs()}`);
};
const logged: string[] = [];
const logs = () => logged.slice(-60).join('');

/**
 * Starts the service; resolves when its port is open (the log of its address is written before
 * state is answered).
 */
const begin = async (
  point = 'none',
  more: string[] = [],
  env: Record<string, string> = {},
): Promise<Service> => {
  const args = [
    program,
    '--port',
    '0',
    '--data-dir',
    join(dir, 'data'),
    '--pipelines',
    join(dir, 'pipelines'),
    '--ballast',
    '0',
    ...more,
  ];
  const child = spawn(process.execPath, args, {
    env: { ...baseEnv, ...env, CRASH_POINT: point },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const service: Service = { process: child, url: '', gone };
  services.push(service);
  child.stderr?.on('data', (chunk) => logged.push(String(chunk)));
  let out = '';
  child.stdout?.on('data', (chunk) => {
    out += String(chunk);
    const line = out.split('\n').find((one) => one.includes('listening'));
    if (line) service.url = (JSON.parse(line) as { url: string }).url;
  });
  await until(
    'the service is up',
    () => service.url !== '' || child.exitCode !== null || child.signalCode !== null,
  );
  return service;
};
const get = async <T>(service: Service, path: string): Promise<T> =>
  (await fetch(new URL(path, service.url))).json() as Promise<T>;
const post = (service: Service, path: string, body = {}) =>
  fetch(new URL(path, service.url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
const status = (service: Service) => get<Status>(service, '/api/pipeline/status');
const events = async (service: Service) =>
  (await get<{ items: JournalEvent[] }>(service, '/api/events?limit=1000')).items;
const lines = async (name: string) =>
  (await readFile(join(dir, name), 'utf8').catch(() => '')).split('\n').filter(Boolean);
const letGo = () => writeFile(join(dir, 'go'), '');
const kill = async (service: Service) => {
  service.process.kill('SIGKILL');
  await service.gone;
};
const startRun = async (service: Service): Promise<string> => {
  const response = await post(service, '/api/pipeline/start');
  const body = (await response.json().catch(() => ({}))) as Status;
  return body.run_id as string;
};
const working = () => until('work has begun', async () => (await lines('work.log')).length > 0);
/** Only now may it be let go: a first attempt that saw the sign would have succeeded. */
const workingAgain = () => until('attempt 2', async () => (await lines('work.log')).length === 2);
const ended = (service: Service) =>
  until('the run ends', async () => {
    const now = await status(service);
    return ['DONE', 'FAILED', 'STOPPED'].includes(now.state) && now;
  });
/** Processes of stages: whatever carries a run id of this project's data directory. */
const stageProcesses = (): string[] =>
  readdirSync('/proc').flatMap((name) => {
    try {
      const environ = readFileSync(`/proc/${name}/environ`, 'latin1');
      return environ.includes(`STAGEWRIGHT_WORKSPACE=${dir}`) ? [name] : [];
    } catch {
      return [];
    }
  });

/**
 * What must hold after every crash: one run, its truth, finished stages done once, one start and
 * end an attempt, nobody left.
 */
const expectWhole = async (service: Service, attempts: string[]): Promise<Status> => {
  const end = await ended(service);
  expect([end.state, end.number, end.lock]).toEqual(['DONE', 1, null]);
  expect([await lines('first.log'), await lines('work.log'), await lines('last.log')]).toEqual([
    ['done'],
    attempts,
    ['done'],
  ]);
  const all = (await events(service)).filter(({ run_id }) => run_id === end.run_id);
  expect(all.map(({ run_seq }) => run_seq)).toEqual(all.map((_, index) => index + 1));
  const open = new Map<string, number>();
  for (const { stage, attempt, event } of all) {
    if (attempt === undefined) continue;
    const change =
      event === 'started'
        ? 1
        : ['succeeded', 'failed', 'skipped', 'stopped', 'lost'].includes(event)
          ? -1
          : 0;
    open.set(`${stage}/${attempt}`, (open.get(`${stage}/${attempt}`) ?? 0) + change);
  }
  expect([...open.values()].filter((left) => left !== 0)).toEqual([]);
  expect(stageProcesses()).toEqual([]);
  return end;
};

test('S03, S15: killed while working: the first state that is answered is true, and the same run ends DONE', async () => {
  const first = await begin();
  const id = await startRun(first);
  await working();
  await kill(first);
  const second = await begin();
  const truth = await status(second);
  expect(truth).toMatchObject({ run_id: id, canonical: 'running' });
  expect(truth.stages[0]).toMatchObject({ state: 'succeeded', attempt: 1 });
  // Either the lost attempt is being ended, or the next one is on its way; never the old one shown
  // as if it worked.
  expect(`${truth.why} ${truth.stages[1]?.attempt}`).toMatch(
    /ends attempt 1|tried again|is running, attempt 2/,
  );
  await workingAgain();
  await letGo();
  const end = await expectWhole(second, ['1', '2']);
  expect(end.stages[1]).toMatchObject({ attempt: 2, max_attempts: 2 });
  const facts = (await events(second)).map(({ event }) => event);
  expect(facts).toEqual(expect.arrayContaining(['lost', 'retrying', 'recovered']));
  // Nothing was begun twice at boot: every answer found its effect.
  expect(facts).not.toContain('stale');
});

test('before the state is settled the port answers 503 starting, not a state', async () => {
  // Composed here as `serve` does it; a real start settles within milliseconds.
  const { runService } = await import('../support/service.ts');
  const service = await runService({ dir, boot: false });
  await expect(service.orchestrator.status('job')).rejects.toMatchObject({
    code: 'starting',
    status: 503,
  });
  expect(service.orchestrator.health().status).toBe('starting');
  await service.close();
});

test('S03: with on_restart: fail the run is FAILED after a crash and its lock is free', async () => {
  await writeFile(join(dir, 'pipelines/job.yaml'), yaml(', on_restart: fail'));
  const first = await begin();
  await startRun(first);
  await working();
  await kill(first);
  const second = await begin();
  const end = await ended(second);
  expect([end.state, end.error?.code, end.lock]).toEqual(['FAILED', 'interrupted', null]);
  expect(stageProcesses()).toEqual([]);
  expect((await post(second, '/api/pipeline/start')).status).toBe(202);
  await letGo();
  expect((await ended(second)).state).toBe('DONE');
});

test.each([
  // Rolled back whole: the answer is on disk and is settled at boot; nothing is done again.
  ['before-commit', ['1']],
  // Committed, not started: begun at boot under the same attempt.
  ['after-commit', ['1']],
  // Recorded, but the gate never opened: nothing ran, the attempt is interrupted.
  ['before-the-gate-opens', ['2']],
  // The program had ended by itself and its evidence was written: settled, not repeated.
  ['before-settle', ['1']],
])('I4, I5: killed %s: the run ends DONE with attempts %j', async (point, attempts) => {
  await letGo();
  const first = await begin(point);
  await startRun(first);
  await first.gone;
  const second = await begin();
  await expectWhole(second, attempts);
});

test('killed in ending, when the drain begins: the old group is gone before the next attempt', async () => {
  await writeFile(
    join(dir, 'pipelines/job.yaml'),
    yaml(', timeout: 1s, retry: { limit: 3, backoff: { initial: 1ms } }'),
  );
  const first = await begin('in-ending');
  await startRun(first);
  await first.gone;
  await letGo();
  const second = await begin();
  await expectWhole(second, ['1', '2']);
});

test('killed in backoff: the timer is durable and the next attempt comes', async () => {
  const fails = yaml(', retry: { limit: 1, backoff: { initial: 700ms } }').replace(
    'until [ -e go ]',
    '[ $STAGEWRIGHT_ATTEMPT = 2 ] || exit 1; until [ -e go ]',
  );
  await writeFile(join(dir, 'pipelines/job.yaml'), fails);
  await letGo();
  const first = await begin();
  await startRun(first);
  await until('RETRYING', async () => (await status(first)).state === 'RETRYING');
  await kill(first);
  const second = await begin();
  const end = await expectWhole(second, ['1', '2']);
  expect(end.retry_count).toBe(1);
});

test('killed during stop: the next service finishes the stop, and nobody is left', async () => {
  const stubborn = yaml()
    .replace('grace: 300ms', 'grace: 30s')
    .replace('echo $', "trap '' TERM; echo $");
  await writeFile(join(dir, 'pipelines/job.yaml'), stubborn);
  const first = await begin();
  const id = await startRun(first);
  await working();
  expect((await post(first, '/api/pipeline/stop', { reason: 'enough' })).status).toBe(202);
  await kill(first);
  const second = await begin();
  expect(await status(second)).toMatchObject({ run_id: id, state: 'STOPPING' });
  // A second stop shortens the grace.
  expect((await post(second, '/api/pipeline/stop', { grace_ms: 0 })).status).toBe(202);
  const end = await ended(second);
  expect([end.state, end.lock, stageProcesses()]).toEqual(['STOPPED', null, []]);
});

test('killed while a skipped stage is being ended: the next service ends it and goes on with the next stage', async () => {
  const first = await begin('in-ending');
  const id = await startRun(first);
  await working();
  await post(first, `/api/runs/${id}/commands`, { type: 'SKIP_STAGE', reason: 'not today' }).catch(
    () => undefined,
  );
  await first.gone;
  const end = await expectWhole(await begin(), ['1']);
  expect(end.stages[1]).toMatchObject({ state: 'skipped', reason: 'skipped by api: not today' });
});

test('killed with a pause asked for: the next service holds the run instead of trying again, until it is resumed', async () => {
  const first = await begin();
  const id = await startRun(first);
  await working();
  expect((await post(first, `/api/runs/${id}/commands`, { type: 'PAUSE' })).status).toBe(202);
  await kill(first);
  const second = await begin();
  const paused = await until('PAUSED', async () => {
    const now = await status(second);
    return now.state === 'PAUSED' && now;
  });
  expect([paused.stage, paused.lock?.key, await lines('work.log'), stageProcesses()]).toEqual([
    'work',
    'job',
    ['1'],
    [],
  ]);
  await letGo();
  await post(second, `/api/runs/${id}/commands`, { type: 'RESUME' });
  await expectWhole(second, ['1', '2']);
});

test('T11: killed between the end of a run and the admission of the one that waits: the next service admits it', async () => {
  await writeFile(
    join(dir, 'pipelines/job.yaml'),
    `${yaml()}concurrency: { on_conflict: queue }\n`,
  );
  const first = await begin('at-admission');
  const id = await startRun(first);
  await working();
  const waits = await startRun(first);
  await letGo();
  await first.gone;
  const second = await begin();
  const end = await until('the second run ends', async () => {
    const now = await get<Status>(second, `/api/runs/${waits}`);
    return now.ended_at !== null && now;
  });
  expect([end.state, end.number]).toEqual(['DONE', 2]);
  expect((await get<Status>(second, `/api/runs/${id}`)).state).toBe('DONE');
});

test('killed during boot, twice: the third service tells the same truth', async () => {
  const first = await begin();
  await startRun(first);
  await working();
  await kill(first);
  for (let times = 0; times < 2; times += 1) await (await begin('during-boot')).gone;
  const third = await begin();
  await workingAgain();
  await letGo();
  await expectWhole(third, ['1', '2']);
});

test('the launcher is killed: the attempt is lost, its processes are ended, the run goes on', async () => {
  const service = await begin();
  await startRun(service);
  await working();
  const launcher = readdirSync('/proc').find((name) => {
    try {
      return (
        readFileSync(`/proc/${name}/cmdline`, 'latin1').includes('launcher-process.ts') &&
        readFileSync(`/proc/${name}/stat`, 'latin1').split(') ')[1]?.split(' ')[1] ===
          String(service.process.pid)
      );
    } catch {
      return false;
    }
  });
  process.kill(Number(launcher), 'SIGKILL');
  await workingAgain();
  await letGo();
  await expectWhole(service, ['1', '2']);
});

test('a stage is killed: its failure names the signal, and a retry goes on', async () => {
  await writeFile(
    join(dir, 'pipelines/job.yaml'),
    yaml(', retry: { limit: 1, backoff: { initial: 1ms } }'),
  );
  const service = await begin();
  await startRun(service);
  await working();
  for (const pid of stageProcesses()) process.kill(Number(pid), 'SIGKILL');
  await workingAgain();
  await letGo();
  await expectWhole(service, ['1', '2']);
  const failed = (await events(service)).find(
    ({ event, stage }) => event === 'failed' && stage === 'work',
  );
  expect(failed?.msg).toContain('SIGKILL');
});

test('S64: SIGTERM in a run of stubborn processes: out within the shutdown time, nobody left, the port free, the truth recorded', async () => {
  // Neither it nor its child in a session of its own listens to SIGTERM, and its grace is longer
  // than anybody would wait.
  const stubborn = yaml()
    .replace('grace: 300ms', 'grace: 1h')
    .replace(
      'echo $',
      "trap '' TERM; [ $STAGEWRIGHT_ATTEMPT = 2 ] || setsid bash -c \\\"trap '' TERM; sleep 600\\\" & echo $",
    );
  await writeFile(join(dir, 'pipelines/job.yaml'), stubborn);
  const first = await begin('none', ['--shutdown-timeout', '1s']);
  const id = await startRun(first);
  await working();
  expect(stageProcesses().length).toBeGreaterThanOrEqual(2);
  const since = performance.now();
  first.process.kill('SIGTERM');
  await first.gone;
  expect(performance.now() - since).toBeLessThan(10_000);
  expect([first.process.exitCode, stageProcesses()]).toEqual([0, []]);

  // The same port, at once; the run was lost, not stopped, and goes on.
  const second = await begin('none', ['--port', new URL(first.url).port]);
  expect((await status(second)).run_id).toBe(id);
  await workingAgain();
  await letGo();
  await expectWhole(second, ['1', '2']);
  const words = (await events(second))
    .filter(({ stage, attempt }) => stage === 'work' && attempt === 1)
    .map(({ event }) => event);
  expect(words).toEqual(['started', 'lost', 'retrying']);
});

test('S64: SIGTERM with on_restart: fail: the run is FAILED before the service is gone, and its lock is free', async () => {
  await writeFile(join(dir, 'pipelines/job.yaml'), yaml(', on_restart: fail'));
  const first = await begin();
  await startRun(first);
  await working();
  first.process.kill('SIGTERM');
  await first.gone;
  const second = await begin();
  const end = await status(second);
  expect([end.state, end.error?.code, end.lock, stageProcesses()]).toEqual([
    'FAILED',
    'interrupted',
    null,
    [],
  ]);
});

test.each([
  ['its launcher goes on', false],
  ['its launcher dies with it', true],
])(
  'REL-1: killed in STOPPING, the next service goes on with the same deadline and no second SIGTERM (%s)',
  async (_title, withLauncher) => {
    const script =
      "trap 'echo term >> terms.log' TERM; echo $$ >> work.log; while true; do sleep 0.05; done";
    const stage = `{ name: work, grace: 1h, run: ["bash", "-c", ${JSON.stringify(script)}] }`;
    await writeFile(join(dir, 'pipelines/job.yaml'), `name: job\nstages:\n  - ${stage}\n`);
    const first = await begin();
    await startRun(first);
    await working();
    await post(first, '/api/pipeline/stop');
    await until('SIGTERM has come', async () => (await lines('terms.log')).length > 0);
    const rows = openSqliteStore({
      path: join(dir, 'data/stagewright.sqlite'),
      synchronous: 'NORMAL',
      clock: systemClock,
    });
    const endingNow = async () =>
      (await rows.effects()).find(({ kind }) => kind === 'stage')?.ending ?? null;
    const ending = await until('the deadline is written down', endingNow);
    expect(ending.killAt - ending.termedAt).toBe(3_600_000);

    const [pid] = await lines('work.log');
    const launcher = Number(
      readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1],
    );
    if (withLauncher) process.kill(launcher, 'SIGKILL');
    await kill(first);

    const second = await begin();
    expect((await status(second)).state).toBe('STOPPING');
    await post(second, '/api/pipeline/stop');
    expect(await endingNow()).toEqual(ending);
    await post(second, '/api/pipeline/stop', { grace_ms: 0 });
    expect((await ended(second)).state).toBe('STOPPED');
    expect([await lines('terms.log'), stageProcesses()]).toEqual([['term'], []]);
    await rows.close();
  },
);

test('m34: evidence that is found after a crash is masked before it is told, and its files after it is recorded', async () => {
  const secret = 'swordfish-of-the-42nd-day';
  const tells = [
    'echo $STAGEWRIGHT_ATTEMPT >> work.log',
    'printf \'::stagewright {"output":{"got":"%s"},"progress":{"note":"%s"}}\\n\' $TOKEN $TOKEN',
    'printf \'{"file":"%s"}\' $TOKEN > $STAGEWRIGHT_OUTPUTS',
    'echo "$TOKEN" >&2',
  ].join('; ');
  const stages = `stages:\n  - { name: work, run: ["sh", "-c", ${JSON.stringify(tells)}] }\n`;
  await writeFile(join(dir, 'pipelines', 'job.yaml'), `name: job\nsecrets: [TOKEN]\n${stages}`);
  const first = await begin('before-settle', [], { TOKEN: secret });
  await startRun(first);
  await first.gone;
  const second = await begin('none', [], { TOKEN: secret });
  const run = await ended(second);
  expect(run).toMatchObject({ state: 'DONE', stages: [{ outputs: { got: '***', file: '***' } }] });
  expect(await lines('work.log')).toEqual(['1']);
  expect(JSON.stringify([run, await events(second)])).not.toContain(secret);
  await until('the files are masked', () => readdirSync(join(dir, 'data/unmasked')).length === 0);
  second.process.kill('SIGTERM');
  await second.gone;
  for (const name of readdirSync(join(dir, 'data'), { recursive: true, encoding: 'utf8' })) {
    const text = await readFile(join(dir, 'data', name), 'latin1').catch(() => '');
    expect([name, text.includes(secret)]).toEqual([name, false]);
  }
});

describe('Q28: a stage that is a request', () => {
  const keys: unknown[] = [];
  const other = createServer((request, response) => {
    keys.push(request.headers['idempotency-key']);
    // The first one waits for ever.
    if (keys.length > 1) response.end('fine');
  });
  const asked = () => until('the request is there', () => keys.length > 0);
  beforeEach(async () => {
    keys.length = 0;
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
    const request = `{ name: work, http: { url: "${url}", method: POST, body: x } }`;
    await writeFile(join(dir, 'pipelines/job.yaml'), `name: job\nstages:\n  - ${request}\n`);
  });
  afterEach(async () => {
    other.closeAllConnections();
    other.close();
    await once(other, 'close');
  });
  const words = async (service: Service) =>
    (await events(service)).filter(({ stage }) => stage === 'work').map(({ event }) => event);

  test('killed in the middle: the attempt is lost, no retry is taken away, and the next one sends the same Idempotency-Key', async () => {
    const first = await begin();
    const id = await startRun(first);
    await asked();
    await kill(first);
    const second = await begin();
    const end = await ended(second);
    expect([end.state, end.run_id, end.stages[0]?.attempt]).toEqual(['DONE', id, 2]);
    expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), keys[0]]);
    expect(await words(second)).toEqual(['started', 'lost', 'retrying', 'started', 'succeeded']);
  });

  test('killed when it was recorded and nothing was sent: it counts as lost all the same', async () => {
    const first = await begin('before-the-gate-opens');
    await startRun(first);
    await first.gone;
    expect(keys).toEqual([]);
    keys.push('not sent');
    const second = await begin();
    expect(await ended(second)).toMatchObject({ state: 'DONE', stages: [{ attempt: 2 }] });
    expect(keys).toHaveLength(2);
  });

  test('killed after the commit that bore it: it is begun, as the same attempt', async () => {
    const first = await begin('after-commit');
    await startRun(first);
    await first.gone;
    keys.push('not sent');
    const second = await begin();
    expect(await ended(second)).toMatchObject({ state: 'DONE', stages: [{ attempt: 1 }] });
  });
});
