import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '../../../machines/commands.ts';
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
const actor = { kind: 'user' as const, name: 'ada' };
const stage = (name: string, script: string, more = ''): string =>
  `  - { name: ${name}, run: ["bash", "-c", ${JSON.stringify(script)}], grace: 200ms ${more} }\n`;
const begin = async (stages: string, head = ''): Promise<string> => {
  running = await runService({ pipelines: { 'p.yaml': `name: p\n${head}stages:\n${stages}` } });
  expect((await running.orchestrator.pipelines()).problems).toEqual([]);
  return (await running.orchestrator.start(startRequest('p'))).status.run_id as string;
};
const send = async (
  runId: string,
  command: Command,
  ifVersion: number | null = null,
): Promise<Status> =>
  (await running.orchestrator.command(runId, { command, actor, ifVersion, idempotency: null }))
    .status;
const isAt = (runId: string, state: string): Promise<Status> =>
  eventually(running.orchestrator, async () => {
    const status = await running.orchestrator.run(runId);
    return status.state === state && status;
  });
const events = async (runId: string) =>
  (await running.orchestrator.events({ runId, after: 0, limit: 1000 })).items;
const lines = async (name: string): Promise<string[]> =>
  (await readFile(join(running.dir, name), 'utf8').catch(() => '')).split('\n').filter(Boolean);
const letGo = (name = 'go') => writeFile(join(running.dir, name), '');
/** Works until the file is there. */
const waits = (name = 'go') => `echo up >> up; until [ -e ${name} ]; do sleep 0.02; done`;
const works = () => eventually(running.orchestrator, async () => (await lines('up')).length > 0);
const failsOnce = 'echo $STAGEWRIGHT_ATTEMPT >> tries; test $STAGEWRIGHT_ATTEMPT != 1';
const slowRetry = ', retry: { limit: 2, backoff: { initial: 1h } }';

test('RETRY_NOW does not wait for the backoff, and the ledger says who asked', async () => {
  const id = await begin(stage('one', failsOnce, slowRetry));
  await isAt(id, 'RETRYING');
  await send(id, { type: 'RETRY_NOW', reason: 'the disk is back' });
  expect((await ended(running.orchestrator, id)).state).toBe('DONE');
  expect(await lines('tries')).toEqual(['1', '2']);
  const row = (await running.orchestrator.transitions(id, 0, 100)).items.find(
    ({ event }) => (event as { type: string }).type === 'RETRY_NOW',
  );
  expect(row).toMatchObject({
    verdict: 'accepted',
    cause: { kind: 'command', actor: 'ada' },
    event: { by: 'ada', reason: 'the disk is back' },
  });
});

test('a refused command is stored with who and why, and its answer names what is possible instead', async () => {
  const id = await begin(stage('one', waits()));
  await works();
  const refusal = send(id, { type: 'RETRY_NOW', reason: 'hurry' });
  await expect(refusal).rejects.toMatchObject({
    code: 'command-not-allowed',
    extra: { state: 'RUNNING_ONE', allowed: ['STOP', 'SKIP_STAGE'] },
  });
  await expect(refusal).rejects.toThrow(/RUNNING_ONE.*possible now: STOP, SKIP_STAGE/);
  expect((await running.orchestrator.transitions(id, 0, 100)).items.at(-1)).toMatchObject({
    verdict: 'refused',
    event: { by: 'ada', reason: 'hurry' },
  });
  expect((await events(id)).at(-1)).toMatchObject({
    event: 'refused',
    data: { command: 'RETRY_NOW', by: 'ada', reason: 'hurry' },
  });
  await letGo();
});

