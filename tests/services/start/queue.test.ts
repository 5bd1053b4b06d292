import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Status } from '../../../wire/status.ts';
import {
  ended,
  eventually,
  type Running,
  runService,
  startRequest,
} from '../../support/service.ts';

let running: Running;
afterEach(() => running.close());
const waits =
  '  - { name: work, grace: 200ms, run: ["bash", "-c", "until [ -e go ]; do sleep 0.02; done"] }\n';
const withQueue = (concurrency: string, name = 'p') =>
  `name: ${name}\nconcurrency: ${concurrency}\nstages:\n${waits}`;
const open = async (...concurrencies: string[]) => {
  const files = concurrencies.map((text, index) => [
    `p${index}.yaml`,
    withQueue(text, `p${index}`),
  ]);
  running = await runService({ pipelines: Object.fromEntries(files), defaultPipeline: 'p0' });
  expect((await running.orchestrator.pipelines()).problems).toEqual([]);
};
const start = async (pipeline = 'p0', more = {}): Promise<Status> =>
  (await running.orchestrator.start(startRequest(pipeline, more))).status;
const run = (status: Status) => running.orchestrator.run(status.run_id as string);
const over = (status: Status) => ended(running.orchestrator, status.run_id as string);
const letGo = () => writeFile(join(running.dir, 'go'), '');
const stop = (status: Status) =>
  running.orchestrator.command(status.run_id as string, {
    command: { type: 'STOP' },
    actor: { kind: 'user', name: 'ada' },
    ifVersion: null,
    idempotency: null,
  });
const works = (status: Status) =>
  eventually(running.orchestrator, async () => (await run(status)).state === 'RUNNING_WORK');

test('a queued run holds no lock, says whom it waits for, and starts in its order when the place is free', async () => {
  await open('{ key: k, on_conflict: queue, queue: { max: 2 } }');
  const first = await start();
  const second = await start();
  const third = await start();
  expect(second).toMatchObject({
    state: 'QUEUED',
    canonical: 'idle',
    lock: null,
    allowed: ['STOP'],
  });
  expect(second.why).toBe(`waits for run 1 of p0 (${first.run_id}) to end`);
  expect(third.why).toContain('and for 1 more before it');
  // What a pipeline shows is the run that works, not the newest that waits.
  expect((await running.orchestrator.status('p0')).run_id).toBe(first.run_id);
  await letGo();
  const ends = [await over(first), await over(second), await over(third)];
  expect(ends.map(({ state }) => state)).toEqual(['DONE', 'DONE', 'DONE']);
  for (const [index, one] of ends.entries())
    expect(Date.parse(one.started_at ?? '')).toBeGreaterThanOrEqual(
      Date.parse(ends[index - 1]?.ended_at ?? '1970-01-01'),
    );
  const said = (
    await running.orchestrator.events({ runId: second.run_id as string, after: 0, limit: 100 })
  ).items;
  expect(said.slice(0, 3).map(({ event }) => event)).toEqual([
    'accepted',
    'queued',
    'state_change',
  ]);
});

test('nobody overtakes those that wait, not even when a place is free between two steps', async () => {
  const admitted = Promise.withResolvers<void>();
  const text = withQueue('{ key: k, on_conflict: queue, queue: { max: 5 } }', 'p0');
  running = await runService({
    pipelines: { 'p0.yaml': text },
    // A run's end and the admission of the next one are two steps; here is time between them.
    parts: ({ store }) => ({
      store: {
        ...store,
        admit: async (...args) => {
          await admitted.promise;
          return store.admit(...args);
        },
      },
    }),
  });
  const first = await start();
  const second = await start();
  await letGo();
  await over(first);
  expect((await running.store.queue('k')).holders).toEqual([]);

  await expect(start('p0', { onConflict: 'refuse' })).rejects.toMatchObject({
    code: 'already-running',
  });
  const third = await start();
  expect([third.state, (await run(second)).state]).toEqual(['QUEUED', 'QUEUED']);

  admitted.resolve();
  const ends = [await over(second), await over(third)];
  expect(Date.parse(ends[1]?.started_at ?? '')).toBeGreaterThanOrEqual(
    Date.parse(ends[0]?.ended_at ?? ''),
  );
});

