import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Projection } from '../../../machines/project.ts';
import { afterRun, judgeStart } from '../../../services/start/failure-policy.ts';
import type { StartRequest } from '../../../services/start/start-request.ts';
import { noStreak } from '../../../services/store/streak.ts';
import { ended, type Running, runService, startRequest } from '../../support/service.ts';

// Fails until the file `mended` is there.
const yaml = (policy: string) =>
  `name: p\n${policy}\nstages:\n  - { name: work, run: ["bash", "-c", "[ -e mended ]"] }\n  - { name: more, run: ["bash", "-c", "[ ! -e idle ] || echo '::stagewright {\\"skip\\":\\"no news\\"}'"] }\n`;
const hour = 3_600_000;
let on: Running;
let aheadMs = 0;
afterEach(() => on.close());

const open = async (
  policy = 'on_failures: { pause_after: 2, probe_after: 1h }',
  dir?: string,
): Promise<void> => {
  aheadMs = 0;
  on = await runService({
    ...(dir ? { dir } : { pipelines: { 'p.yaml': yaml(policy) } }),
    parts: ({ clock }) => ({ clock: { ...clock, wallMs: () => clock.wallMs() + aheadMs } }),
  });
};
const start = (trigger: StartRequest['trigger'], more: Partial<StartRequest> = {}) =>
  on.orchestrator
    .start(startRequest('p', { trigger, ...more }))
    .then(({ status }) => status.run_id as string);
const run = async (
  trigger: StartRequest['trigger'],
  more: Partial<StartRequest> = {},
): Promise<string> => (await ended(on.orchestrator, await start(trigger, more))).state;
const policy = async () => (await on.orchestrator.pipelines()).items[0]?.policy;
const mend = () => writeFile(join(on.dir, 'mended'), '');
const words = async (...wanted: string[]) =>
  (await on.orchestrator.events({ pipeline: 'p', after: 0, limit: 1000 })).items.filter(
    ({ stage, event }) => stage === 'pipeline' && wanted.includes(event),
  );
const actor = { kind: 'user' as const, name: 'ada' };
const acknowledge = (reason = 'the feed was down') =>
  on.orchestrator.acknowledge('p', { reason, actor });