test('PAUSE while a stage works holds the run before the next one; RESUME goes on; a restart in between changes nothing', async () => {
  const id = await begin(stage('one', waits()) + stage('two', 'echo two >> ran'));
  await works();
  const asked = await send(id, { type: 'PAUSE', reason: 'look first' });
  expect(asked).toMatchObject({
    state: 'RUNNING_ONE',
    pause_requested: true,
    why: expect.stringContaining('pauses after one'),
  });
  await letGo();
  const paused = await isAt(id, 'PAUSED');
  expect(paused).toMatchObject({
    stage: 'two',
    pause_requested: false,
    canonical: 'running',
    lock: { key: 'p' },
  });
  expect(paused.why).toContain('paused before two by ada: look first');
  expect(paused.stages.map(({ state }) => state)).toEqual(['succeeded', 'paused']);
  expect(paused.allowed).toEqual(['STOP', 'SKIP_STAGE', 'RESUME']);
  await expect(send(id, { type: 'PAUSE' })).rejects.toMatchObject({
    extra: { why_not: 'the run is paused already' },
  });
  await expect(running.orchestrator.start(startRequest('p'))).rejects.toMatchObject({
    code: 'already-running',
    extra: { state: 'PAUSED' },
  });

  await running.service.close();
  running = { ...running, ...(await runService({ dir: running.dir })) };
  expect((await running.orchestrator.run(id)).state).toBe('PAUSED');
  await send(id, { type: 'RESUME' });
  expect((await ended(running.orchestrator, id)).state).toBe('DONE');
  expect(await lines('ran')).toEqual(['two']);
  expect(
    (await events(id))
      .map(({ event }) => event)
      .filter((event) => event === 'paused' || event === 'resumed'),
  ).toEqual(['paused', 'resumed']);
});

test('a pause that is not in force yet can be withdrawn', async () => {
  const id = await begin(stage('one', waits()) + stage('two', 'true'));
  await works();
  await send(id, { type: 'PAUSE' });
  expect((await send(id, { type: 'RESUME' })).pause_requested).toBe(false);
  await letGo();
  expect((await ended(running.orchestrator, id)).state).toBe('DONE');
});

test('PAUSE of a last attempt that nothing follows is refused with that reason', async () => {
  const id = await begin(stage('one', waits()));
  await works();
  await expect(send(id, { type: 'PAUSE' })).rejects.toMatchObject({
    extra: { why_not: expect.stringContaining('nothing follows') },
  });
  await letGo();
});

test('PAUSE in a backoff is at once, and RESUME tries again at once', async () => {
  const id = await begin(stage('one', failsOnce, slowRetry));
  await isAt(id, 'RETRYING');
  expect(await send(id, { type: 'PAUSE' })).toMatchObject({
    state: 'PAUSED',
    why: expect.stringContaining('before one is tried again'),
  });
  await send(id, { type: 'RESUME' });
  expect((await ended(running.orchestrator, id)).stages[0]?.attempt).toBe(2);
});

test('time in PAUSED does not count against the limits of the run and of the stage', async () => {
  const id = await begin(
    stage('one', failsOnce, `${slowRetry}, total_timeout: 1h`),
    'timeout: 2h\n',
  );
  await isAt(id, 'RETRYING');
  const limits = async () =>
    (await running.store.run(id))?.timers.filter(({ id: name }) => /_TIMEOUT(\.|$)/.test(name)) ??
    [];
  const before = await limits();
  expect(before.map(({ delayMs }) => delayMs).toSorted()).toEqual([3_600_000, 7_200_000]);
  await send(id, { type: 'PAUSE' });
  expect(await limits()).toEqual([]);
  await send(id, { type: 'RESUME' });
  const after = await limits();
  expect(after).toHaveLength(2);
  for (const timer of after) {
    const was = before.find((one) => one.id === timer.id);
    expect(timer.delayMs).toBeLessThan(was?.delayMs ?? 0);
    expect(timer.dueAt).toBeGreaterThanOrEqual(was?.dueAt ?? Number.POSITIVE_INFINITY);
  }
  await ended(running.orchestrator, id);
});

test('SKIP_STAGE ends a stage that works, proves its processes gone, and goes on with the next', async () => {
  const id = await begin(
    stage('one', `trap '' TERM; ${waits()}`) + stage('two', 'echo two >> ran'),
  );
  await works();
  await send(id, { type: 'SKIP_STAGE', reason: 'not today' });
  const status = await ended(running.orchestrator, id);
  expect(status).toMatchObject({
    state: 'DONE',
    outcome: 'success',
    stages: [{ state: 'skipped', reason: 'skipped by ada: not today' }, { state: 'succeeded' }],
  });
  const of = (await events(id))
    .filter(({ stage: name, attempt }) => name === 'one' && attempt === 1)
    .map(({ event }) => event);
  expect(of).toEqual(['started', 'skipped']);
  expect(await running.store.effects()).toEqual([]);
});

