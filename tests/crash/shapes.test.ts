import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../support/until.ts';
import { openProject } from './kit.ts';

// Each shape of a pipeline under a service that is killed in its middle.

let project: Awaited<ReturnType<typeof openProject>>;
afterEach(() => project.close());

const open = async (stages: object[], more: object = {}) => {
  project = await openProject({ 'job.json': JSON.stringify({ name: 'job', ...more, stages }) });
  return project.begin();
};
const has = (name: string, count: number) =>
  until(async () => (await project.lines(name)).length === count);
const waits = (name: string) =>
  `echo "$STAGEWRIGHT_ATTEMPT" >> ${name}; until [ -e go ]; do sleep 0.02; done`;
const letGo = () => writeFile(join(project.dir, 'go'), '');

test('a stage that may fail, cut off by a crash, is begun anew; its failure is allowed all the same', async () => {
  const first = await open([
    { name: 'tests', script: `${waits('up')}; exit 1`, allow_failure: true, grace: '1s' },
    { name: 'last', script: 'echo on >> last' },
  ]);
  const id = await project.start(first, 'job');
  await has('up', 1);
  await project.kill(first);
  const second = await project.begin();
  await has('up', 2);
  await letGo();
  const end = await project.ended(second, id);
  expect([end.outcome, end.stages.map(({ state }) => state), await project.lines('last')]).toEqual([
    'partial',
    ['failed', 'succeeded'],
    ['on'],
  ]);
});

test('what a when has decided stays decided over a crash, and a stage is entered once', async () => {
  const params = { full: { type: 'boolean', default: false } };
  const when = (full: boolean) => ({ equals: ['${params.full}', full] });
  const first = await open(
    [
      { name: 'not', script: 'echo no >> not', when: when(true) },
      { name: 'work', script: waits('up'), when: when(false), grace: '1s' },
    ],
    { params },
  );
  const id = await project.start(first, 'job');
  await has('up', 1);
  await project.kill(first);
  const second = await project.begin();
  await has('up', 2);
  await letGo();
  const end = await project.ended(second, id);
  expect([end.state, end.stages.map(({ state, attempt }) => [state, attempt])]).toEqual([
    'DONE',
    [
      ['skipped', 0],
      ['succeeded', 2],
    ],
  ]);
  const skipped = (await project.events(second, id)).filter(({ event }) => event === 'skipped');
  expect([skipped.length, await project.lines('not')]).toEqual([1, []]);
});

test('a hook under a service that is killed is begun anew, and the run keeps its outcome and its lock', async () => {
  const first = await open([{ name: 'work', script: 'exit 7' }], {
    on_failure: [
      { name: 'tell', script: `${waits('up')}; echo "$STAGEWRIGHT_ERROR_CODE" >> told` },
    ],
    finally: [{ name: 'clean', script: 'echo on >> clean' }],
  });
  const id = await project.start(first, 'job');
  await has('up', 1);
  await project.kill(first);
  const second = await project.begin();
  await has('up', 2);
  const now = await project.run(second, id);
  expect([now.state, now.lock?.key]).toEqual(['RUNNING_TELL', 'job']);
  await letGo();
  const end = await project.ended(second, id);
  expect([end.outcome, end.error?.stage, end.lock]).toEqual(['failed', 'work', null]);
  expect([await project.lines('told'), await project.lines('clean')]).toEqual([
    ['exit-code'],
    ['on'],
  ]);
});

test('a service that is killed while somebody is asked asks no second time, and takes the answer', async () => {
  const first = await open([
    { name: 'sign-off', approval: { message: 'Publish?', deadline: '1h' } },
    { name: 'last', script: 'echo on >> last' },
  ]);
  const id = await project.start(first, 'job');
  await project.is(first, id, ({ state }) => state === 'AWAITING_APPROVAL');
  await project.kill(first);
  const second = await project.begin();
  await project.is(second, id, ({ state }) => state === 'AWAITING_APPROVAL');
  expect((await project.command(second, id, 'APPROVE', { reason: 'seen' })).status).toBe(202);
  expect((await project.ended(second, id)).outcome).toBe('success');
  const asked = (await project.events(second, id)).filter(
    ({ event }) => event === 'approval_requested',
  );
  expect([asked.length, await project.lines('last')]).toEqual([1, ['on']]);
});

test('a deadline that has passed while the service was gone decides at its next start', async () => {
  const first = await open([
    { name: 'sign-off', approval: { message: 'Publish?', deadline: '1h' } },
    { name: 'last', script: 'true' },
  ]);
  const id = await project.start(first, 'job');
  await project.is(first, id, ({ state }) => state === 'AWAITING_APPROVAL');
  await project.kill(first);
  const second = await project.begin({ aheadMs: 2 * 3_600_000 });
  const end = await project.ended(second, id);
  expect([end.outcome, end.error?.code]).toEqual(['rejected', 'approval-timeout']);
});
