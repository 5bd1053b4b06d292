import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Status } from '../../wire/status.ts';
import { commandAs, openJob, startJob } from '../support/job.ts';
import { ended, eventually, type Running } from '../support/service.ts';

let on: Running;
afterEach(() => on.close());

const params = { full: { type: 'boolean', default: false } };
const open = async (stages: object[], more: object = {}): Promise<void> => {
  on = await openJob({ params, ...more, stages });
};
const start = (given: object = {}): Promise<string> => startJob(on, given);
const run = async (given: object = {}): Promise<Status> =>
  ended(on.orchestrator, await start(given));
const tell = (id: string, type: 'PAUSE' | 'RESUME') => commandAs(on, 'test', id, { type });

test('a stage whose when does not hold is skipped without an attempt, with its reason in words', async () => {
  await open([
    { name: 'first', script: 'echo \'::stagewright {"output":{"rows":0}}\'' },
    {
      name: 'load',
      script: 'true',
      when: { not: { equals: ['${stages.first.outputs.rows}', 0] } },
    },
    { name: 'full', script: 'true', when: { equals: ['${params.full}', true] } },
  ]);
  const end = await run();
  expect(end.stages).toMatchObject([
    { state: 'succeeded' },
    { state: 'skipped', attempt: 0, reason: 'stages.first.outputs.rows is 0' },
    { state: 'skipped', attempt: 0, reason: 'params.full is false, not true' },
  ]);
  expect(end.outcome).toBe('success');
  const { items } = await on.orchestrator.events({ runId: end.run_id as string, limit: 1000 });
  const skipped = items.find(({ event, stage }) => event === 'skipped' && stage === 'full');
  expect([skipped?.attempt, skipped?.data, skipped?.msg]).toEqual([
    undefined,
    { reason: 'params.full is false, not true' },
    'full skipped: params.full is false, not true',
  ]);
  expect((await run({ full: true })).stages[2]).toMatchObject({ state: 'succeeded', attempt: 1 });
});

test('a run of nothing but skipped stages had nothing to do', async () => {
  await open([{ name: 'full', script: 'true', when: { equals: ['${params.full}', true] } }]);
  expect((await run()).outcome).toBe('noop');
});

test('a value that is missing fails the stage and names it; allow_failure allows that, too', async () => {
  const when = { equals: ['${stages.first.outputs.rows}', 1] };
  await open([
    { name: 'first', script: 'true' },
    { name: 'second', script: 'true', when, retry: { limit: 2 } },
  ]);
  const end = await run();
  expect(end.error).toMatchObject({
    code: 'missing-value',
    stage: 'second',
    message: 'the `when` of second: ${stages.first.outputs.rows} has no value',
  });
  const { items } = await on.orchestrator.events({ runId: end.run_id as string, limit: 1000 });
  const failed = items.find(({ event, stage }) => event === 'failed' && stage === 'second');
  expect(failed?.attempt).toBeUndefined();
  await on.close();
  await open([
    { name: 'first', script: 'true' },
    { name: 'second', script: 'true', when, allow_failure: true },
    { name: 'third', script: 'true' },
  ]);
  expect((await run()).outcome).toBe('partial');
});

test('a pause before the stage comes before its when, and one between attempts does not ask again', async () => {
  await open([
    { name: 'first', script: 'until [ -e go ]; do sleep 0.02; done' },
    {
      name: 'second',
      script: 'exit 1',
      when: { equals: ['${params.full}', false] },
      retry: { limit: 1, backoff: { initial: '1h', jitter: 0 } },
    },
  ]);
  const id = await start();
  const is = (state: string) =>
    eventually(on.orchestrator, async () => {
      const now = await on.orchestrator.run(id);
      return now.state === state && now;
    });
  await is('RUNNING_FIRST');
  await tell(id, 'PAUSE');
  await writeFile(join(on.dir, 'go'), '');
  await is('PAUSED');
  await tell(id, 'RESUME');
  await is('RETRYING');
  await tell(id, 'PAUSE');
  await is('PAUSED');
  await tell(id, 'RESUME');
  const end = await ended(on.orchestrator, id);
  expect([end.state, end.stages[1]?.attempt]).toEqual(['FAILED', 2]);
});