test('SKIP_STAGE of a stage whose outputs a later one uses wants them, and hands them on', async () => {
  const id = await begin(
    stage('one', 'exit 1', slowRetry) +
      stage('two', 'echo "$0" >> got').replace(']', ', "${stages.one.outputs.n}"]'),
  );
  await isAt(id, 'RETRYING');
  await expect(send(id, { type: 'SKIP_STAGE' })).rejects.toMatchObject({
    extra: { why_not: expect.stringMatching(/two uses the outputs of one/) },
  });
  await expect(send(id, { type: 'SKIP_STAGE', stage: 'two', outputs: {} })).rejects.toMatchObject({
    extra: { why_not: 'the run is at stage one, not two' },
  });
  await send(id, { type: 'SKIP_STAGE', stage: 'one', outputs: { n: 7 } });
  expect((await ended(running.orchestrator, id)).state).toBe('DONE');
  expect(await lines('got')).toEqual(['7']);
});

test('SKIP_STAGE of a paused run stays paused, before the next stage', async () => {
  const id = await begin(
    stage('one', waits()) + stage('two', 'echo two >> ran') + stage('three', 'echo three >> ran'),
  );
  await works();
  await send(id, { type: 'PAUSE' });
  await letGo();
  await isAt(id, 'PAUSED');
  expect(await send(id, { type: 'SKIP_STAGE' })).toMatchObject({ state: 'PAUSED', stage: 'three' });
  await send(id, { type: 'RESUME' });
  await ended(running.orchestrator, id);
  expect(await lines('ran')).toEqual(['three']);
});

test('RETRY_FROM is a new run that takes over what finished, works in the same workspace, and says whom it retries', async () => {
  const first = stage(
    'one',
    'echo one >> ran; echo 42 > $STAGEWRIGHT_WORKSPACE/kept; echo \'::stagewright {"output":{"n":42}}\'',
  );
  const second = stage(
    'two',
    'cat $STAGEWRIGHT_WORKSPACE/kept >> ran; echo "$0" >> ran; test -e go',
  ).replace(']', ', "${stages.one.outputs.n}"]');
  const id = await begin(first + second);
  const failed = await ended(running.orchestrator, id);
  expect([failed.state, failed.allowed]).toEqual(['FAILED', ['RETRY_FROM']]);
  await letGo();

  const again = await send(id, { type: 'RETRY_FROM', definition: 'pinned', reason: 'mended' });

  expect(again).toMatchObject({
    state: 'STARTING',
    number: 2,
    trigger: 'retry',
    metadata: { retry_of: id, retry_from: 'two' },
  });
  const status = await ended(running.orchestrator, again.run_id as string);
  expect(status).toMatchObject({
    state: 'DONE',
    outcome: 'success',
    stages: [{ state: 'reused', attempt: 0, outputs: { n: 42 } }, { state: 'succeeded' }],
  });
  expect(await lines('ran')).toEqual(['one', '42', '42', '42', '42']);
  expect((await running.orchestrator.run(id)).version).toBe(failed.version);
  expect((await events(id)).at(-1)).toMatchObject({
    event: 'acknowledged',
    data: { by: 'ada', reason: 'mended', new_run_id: again.run_id },
  });
  expect((await events(again.run_id as string)).map(({ event }) => event)).toContain('reused');
});

test('RETRY_FROM a named stage does that one again; one behind an unfinished stage, or a live run, is refused', async () => {
  const id = await begin(
    stage('one', 'echo one >> ran') + stage('two', 'exit 1') + stage('three', 'true'),
  );
  await ended(running.orchestrator, id);
  await expect(
    send(id, { type: 'RETRY_FROM', definition: 'pinned', stage: 'three' }),
  ).rejects.toMatchObject({
    code: 'command-not-allowed',
    extra: { why_not: 'two has not finished' },
  });
  await expect(
    send(id, { type: 'RETRY_FROM', definition: 'pinned', stage: 'ten' }),
  ).rejects.toMatchObject({ code: 'unknown-stage' });
  const again = await send(id, { type: 'RETRY_FROM', definition: 'pinned', stage: 'one' });
  await expect(
    send(again.run_id as string, { type: 'RETRY_FROM', definition: 'pinned' }),
  ).rejects.toMatchObject({
    code: 'command-not-allowed',
  });
  await ended(running.orchestrator, again.run_id as string);
  expect(await lines('ran')).toEqual(['one', 'one']);
});

