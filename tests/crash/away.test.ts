import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { applyPatch, type RunView, type StatusPatch } from '../../wire/patch.ts';
import type { Status } from '../../wire/status.ts';
import { until } from '../support/until.ts';
import { openProject } from './kit.ts';

// The service is killed in each state of a run, and the next one comes when every limit there is
// has passed: an hour later, by its clock. Nothing may be called late that nobody was there to see.

const hourMs = 3_600_000;
const limits = 'timeout: 20s, heartbeat: 10s, grace: 300ms';
const yaml = (script: string, more = '', rest = '') => `name: job
stages:
  - { name: first, run: ["bash", "-c", "echo done >> first.log"] }
  - { name: work, ${limits}${more}, run: ["bash", "-c", "echo $STAGEWRIGHT_ATTEMPT >> work.log; ${script}"] }
${rest}`;
const waits = 'until [ -e go ]; do sleep 0.02; done';

let project: Awaited<ReturnType<typeof openProject>>;
afterEach(() => project.close());
const letGo = () => writeFile(join(project.dir, 'go'), '');
const working = () => until(async () => (await project.lines('work.log')).length > 0);
const back = () => project.begin({ aheadMs: hourMs });
const only = async (service: Awaited<ReturnType<typeof project.begin>>): Promise<Status> => {
  const { items } = await project.get<{ items: Status[] }>(service, '/api/runs');
  expect(items).toHaveLength(1);
  return items[0] as Status;
};
/** One run, its truth, nobody left; and whoever folds the journal knows what GET says. */
const expectWhole = async (
  service: Awaited<ReturnType<typeof project.begin>>,
  id: string,
  attempts: string[],
): Promise<Status> => {
  const end = await project.ended(service, id);
  expect([end.error, end.state, end.lock]).toEqual([null, 'DONE', null]);
  expect([await project.lines('first.log'), await project.lines('work.log')]).toEqual([
    ['done'],
    attempts,
  ]);
  expect(project.stageProcesses()).toEqual([]);
  await expectFold(service, id);
  return end;
};
const expectFold = async (service: Awaited<ReturnType<typeof project.begin>>, id: string) => {
  const all = await project.events(service, id);
  expect(all.map(({ run_seq }) => run_seq)).toEqual(all.map((_, index) => index + 1));
  const folded = all.reduce<RunView | null>(
    (view, { data }) => (data.patch ? applyPatch(view, data.patch as StatusPatch) : view),
    null,
  );
  const { items } = await project.get<{ items: Status[] }>(service, '/api/runs');
  const { as_of_seq: _, ...told } = items.find(({ run_id }) => run_id === id) as Status;
  expect(folded).toEqual(told);
};

test.each([
  ['in starting', 'in-starting', yaml('true'), ['1']],
  [
    'in verifying',
    'in-verifying',
    yaml('echo x > made.txt', ', files: [{ path: made.txt }]'),
    ['1'],
  ],
  ['with an attempt asked for and not begun', 'after-commit', yaml('true'), ['1']],
  ['with an attempt that had ended by itself', 'before-settle', yaml('true'), ['1']],
])('REL-6: killed %s, and an hour later it goes on', async (_, point, file, attempts) => {
  project = await openProject({ 'job.yaml': file });
  const first = await project.begin({ point });
  await project.start(first, 'job').catch(() => undefined);
  await first.gone;
  const second = await back();
  await expectWhole(second, (await only(second)).run_id as string, attempts);
});

test.each([
  ['silent', waits],
  ['printing', 'until [ -e go ]; do echo line; sleep 0.02; done'],
])(
  'killed while the stage works, %s, and an hour later it is tried again, with no retry taken',
  async (_, script) => {
    project = await openProject({ 'job.yaml': yaml(script) });
    const first = await project.begin();
    const id = await project.start(first, 'job');
    await working();
    await project.kill(first);
    const second = await back();
    // Not sooner: an attempt that saw the sign before its launcher ended it would have succeeded.
    await until(async () => (await project.lines('work.log')).length === 2);
    await letGo();
    const end = await expectWhole(second, id, ['1', '2']);
    expect([end.retry_count, end.stages[1]?.attempt]).toEqual([0, 2]);
  },
);