test('a full queue refuses with its number, and the refusal leaves no run', async () => {
  await open('{ key: k, on_conflict: queue, queue: { max: 1 } }');
  await start();
  await start();
  await expect(start()).rejects.toMatchObject({
    code: 'queue-full',
    extra: { queued: 1, state: expect.any(String) },
  });
  expect((await running.orchestrator.runs({ limit: 10 })).items).toHaveLength(2);
  expect((await running.orchestrator.events({ event: 'refused', limit: 10 })).items).toHaveLength(
    1,
  );
  await letGo();
});

test('two pipelines of one key wait for each other; a limit of two lets two work', async () => {
  await open(
    '{ key: k, limit: 2, on_conflict: queue }',
    '{ key: k, limit: 2, on_conflict: queue }',
  );
  const a = await start('p0');
  const b = await start('p1');
  const c = await start('p0');
  expect([a.state, b.state, c.state]).toEqual(['STARTING', 'STARTING', 'QUEUED']);
  await stop(b);
  expect((await over(b)).state).toBe('STOPPED');
  await works(c);
  await letGo();
  await over(c);
});

test('STOP of a queued run is at once, and the line behind it closes up', async () => {
  await open('{ key: k, on_conflict: queue, queue: { max: 5 } }');
  const first = await start();
  const second = await start();
  const third = await start();
  const { status } = await stop(second);
  expect(status).toMatchObject({ state: 'STOPPED', started_at: null });
  await eventually(
    running.orchestrator,
    async () => !(await run(third)).why.includes('more before it'),
  );
  const answer = await running.orchestrator.stop('p0', {
    reason: null,
    graceMs: null,
    actor: { kind: 'user', name: 'ada' },
  });
  expect(answer).toMatchObject({ run_id: first.run_id, state: 'STOPPING', queued: 1 });
  await works(third);
  await letGo();
  await over(third);
});

test('cancel_running stops what is live and what waited before, and then goes', async () => {
  await open('{ key: k, on_conflict: cancel_running }');
  const first = await start();
  await works(first);
  const second = await start();
  expect(second).toMatchObject({
    state: 'QUEUED',
    why: expect.stringContaining('which it replaces, has stopped'),
  });
  const third = await start();
  expect(await over(first)).toMatchObject({
    state: 'STOPPED',
    why: expect.stringContaining('replaced by'),
  });
  expect(await over(second)).toMatchObject({ state: 'STOPPED' });
  await works(third);
  await letGo();
  expect((await over(third)).state).toBe('DONE');
});

test('a queued run that waits longer than the queue allows fails queue-timeout and was never started', async () => {
  await open('{ key: k, on_conflict: queue, queue: { timeout: 100ms } }');
  await start();
  const waited = await over(await start());
  expect(waited).toMatchObject({
    state: 'FAILED',
    started_at: null,
    error: { code: 'queue-timeout' },
    stages: [{ attempt: 0 }],
  });
  await letGo();
});

test('T11: a service that died between a run’s end and the next one’s admission admits it at its next start', async () => {
  await open('{ key: k, on_conflict: queue }');
  const first = await start();
  const second = await start();
  await works(first);
  // The service stops in order: the first run waits for the next service, and nobody is admitted
  // meanwhile.
  await running.service.close();
  await letGo();
  running = { ...running, ...(await runService({ dir: running.dir })) };
  expect((await over(first)).state).toBe('DONE');
  expect((await over(second)).state).toBe('DONE');
  expect((await running.store.queue('k')).waiters).toEqual([]);
});

test('S08: while a run is live, a single stage, a reset and a second start are refused with the reason', async () => {
  await open('{ key: k }');
  const live = await start();
  for (const more of [{}, { onlyStage: 'work' }])
    await expect(start('p0', more)).rejects.toMatchObject({
      code: 'already-running',
      extra: { run_id: live.run_id, pipeline: 'p0' },
    });
  const reset = running.orchestrator.reset('p0', {
    force: false,
    reason: null,
    actor: { kind: 'user', name: 'ada' },
  });
  await expect(reset).rejects.toMatchObject({ code: 'run-active', extra: { run_id: live.run_id } });
  await letGo();
});
