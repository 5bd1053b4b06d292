import { type Served, serveHttp } from '../support/http.ts';
import { ended, startRequest } from '../support/service.ts';

const text = `name: sample
title: A sample
concurrency: { limit: 2 }
env: { TZ: UTC }
stages:
  - name: fetch
    run: ["sh", "-c", "test $STAGEWRIGHT_ATTEMPT = 2"]
    timeout: 10m
    heartbeat: 15m
    env: { TOKEN_NAME: not-for-every-screen }
    retry: { limit: 1, backoff: { initial: 1ms }, never_on: { exit_codes: [2] } }
    limits: { memory: 1GB }
`;
const plain = 'name: plain\nstages:\n  - { name: a, run: ["true"], timeout: 1m }\n';
const often =
  'name: often\nstages:\n  - { name: a, run: ["true"], timeout: 10m }\nschedules:\n  - { cron: "0,5 * * * *" }\n';
const broken = 'name: broken\nstages:\n  - { name: a, rnu: ["true"] }\n';
let served: Served;
beforeAll(async () => {
  served = await serveHttp({
    pipelines: {
      'broken.yaml': broken,
      'plain.yaml': plain,
      'often.yaml': often,
      'sample.yaml': text,
    },
  });
});
afterAll(() => served.close());
const get = async (path: string) => (await served.ask('GET', path)).json;

test('a pipeline says what its file means, every default filled in, and no value of a variable', async () => {
  const { definition, ...rest } = await get('/api/pipelines/sample');
  expect(rest).toMatchObject({
    name: 'sample',
    title: 'A sample',
    file: 'sample.yaml',
    next_slots: [],
    problems: [],
  });
  expect(definition).toMatchObject({
    timezone: 'UTC',
    timeout_ms: null,
    env: ['TZ'],
    concurrency: { key: 'sample', limit: 2, on_conflict: 'refuse' },
    stages: [
      {
        name: 'fetch',
        run: ['sh', '-c', expect.any(String)],
        uses: null,
        env: ['TOKEN_NAME'],
        timeout_ms: 600_000,
        heartbeat_ms: 900_000,
        grace_ms: 10_000,
        on_restart: 'retry',
        retry: {
          limit: 1,
          backoff: { initial_ms: 1, factor: 2, max_ms: 300_000, jitter: 0.1 },
          never_on: { exit_codes: [2] },
          classes: [],
        },
        limits: { memory_bytes: 1024 ** 3, output_bytes: 1024 ** 3 },
      },
    ],
  });
  // Two attempts of 10 min and 10 s, and one wait of 1 ms and a tenth.
  expect(definition.worst_case_ms).toBe(1_220_002);
  expect(JSON.stringify(definition)).not.toContain('not-for-every-screen');
});

test('what may go wrong stands beside it, with its line, in the list and alone', async () => {
  const findings = [
    expect.objectContaining({
      code: 'limit-never-reached',
      severity: 'warning',
      pointer: '/stages/0/heartbeat',
      line: 9,
    }),
  ];
  expect((await get('/api/pipelines/sample')).lint).toEqual(findings);
  const { items } = await get('/api/pipelines');
  expect(items.map(({ name, lint }: { name: string; lint: unknown[] }) => [name, lint])).toEqual([
    ['often', [expect.objectContaining({ code: 'longer-than-interval' })]],
    ['plain', []],
    ['sample', findings],
  ]);
});

test('its last thirty runs stand newest first, a live one without an outcome', async () => {
  const { orchestrator } = served;
  for (let number = 1; number <= 31; number += 1) {
    const { status } = await orchestrator.start(startRequest('plain'));
    await ended(orchestrator, status.run_id as string);
  }
  const { outcomes, status } = await get('/api/pipelines/plain');
  expect(outcomes.map(({ number }: { number: number }) => number)).toEqual(
    Array.from({ length: 30 }, (_, index) => 31 - index),
  );
  expect(outcomes[0]).toMatchObject({
    run_id: status.run_id,
    state: 'DONE',
    outcome: 'success',
    trigger: 'api',
    error_code: null,
  });
  const live = (await orchestrator.start(startRequest('sample'))).status;
  expect((await get('/api/pipelines/sample')).outcomes).toMatchObject([
    { run_id: live.run_id, outcome: null },
  ]);
  await ended(orchestrator, live.run_id as string);
});

test('one that does not exist is refused with the nearest name; one whose file does not hold is not there', async () => {
  expect(await get('/api/pipelines/sampel')).toMatchObject({
    status: 404,
    code: 'unknown-pipeline',
    detail: expect.stringContaining('sample'),
  });
  expect(await get('/api/pipelines/broken')).toMatchObject({
    status: 404,
    code: 'unknown-pipeline',
  });
});

test('a run that can take longer than the time between two slots of its schedule is a finding at its line, also while the schedule is disabled, until it says what happens then', async () => {
  const found = async () =>
    (await get('/api/pipelines/often')).lint.filter(
      ({ code }: { code: string }) => code === 'longer-than-interval',
    );
  expect(await found()).toMatchObject([
    { line: 5, detail: expect.stringContaining('the schedule starts one every 5m') },
  ]);
  expect((await get('/api/pipelines/often')).next_slots).toHaveLength(5);
  const patch = (body: object) =>
    served.ask('PATCH', '/api/schedules/often', { body: JSON.stringify(body) });
  const off = await patch({ enabled: false });
  // TRUTH-12: it is said before somebody enables it, and in the answer to that.
  const finding = { code: 'longer-than-interval', severity: 'warning' };
  expect([off.json.enabled, off.json.lint]).toEqual([false, [expect.objectContaining(finding)]]);
  expect(await found()).toMatchObject([{ detail: expect.stringContaining('once enabled') }]);
  expect((await patch({ enabled: true })).json.lint).toMatchObject([finding]);
  expect((await patch({ overlap: 'queue_one' })).json.lint).toEqual([]);
  expect(await found()).toEqual([]);
});