test('TRUTH-16: killed after a stage had ended: its last progress and its warnings are in the journal', async () => {
  const says = String.raw`echo '::stagewright {\"progress\":{\"done\":2,\"total\":2}}'; echo '::stagewright {\"nonsense\":1}'`;
  project = await openProject({ 'job.yaml': yaml(says) });
  const first = await project.begin({ point: 'before-settle' });
  await project.start(first, 'job').catch(() => undefined);
  await first.gone;
  const second = await back();
  const id = (await only(second)).run_id as string;
  const end = await expectWhole(second, id, ['1']);
  const words = (await project.events(second, id))
    .filter(({ stage, attempt }) => stage === 'work' && attempt === 1)
    .map(({ event }) => event);
  expect(end.progress).toMatchObject({ done: 2, total: 2 });
  expect(words).toEqual(['started', 'warning', 'progress', 'succeeded']);
});

test('killed while it waits for its turn, and an hour later it has its turn', async () => {
  const queue = 'concurrency: { on_conflict: queue }\n';
  project = await openProject({ 'job.yaml': yaml(waits, '', queue) });
  const first = await project.begin();
  const id = await project.start(first, 'job');
  await working();
  const waiting = await project.start(first, 'job');
  await project.kill(first);
  await letGo();
  const second = await back();
  expect((await project.ended(second, id)).state).toBe('DONE');
  expect((await project.ended(second, waiting)).state).toBe('DONE');
  await expectFold(second, waiting);
});

test('killed in a backoff, and an hour later the next attempt is due', async () => {
  const backoff = ', retry: { limit: 1, backoff: { initial: 4m } }';
  project = await openProject({ 'job.yaml': yaml('[ $STAGEWRIGHT_ATTEMPT = 2 ]', backoff) });
  const first = await project.begin();
  const id = await project.start(first, 'job');
  await project.is(first, id, ({ state }) => state === 'RETRYING');
  await project.kill(first);
  await expectWhole(await back(), id, ['1', '2']);
});

test('killed while it is paused, and an hour later it is paused still, until it is resumed', async () => {
  project = await openProject({
    'job.yaml': yaml(waits, ', retry: { limit: 1 }').replace('echo done', `${waits}; echo done`),
  });
  const first = await project.begin();
  const id = await project.start(first, 'job');
  await project.is(first, id, ({ stages }) => stages[0]?.state === 'running');
  expect((await project.command(first, id, 'PAUSE')).status).toBe(202);
  await letGo();
  await project.is(first, id, ({ state }) => state === 'PAUSED');
  await project.kill(first);
  const second = await back();
  expect((await project.run(second, id)).state).toBe('PAUSED');
  await project.command(second, id, 'RESUME');
  await expectWhole(second, id, ['1']);
});

test('killed in ending, and an hour later it is ended and the run goes on', async () => {
  project = await openProject({ 'job.yaml': yaml(waits) });
  const first = await project.begin({ point: 'in-ending' });
  const id = await project.start(first, 'job');
  await working();
  await project.command(first, id, 'SKIP_STAGE', { reason: 'not today' }).catch(() => undefined);
  await first.gone;
  const end = await expectWhole(await back(), id, ['1']);
  expect(end.stages[1]).toMatchObject({ state: 'skipped', reason: 'skipped by api: not today' });
});

test('killed in stopping, and an hour later it is stopped', async () => {
  project = await openProject({ 'job.yaml': yaml(waits) });
  const first = await project.begin({ point: 'in-ending' });
  const id = await project.start(first, 'job');
  await working();
  await project.command(first, id, 'STOP').catch(() => undefined);
  await first.gone;
  const second = await back();
  const end = await project.ended(second, id);
  expect([end.state, end.lock, project.stageProcesses()]).toEqual(['STOPPED', null, []]);
  await expectFold(second, id);
});

test('a defect that nobody caught ends the service with a line that says why, and the run goes on', async () => {
  project = await openProject({ 'job.yaml': yaml(waits) });
  const first = await project.begin({ point: 'with-a-defect' });
  const id = await project.start(first, 'job');
  await first.gone;
  expect(first.process.exitCode).toBe(1);
  const said = first.log
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { level: string; message: string; stack?: string });
  expect(said.filter(({ level }) => level === 'error')).toMatchObject([
    {
      message:
        'a defect ends the service (an index is out of range); runs go on with its next start',
      stack: expect.stringContaining('doomed-service'),
    },
  ]);
  await letGo();
  expect((await project.ended(await back(), id)).state).toBe('DONE');
});