test('a retry goes by the definition of its run, or by today’s when that is asked for', async () => {
  const id = await begin(stage('one', 'echo old >> ran; exit 1'));
  await ended(running.orchestrator, id);
  await running.service.close();
  await writeFile(
    join(running.dir, 'pipelines', 'p.yaml'),
    `name: p\nstages:\n${stage('one', 'echo new >> ran')}`,
  );
  running = { ...running, ...(await runService({ dir: running.dir })) };
  const pinned = await send(id, { type: 'RETRY_FROM', definition: 'pinned' });
  expect((await ended(running.orchestrator, pinned.run_id as string)).state).toBe('FAILED');
  const latest = await send(id, { type: 'RETRY_FROM', definition: 'latest' });
  expect((await ended(running.orchestrator, latest.run_id as string)).state).toBe('DONE');
  expect(await lines('ran')).toEqual(['old', 'old', 'new']);
});

test('a class of failures has a limit and a backoff of its own within the limit of the stage', async () => {
  const classes =
    'classes: [ { on: { exit_codes: [75] }, limit: 1, backoff: { initial: 1ms } }, { on: { signals: [SIGKILL] }, limit: 0 } ]';
  const retry = `, retry: { limit: 5, backoff: { initial: 2ms, jitter: 0 }, ${classes} }`;
  const id = await begin(
    stage(
      'one',
      'echo $STAGEWRIGHT_ATTEMPT >> tries; [ $STAGEWRIGHT_ATTEMPT = 2 ] && exit 3; exit 75',
      retry,
    ),
  );
  expect((await ended(running.orchestrator, id)).state).toBe('FAILED');
  // 75 is tried again once, 3 as the stage says, and the second 75 is one too many.
  expect(await lines('tries')).toEqual(['1', '2', '3']);
  const waits = (await events(id))
    .filter(({ event }) => event === 'retrying')
    .map(({ data }) => data.delay_ms);
  expect(waits).toEqual([1, 4]);
});

test('a signal that its class does not try again fails the run at once', async () => {
  const retry = ', retry: { limit: 5, classes: [ { on: { signals: [SIGKILL] }, limit: 0 } ] }';
  const id = await begin(stage('one', 'echo try >> tries; kill -9 $$', retry));
  expect((await ended(running.orchestrator, id)).error).toMatchObject({
    code: 'signal',
    signal: 'SIGKILL',
  });
  expect(await lines('tries')).toEqual(['try']);
});

test('TRUTH-17: behind a shell, too, a signal belongs to its class', async () => {
  const retry =
    ', retry: { limit: 5, backoff: { initial: 1ms }, classes: [ { on: { signals: [SIGKILL] }, limit: 0 } ] }';
  const id = await begin(stage('one', 'echo try >> tries; exit 137', retry));
  expect((await ended(running.orchestrator, id)).error).toMatchObject({
    code: 'exit-code',
    exit_code: 137,
    signal: null,
    message: expect.stringContaining('(128+9: SIGKILL)'),
  });
  expect(await lines('tries')).toEqual(['try']);
});

test('total_timeout ends all attempts of a stage together, warn_after only warns', async () => {
  const id = await begin(
    stage('one', 'sleep 60', ', warn_after: 50ms, total_timeout: 400ms, retry: { limit: 3 }'),
    'warn_after: 20ms\n',
  );
  const status = await ended(running.orchestrator, id);
  expect(status.error).toMatchObject({ code: 'stage-timeout', stage: 'one' });
  const warned = (await events(id))
    .filter(({ event }) => event === 'warning')
    .map(({ stage: name, data }) => [name, data.warn_after_ms]);
  expect(warned).toEqual([
    ['pipeline', 20],
    ['one', 50],
  ]);
});
