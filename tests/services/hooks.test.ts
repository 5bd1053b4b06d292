import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '../../machines/commands.ts';
import type { Status } from '../../wire/status.ts';
import { commandAs, openJob, startJob } from '../support/job.ts';
import { ended, eventually, type Running, startRequest } from '../support/service.ts';

let on: Running;
afterEach(() => on.close());

const open = async (file: object): Promise<void> => {
  on = await openJob(file);
};
const start = (): Promise<string> => startJob(on);
const outcome = async (file: object): Promise<Status> => {
  await open(file);
  return ended(on.orchestrator, await start());
};
const tell = (id: string, command: Command) => commandAs(on, 'ada', id, command);
const there = (name: string) =>
  eventually(on.orchestrator, () =>
    access(join(on.dir, name)).then(
      () => true,
      () => false,
    ),
  );
const text = (name: string) => readFile(join(on.dir, name), 'utf8').catch(() => null);
const stage = (name: string, script: string, more: object = {}) => ({ name, script, ...more });
const waits = 'touch up; until [ -e go ]; do sleep 0.02; done';
const tellTeam = stage(
  'tell-team',
  'echo "$STAGEWRIGHT_FAILED_STAGE $STAGEWRIGHT_ERROR_CODE $STAGEWRIGHT_ERROR_MESSAGE" >> told; echo tell >> order',
);
const cleanUp = stage('clean-up', 'echo "clean ${STAGEWRIGHT_FAILED_STAGE:-none}" >> order');

test('after a failure the hooks of it run, then finally; both know what failed, and the run is shown where it did', async () => {
  const end = await outcome({
    stages: [stage('work', 'exit 3'), stage('never', 'true')],
    on_failure: [tellTeam],
    finally: [cleanUp],
  });
  expect(end).toMatchObject({
    state: 'FAILED',
    outcome: 'failed',
    stage: 'work',
    lock: null,
    error: { code: 'exit-code', stage: 'work' },
    stages: [
      { name: 'work', state: 'failed' },
      { name: 'never', state: 'pending' },
      { name: 'tell-team', role: 'hook', state: 'succeeded' },
      { name: 'clean-up', role: 'finally', state: 'succeeded' },
    ],
  });
  expect(end.stages[0]).not.toHaveProperty('role');
  expect([await text('told'), await text('order')]).toEqual([
    'work exit-code ended with exit code 3\n',
    'tell\nclean work\n',
  ]);
});

test('after a success only finally runs; its own failure is a warning and changes nothing', async () => {
  const end = await outcome({
    stages: [stage('work', 'true')],
    on_failure: [tellTeam],
    finally: [stage('broken', 'exit 1'), cleanUp],
  });
  expect(end).toMatchObject({
    state: 'DONE',
    outcome: 'success',
    stage: 'work',
    error: null,
    stages: [{}, { state: 'pending' }, { state: 'failed' }, { state: 'succeeded' }],
  });
  const { items } = await on.orchestrator.events({ runId: end.run_id as string, limit: 1000 });
  expect(items.filter(({ event }) => event === 'warning')).toMatchObject([
    { stage: 'broken', data: { kind: 'hook-failed', error: { code: 'exit-code' } } },
  ]);
  expect(await text('order')).toBe('clean none\n');
});

test('a run of nothing but skipped stages stays noop, whatever its hooks do', async () => {
  const end = await outcome({
    stages: [stage('work', 'echo \'::stagewright {"skip":"no new files"}\'')],
    finally: [cleanUp],
  });
  expect(end.outcome).toBe('noop');
});

test('while hooks work the run keeps its lock and says so, its timeout does not count, and a plain STOP changes nothing', async () => {
  await open({
    timeout: '1m',
    stages: [stage('work', 'true')],
    finally: [stage('clean-up', waits, { grace: '1s' })],
  });
  const id = await start();
  await there('up');
  const now = await on.orchestrator.run(id);
  expect([now.state, now.stage, now.lock?.key]).toEqual(['RUNNING_CLEAN_UP', 'clean-up', 'job']);
  expect(now.why).toMatch(/^all stages are over; clean-up is running/);
  expect(now.allowed).toEqual(expect.arrayContaining(['STOP']));
  expect(now.allowed).not.toContain('PAUSE');
  expect((await on.store.timers()).map(({ id: name }) => name)).not.toContain('RUN_TIMEOUT');
  await tell(id, { type: 'STOP', reason: 'plain' });
  expect((await on.orchestrator.run(id)).state).toBe('RUNNING_CLEAN_UP');
  await tell(id, { type: 'STOP', grace_ms: 0 });
  const end = await ended(on.orchestrator, id);
  expect([end.state, end.outcome, end.stages[1]?.state, end.lock]).toEqual([
    'DONE',
    'success',
    'stopped',
    null,
  ]);
  expect(await on.store.effects()).toEqual([]);
});

test('a stop lets finally run, as STOPPING, with a grace of its own; the hooks of a failure do not', async () => {
  await open({
    stages: [stage('work', `${waits}; sleep 600`, { grace: '1s' })],
    on_failure: [tellTeam],
    finally: [
      stage(
        'clean-up',
        'trap "echo ended >> order; exit 1" TERM; touch clean; until [ -e on ]; do sleep 0.02; done; echo on >> order',
        {
          timeout: '300ms',
          grace: '30s',
        },
      ),
      stage('last', 'echo last >> order'),
    ],
  });
  const id = await start();
  await there('up');
  await tell(id, { type: 'STOP', grace_ms: 0, reason: 'wrong day' });
  await there('clean');
  expect((await on.orchestrator.run(id)).state).toBe('STOPPING');
  const end = await ended(on.orchestrator, id);
  expect([end.state, end.outcome, end.why]).toEqual(['STOPPED', 'stopped', 'stopped: wrong day']);
  // Its timeout has ended the first one, which had its own grace to say so.
  expect([await text('order'), await text('told')]).toEqual(['ended\nlast\n', null]);
});

test('hooks are retried, judged and skipped like stages; preflight failures are told as well', async () => {
  const end = await outcome({
    stages: [{ name: 'work', run: ['no-such-program-anywhere'] }],
    on_failure: [
      stage('again', '[ $STAGEWRIGHT_ATTEMPT = 2 ]', {
        retry: { limit: 1, backoff: { initial: '1ms', jitter: 0 } },
      }),
      stage('not', 'true', { when: { equals: [1, 2] } }),
    ],
    finally: [tellTeam],
  });
  expect(end.stages.map(({ name, state, attempt }) => [name, state, attempt])).toEqual([
    ['work', 'pending', 0],
    ['again', 'succeeded', 2],
    ['not', 'skipped', 0],
    ['tell-team', 'succeeded', 1],
  ]);
  expect(await text('told')).toMatch(/^work command-not-found /);
});

test('one stage alone runs without hooks, and a new run from a stage runs them again', async () => {
  await open({ stages: [stage('work', '[ -e mended ]')], finally: [cleanUp] });
  const alone = await on.orchestrator.start(startRequest('job', { onlyStage: 'work' }));
  const one = await ended(on.orchestrator, alone.status.run_id as string);
  expect([one.stages.length, await text('order')]).toEqual([1, null]);
  const end = await ended(on.orchestrator, await start());
  await on.orchestrator
    .command(end.run_id as string, {
      command: { type: 'RETRY_FROM', definition: 'pinned' },
      actor: { kind: 'user', name: 'ada' },
      ifVersion: null,
      idempotency: null,
    })
    .then(({ status }) => ended(on.orchestrator, status.run_id as string));
  expect(await text('order')).toBe('clean work\nclean work\n');
});
