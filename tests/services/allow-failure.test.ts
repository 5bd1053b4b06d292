import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Status } from '../../wire/status.ts';
import { openJob, startJob } from '../support/job.ts';
import { ended, eventually, type Running } from '../support/service.ts';

let on: Running;
afterEach(() => on.close());

const open = async (stages: object[], more: object = {}): Promise<void> => {
  on = await openJob({ ...more, stages });
};
const start = (): Promise<string> => startJob(on);
const outcome = async (...given: Parameters<typeof open>): Promise<Status> => {
  await open(...given);
  return ended(on.orchestrator, await start());
};
const says = async (runId: string | null) =>
  (await on.orchestrator.events({ runId: runId as string, after: 0, limit: 1000 })).items
    .filter(({ event }) =>
      ['started', 'failed', 'retrying', 'warning', 'succeeded'].includes(event),
    )
    .map(({ stage, event, attempt }) => [stage, event, attempt].filter(Boolean).join(' '));
const states = ({ stages }: Status) => stages.map(({ state }) => state);
const tests = (more: object = {}) => ({
  name: 'tests',
  script: 'echo "no row" >&2; exit 3',
  allow_failure: true,
  ...more,
});
const last = { name: 'last', script: 'true' };

test('a stage that may fail is tried as often as it says; then the run goes on and is partial, with a warning', async () => {
  const end = await outcome([
    tests({ retry: { limit: 1, backoff: { initial: '1ms', jitter: 0 } } }),
    last,
  ]);
  expect(end).toMatchObject({
    state: 'DONE',
    outcome: 'partial',
    error: null,
    why: 'done in part: tests: ended with exit code 3',
    stages: [
      { state: 'failed', attempt: 2, reason: 'ended with exit code 3' },
      { state: 'succeeded' },
    ],
  });
  expect(await says(end.run_id)).toEqual([
    'tests started 1',
    'tests failed 1',
    'tests retrying 1',
    'tests started 2',
    'tests failed 2',
    'tests warning',
    'last started 1',
    'last succeeded 1',
    'pipeline succeeded',
  ]);
});

test.each([
  ['files that are missing', { script: 'true', files: [{ path: 'out/none' }] }, 'missing-files'],
  ['a timeout', { script: 'sleep 600', timeout: '200ms', grace: '1s' }, 'timeout'],
  ['a value that is missing', { env: { A: '${env.NOBODY_HAS_SET_THIS}' } }, 'missing-value'],
  ['an env_file that is missing', { env_file: ['none.env'] }, 'missing-env-file'],
])('%s is a failure like any other', async (_, more, code) => {
  const end = await outcome([tests(more), last]);
  expect([end.outcome, states(end)]).toEqual(['partial', ['failed', 'succeeded']]);
  const { items } = await on.orchestrator.events({ runId: end.run_id as string, limit: 1000 });
  const warning = items.find(({ event }) => event === 'warning');
  expect(warning?.data).toMatchObject({ kind: 'allowed-failure', error: { code } });
});

test('its total timeout lets the run go on only when no process of it is left', async () => {
  const end = await outcome([
    tests({
      script: 'trap "" TERM; echo $$ > pid; while :; do sleep 0.02; done',
      total_timeout: '300ms',
      grace: '200ms',
    }),
    {
      name: 'last',
      script: 'if kill -0 "$(cat pid)" 2>/dev/null; then echo works; else echo gone; fi > seen',
    },
  ]);
  expect([end.outcome, states(end)]).toEqual(['partial', ['failed', 'succeeded']]);
  expect(end.why).toContain('total_timeout');
  expect(await readFile(join(on.dir, 'seen'), 'utf8')).toBe('gone\n');
});

test('a total timeout between two attempts does not wait for the next one', async () => {
  const end = await outcome([
    tests({ total_timeout: '1s', retry: { limit: 1, backoff: { initial: '1h', jitter: 0 } } }),
    last,
  ]);
  expect([end.outcome, end.stages[0]?.attempt]).toEqual(['partial', 1]);
  expect(await says(end.run_id)).toContain('tests warning');
});

test('the failure of another stage is the run’s, and trying again tries what was allowed to fail, too', async () => {
  const end = await outcome([
    tests({ script: '[ -e mended ]' }),
    { name: 'build', script: 'echo built >> built' },
    { name: 'last', script: '[ -e mended ]' },
  ]);
  expect([end.state, end.outcome, end.error?.stage]).toEqual(['FAILED', 'failed', 'last']);
  await writeFile(join(on.dir, 'mended'), '');
  const again = await on.orchestrator.command(end.run_id as string, {
    command: { type: 'RETRY_FROM', definition: 'pinned' },
    actor: { kind: 'user', name: 'test' },
    ifVersion: null,
    idempotency: null,
  });
  const id = again.status.run_id as string;
  const second = await ended(on.orchestrator, id);
  expect([second.outcome, states(second)]).toEqual([
    'success',
    ['succeeded', 'reused', 'succeeded'],
  ]);
  expect(await readFile(join(on.dir, 'built'), 'utf8')).toBe('built\n');
});

test('a partial run is no failure in a row, and the last stage may fail as well', async () => {
  const end = await outcome([last, tests()], { on_failures: { pause_after: 1 } });
  expect(end.outcome).toBe('partial');
  const { items } = await on.orchestrator.pipelines();
  expect(items[0]?.policy).toMatchObject({ failures: 0, blocked: false });
});

test('STOP and the timeout of the run end it all the same', async () => {
  const waits = tests({ script: 'touch up; sleep 600', grace: '1s' });
  const end = await outcome([waits, last], { timeout: '300ms' });
  expect([end.state, end.error?.code]).toEqual(['FAILED', 'run-timeout']);
  await on.close();
  await open([waits, last]);
  const id = await start();
  await eventually(on.orchestrator, () =>
    readFile(join(on.dir, 'up')).then(
      () => true,
      () => false,
    ),
  );
  await on.orchestrator.command(id, {
    command: { type: 'STOP' },
    actor: { kind: 'user', name: 'test' },
    ifVersion: null,
    idempotency: null,
  });
  expect((await ended(on.orchestrator, id)).outcome).toBe('stopped');
});
