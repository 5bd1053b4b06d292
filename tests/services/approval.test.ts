import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '../../machines/commands.ts';
import type { Status } from '../../wire/status.ts';
import { commandAs, startJob } from '../support/job.ts';
import {
  ended,
  eventually,
  projectWith,
  type Running,
  runService,
  startRequest,
} from '../support/service.ts';

let dir: string;
let on: Running;
afterEach(async () => {
  await on.close();
  await rm(dir, { recursive: true, force: true });
});

const approval = (more: object = {}) => ({
  name: 'sign-off',
  approval: { message: 'Publish?', ...more },
});
const last = {
  name: 'last',
  script: 'echo "$BY $WHY" > published',
  env: { BY: '${stages.sign-off.outputs.approved_by}', WHY: '${stages.sign-off.outputs.reason}' },
};
const open = async (stages: object[], more: object = {}): Promise<string> => {
  dir = await projectWith({ 'job.json': JSON.stringify({ name: 'job', ...more, stages }) });
  on = await runService({ dir });
  return start();
};
const start = (): Promise<string> => startJob(on);
const tell = (id: string, command: Command) => commandAs(on, 'ada', id, command);
const is = (id: string, state: string): Promise<Status> =>
  eventually(on.orchestrator, async () => {
    const now = await on.orchestrator.run(id);
    return now.state === state && now;
  });
const event = async (id: string, name: string) =>
  (await on.orchestrator.events({ runId: id, limit: 1000 })).items.find(
    (one) => one.event === name,
  );

test('a run waits for somebody, keeps its lock, and goes on with who and why', async () => {
  const id = await open([approval(), last], { timeout: '1m' });
  const now = await is(id, 'AWAITING_APPROVAL');
  expect(now).toMatchObject({
    canonical: 'running',
    stage: 'sign-off',
    attempt: 0,
    lock: { key: 'job' },
    why: 'sign-off waits for approval, for as long as it takes: Publish?',
    stages: [{ state: 'awaiting_approval', attempt: 0 }, { state: 'pending' }],
  });
  expect(now.allowed).toEqual(expect.arrayContaining(['APPROVE', 'REJECT', 'STOP']));
  // Its limit stands still meanwhile.
  expect([await on.store.timers(), await on.store.effects()]).toEqual([[], []]);
  expect((await event(id, 'approval_requested'))?.data).toEqual({
    message: 'Publish?',
    deadline_at: null,
    default: null,
  });
  await tell(id, { type: 'APPROVE', reason: 'figures seen' });
  const end = await ended(on.orchestrator, id);
  expect([end.outcome, end.stages[0]]).toMatchObject([
    'success',
    { state: 'succeeded', reason: 'approved by ada: figures seen' },
  ]);
  expect(await readFile(join(dir, 'published'), 'utf8')).toBe('ada figures seen\n');
  expect(await event(id, 'approved')).toMatchObject({
    stage: 'sign-off',
    data: { by: 'ada', reason: 'figures seen' },
  });
});

test('a rejected run has FAILED with the outcome rejected, which is no failure in a row; a new run asks again', async () => {
  const id = await open([approval(), last], {
    on_failures: { pause_after: 1 },
    on_failure: [{ name: 'tell', script: 'echo "$STAGEWRIGHT_ERROR_CODE" > told' }],
  });
  await is(id, 'AWAITING_APPROVAL');
  await tell(id, { type: 'REJECT', reason: 'wrong day' });
  const end = await ended(on.orchestrator, id);
  expect(end).toMatchObject({
    state: 'FAILED',
    outcome: 'rejected',
    error: { code: 'rejected', stage: 'sign-off', retryable: false },
    stages: [{ state: 'failed', reason: 'sign-off was rejected by ada: wrong day' }, {}, {}],
  });
  expect(await readFile(join(dir, 'told'), 'utf8')).toBe('rejected\n');
  const { items } = await on.orchestrator.pipelines();
  expect(items[0]?.policy).toMatchObject({ failures: 0, blocked: false });
  const again = await tell(id, { type: 'RETRY_FROM', definition: 'pinned' });
  await is(again.status.run_id as string, 'AWAITING_APPROVAL');
  await tell(again.status.run_id as string, { type: 'APPROVE', stage: 'sign-off' });
  expect((await ended(on.orchestrator, again.status.run_id as string)).outcome).toBe('success');
});

test.each([
  ['reject', 'rejected', 'approval-timeout'],
  ['approve', 'success', undefined],
])('a deadline that nobody meets decides by its default, %s', async (word, outcome, code) => {
  const id = await open([
    approval({ deadline: '100ms', default: word }),
    { name: 'last', script: 'true' },
  ]);
  const end = await ended(on.orchestrator, id);
  expect([end.outcome, end.error?.code]).toEqual([outcome, code]);
  const name = word === 'approve' ? 'approved' : 'rejected';
  expect((await event(id, name))?.data).toMatchObject({ by: 'system' });
});

test('an approval survives a restart, and its deadline is the instant it was', async () => {
  const id = await open([approval({ deadline: '1h' }), last]);
  const { why } = await is(id, 'AWAITING_APPROVAL');
  await on.close();
  on = await runService({ dir });
  expect((await is(id, 'AWAITING_APPROVAL')).why).toBe(why);
  expect((await on.store.timers()).map(({ id: name }) => name)).toEqual([
    expect.stringContaining('approvalDeadline.sign-off'),
  ]);
  await tell(id, { type: 'APPROVE', reason: 'later' });
  expect((await ended(on.orchestrator, id)).outcome).toBe('success');
});

test('a command for another stage, or where nothing waits, is refused with its reason', async () => {
  const id = await open([
    { name: 'first', script: 'until [ -e go ]; do sleep 0.02; done' },
    approval(),
    { name: 'last', script: 'true' },
  ]);
  await is(id, 'RUNNING_FIRST');
  await expect(tell(id, { type: 'APPROVE' })).rejects.toMatchObject({
    code: 'command-not-allowed',
  });
  await writeFile(join(dir, 'go'), '');
  await is(id, 'AWAITING_APPROVAL');
  await expect(tell(id, { type: 'REJECT', stage: 'last' })).rejects.toThrow(
    'sign-off waits for approval, not last',
  );
  await tell(id, { type: 'SKIP_STAGE', reason: 'in a hurry' });
  const end = await ended(on.orchestrator, id);
  expect([end.state, end.stages[1]?.state]).toEqual(['DONE', 'skipped']);
});

test('STOP ends the waiting, and a when that does not hold asks nobody', async () => {
  const id = await open(
    [
      { ...approval(), when: { equals: ['${params.ask}', true] } },
      { name: 'last', script: 'true' },
    ],
    {
      params: { ask: { type: 'boolean', default: false } },
    },
  );
  expect((await ended(on.orchestrator, id)).stages[0]).toMatchObject({
    state: 'skipped',
    reason: 'params.ask is false, not true',
  });
  const { status } = await on.orchestrator.start(startRequest('job', { params: { ask: true } }));
  const second = status.run_id as string;
  await is(second, 'AWAITING_APPROVAL');
  await tell(second, { type: 'STOP' });
  const end = await ended(on.orchestrator, second);
  expect([end.outcome, end.stages[0]?.state]).toEqual(['stopped', 'stopped']);
});