test('S63: failures in a row pause automatic runs, a refusal says why and what to do, and history stays', async () => {
  await open();
  expect(await policy()).toMatchObject({
    failures: 0,
    blocked: false,
    since: null,
    acknowledged: null,
  });
  expect([await run('schedule'), await run('schedule')]).toEqual(['FAILED', 'FAILED']);
  const refused = await start('schedule').catch((error) => error);
  expect(refused).toMatchObject({
    code: 'blocked-by-policy',
    status: 409,
    extra: {
      pipeline: 'p',
      failures: 2,
      blocked: true,
      since: expect.any(String),
      probe_at: expect.any(String),
    },
  });
  expect(refused.message).toMatch(
    /paused since .* after 2 failed runs in a row \(run 2: work failed: .*\); acknowledge it with `stagewright acknowledge p/,
  );
  expect((await words('blocked', 'refused')).map(({ event, run_id }) => [event, run_id])).toEqual([
    ['blocked', null],
    ['refused', null],
  ]);
  expect((await on.orchestrator.runs({ limit: 10 })).items.map(({ state }) => state)).toEqual([
    'FAILED',
    'FAILED',
  ]);
});

test('S63: an operator acknowledges with a reason, automatic runs go on, and who and when stays visible', async () => {
  await open();
  await run('schedule');
  await run('schedule');
  const { policy: after } = await acknowledge();
  expect(after).toMatchObject({
    failures: 0,
    blocked: false,
    acknowledged: { by: 'ada', reason: 'the feed was down' },
  });
  expect((await words('acknowledged'))[0]).toMatchObject({
    data: { command: 'ACKNOWLEDGE', by: 'ada', reason: 'the feed was down', failures: 2 },
  });
  expect(await run('schedule')).toBe('FAILED');
  expect(await policy()).toMatchObject({
    failures: 1,
    blocked: false,
    acknowledged: { by: 'ada' },
  });
  await mend();
  expect(await run('schedule')).toBe('DONE');
  await expect(acknowledge()).rejects.toMatchObject({ code: 'nothing-to-acknowledge' });
});

test('S63: after an hour one probe is let through; it heals the pipeline', async () => {
  await open();
  await run('schedule');
  await run('schedule');
  aheadMs = hour - 60_000;
  await expect(start('schedule')).rejects.toMatchObject({ code: 'blocked-by-policy' });
  aheadMs = hour + 60_000;
  await mend();
  expect(await run('schedule')).toBe('DONE');
  expect(await policy()).toMatchObject({ failures: 0, blocked: false, probe_at: null });
  expect((await words('recovered')).map(({ data }) => data)).toEqual([
    { failures: 2, by_run: expect.any(String), probe: true },
  ]);
  expect(await run('schedule')).toBe('DONE');
});

test('S63: a probe that fails pauses again for as long, and says so', async () => {
  await open();
  await run('schedule');
  await run('schedule');
  aheadMs = hour + 60_000;
  expect(await run('schedule')).toBe('FAILED');
  await expect(start('schedule')).rejects.toMatchObject({
    code: 'blocked-by-policy',
    extra: { failures: 3 },
  });
  aheadMs = 2 * hour + 120_000;
  expect(await run('schedule')).toBe('FAILED');
  expect(await words('blocked')).toHaveLength(3);
});

test('S63: a run by hand is allowed while automatic ones are paused, with a warning in its events, and heals it when it succeeds', async () => {
  await open();
  await run('schedule');
  await run('schedule');
  await mend();
  const id = await start('manual');
  await ended(on.orchestrator, id);
  const own = (await on.orchestrator.events({ runId: id, after: 0, limit: 100 })).items;
  expect(own.filter(({ event }) => event === 'warning').map(({ msg }) => msg)).toEqual([
    expect.stringContaining('started by hand while automatic runs of p are paused'),
  ]);
  // The warning is not the last word of its step: that one carries what changed.
  expect(own.map(({ run_seq }) => run_seq)).toEqual(own.map((_, index) => index + 1));
  expect((await policy())?.blocked).toBe(false);
});

test('with blocks: all a run by hand is refused too, until somebody acknowledges', async () => {
  await open('on_failures: { pause_after: 1, blocks: all }');
  await run('manual');
  await expect(start('manual')).rejects.toMatchObject({ code: 'blocked-by-policy' });
  expect((await policy())?.probe_at).toBeNull();
  await acknowledge();
  await mend();
  expect(await run('manual')).toBe('DONE');
});

test('a single stage neither counts nor heals; a success in between starts anew', async () => {
  await open('on_failures: { pause_after: 2 }');
  await run('api');
  expect(await run('api', { onlyStage: 'work' })).toBe('FAILED');
  expect(await policy()).toMatchObject({ failures: 1, blocked: false });
  await mend();
  expect(await run('api', { onlyStage: 'work' })).toBe('DONE');
  expect((await policy())?.failures).toBe(1);
  expect(await run('api')).toBe('DONE');
  expect((await policy())?.failures).toBe(0);
});

test.each([
  ['stopped', null, 1],
  ['noop', null, 1],
  ['failed', 'interrupted', 1],
  // A code that a stage gave itself.
  ['failed', 'rejected', 2],
  ['failed', 'exit-code', 2],
  ['failed', 'chart-fault', 2],
  ['success', null, 0],
  ['partial', null, 0],
] as const)('after one failure, a run that ends %s (%s) leaves %d', (outcome, code, failures) => {
  const error = code && { code, message: code, retryable: true };
  const projection = { outcome, error, why: 'because' } as unknown as Projection;
  const ended = { runId: 'r_2', number: 2, pipeline: 'p', onlyStage: null, projection };
  expect(afterRun({ ...noStreak, failures: 1 }, ended, null, 1).streak.failures).toBe(failures);
});

test('while a probe is under way no other automatic run is let through, and one that was stopped leaves the next one to be it', () => {
  const policy = { pauseAfter: 1, blocks: 'automatic' as const, probeAfterMs: 1000 };
  const probing = { ...noStreak, failures: 1, blockedAt: 0, probeAt: 1000, probeRun: 'r_2' };
  expect(judgeStart(probing, policy, 'schedule', 5000)).toBe('blocked');
  const projection = { outcome: 'stopped', error: null, why: 'stopped' } as unknown as Projection;
  const { streak } = afterRun(
    probing,
    { runId: 'r_2', number: 2, pipeline: 'p', onlyStage: null, projection },
    policy,
    6000,
  );
  expect(judgeStart(streak, policy, 'backfill', 6000)).toBe('probe');
});

test('without a policy nothing is ever paused, and the pipeline shows none', async () => {
  await open('');
  for (let times = 0; times < 3; times += 1) expect(await run('schedule')).toBe('FAILED');
  expect(await policy()).toBeNull();
});

test('the count survives a restart of the service', async () => {
  await open();
  const { dir } = on;
  await run('schedule');
  await on.service.close();
  await open('', dir);
  await run('schedule');
  await expect(start('schedule')).rejects.toMatchObject({ code: 'blocked-by-policy' });
  await on.close();
  await rm(dir, { recursive: true });
});
