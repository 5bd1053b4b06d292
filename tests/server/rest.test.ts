import { serviceErrors } from '../../services/host/service-error.ts';
import { type Served, serveHttp } from '../support/http.ts';
import { ended } from '../support/service.ts';

const quick = `name: quick
params: { day: { type: string, format: date, default: "2020-01-01" } }
stages:
  - { name: one, run: ["sh", "-c", "echo hi"] }
  - { name: two, run: ["sh", "-c", "true"] }
`;
const slow = 'name: slow\nstages:\n  - { name: wait, grace: 200ms, run: ["sleep", "30"] }\n';
const broken = 'name: broken\nstages:\n  - name: one\n    run: ["true"]\n    tmeout: 5s\n';

let served: Served;
beforeEach(async () => {
  served = await serveHttp({
    pipelines: { 'quick.yaml': quick, 'slow.yaml': slow, 'broken.yaml': broken },
    defaultPipeline: 'quick',
  });
});
afterEach(() => served.close());
const post = (path: string, body: unknown = {}, headers: Record<string, string> = {}) =>
  served.ask('POST', path, {
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers,
  });
const get = (path: string, headers: Record<string, string> = {}) =>
  served.ask('GET', path, { headers });

/** Every refusal is a problem document of the table, and never shows the inside. */
const expectProblem = (
  answer: Awaited<ReturnType<Served['ask']>>,
  code: keyof typeof serviceErrors,
) => {
  expect([answer.status, answer.json?.code]).toEqual([serviceErrors[code][0], code]);
  expect(answer.headers['content-type']).toContain('application/problem+json');
  expect(answer.json).toMatchObject({
    type: `urn:stagewright:problem:${code}`,
    request_id: answer.headers['x-request-id'],
  });
  expect(answer.text).not.toMatch(/<html|node_modules|at .*\.ts:\d+|\/tmp\//);
};

test.each([
  ['broken JSON', '/api/pipeline/start', '{"params":', 'invalid-json'],
  ['a JSON that is no object', '/api/pipeline/start', '[1]', 'invalid-body'],
  ['a wrong type', '/api/pipeline/start', '{"params":[]}', 'invalid-body'],
  [
    'a body over 1 MiB',
    '/api/pipeline/start',
    JSON.stringify({ reason: 'x'.repeat(1_100_000) }),
    'body-too-large',
  ],
  [
    'a parameter nobody declared',
    '/api/pipeline/start',
    '{"params":{"dya":"2020-01-01"}}',
    'invalid-params',
  ],
  [
    'a parameter of the wrong shape',
    '/api/pipeline/start',
    '{"params":{"day":"yesterday"}}',
    'invalid-params',
  ],
  ['an unknown pipeline', '/api/pipeline/start?pipeline=quik', '{}', 'unknown-pipeline'],
  ['a malformed pipeline name', '/api/pipeline/start?pipeline=..%2F..', '{}', 'bad-parameter'],
  ['an unknown stage', '/api/pipeline/stage/too', '{}', 'unknown-stage'],
  ['nothing to stop', '/api/pipeline/stop', '{}', 'nothing-to-stop'],
  [
    'an unknown command',
    '/api/runs/r_00000000000000000000000000/commands',
    '{"type":"JUMP"}',
    'invalid-body',
  ],
  [
    'a command to an unknown run',
    '/api/runs/r_00000000000000000000000000/commands',
    '{"type":"STOP"}',
    'unknown-run',
  ],
] as const)('%s is refused with its code, and no run begins', async (_what, path, body, code) => {
  expectProblem(await post(path, body), code);
  expect((await get('/api/runs')).json.items).toEqual([]);
});

test.each([
  ['/api/runs/r_00000000000000000000000000', 'unknown-run'],
  ['/api/runs/..%2F..%2Fetc%2Fpasswd', 'invalid-id'],
  ['/api/runs/%zz', 'invalid-id'],
  ['/api/runs/r_1', 'invalid-id'],
  ['/api/nothing', 'not-found'],
  ['/api/runs?limit=many', 'bad-parameter'],
  ['/api/runs?limt=5', 'bad-parameter'],
  ['/api/events?event=exploded', 'bad-parameter'],
  ['/../package.json', 'not-found'],
  ['/%2e%2e/package.json', 'not-found'],
] as const)('GET %s is %s', async (path, code) => expectProblem(await get(path), code));

test('an unknown key is answered with the nearest known one, at its pointer', async () => {
  const answer = await post('/api/pipeline/stop', { resaon: 'x' });
  expectProblem(answer, 'invalid-body');
  expect(answer.json.errors).toEqual([
    { pointer: '', detail: 'unknown key `resaon`; did you mean `reason`?' },
  ]);
});

test('a wrong method names the right ones; a wrong content type is refused', async () => {
  const wrong = await served.ask('DELETE', '/api/pipeline/status');
  expectProblem(wrong, 'method-not-allowed');
  expect(wrong.headers.allow).toBe('GET, HEAD, OPTIONS');
  expectProblem(
    await post('/api/pipeline/start', 'a=b', {
      'Content-Type': 'application/x-www-form-urlencoded',
    }),
    'unsupported-media-type',
  );
});

test('a page of another site can neither read nor start; a rebound host name is refused', async () => {
  expectProblem(
    await post('/api/pipeline/start', {}, { Origin: 'https://evil.example' }),
    'foreign-origin',
  );
  expectProblem(await get('/api/pipeline/status', { Host: 'evil.example' }), 'unknown-host');
  expect(
    (await get('/api/pipeline/status', { Origin: served.url, Host: new URL(served.url).host }))
      .status,
  ).toBe(200);
  expect((await get('/api/runs')).json.items).toEqual([]);
});

test('a start is 202 with its Location, and the run it names ends DONE', async () => {
  const answer = await post('/api/pipeline/start', {
    reason: 'because',
    params: { day: '2021-05-05' },
  });
  expect([answer.status, answer.headers.location, answer.json.state]).toEqual([
    202,
    `/api/runs/${answer.json.run_id}`,
    'STARTING',
  ]);
  const end = await ended(served.orchestrator, answer.json.run_id);
  expect(end).toMatchObject({ state: 'DONE', trigger: 'manual', params: { day: '2021-05-05' } });
  expect((await get('/api/pipeline/status')).json).toMatchObject({
    run_id: end.run_id,
    state: 'DONE',
    version: end.version,
  });
});

test('S02, S06: a second start is 409 with the id and the reason of the live run, leaves no run, and its refusal is recorded', async () => {
  const [first, second] = await Promise.all([
    post('/api/pipeline/start?pipeline=slow'),
    post('/api/pipeline/start?pipeline=slow'),
  ]);
  const [accepted, refused] = first.status === 202 ? [first, second] : [second, first];
  expectProblem(refused, 'already-running');
  expect(refused.json).toMatchObject({
    run_id: accepted.json.run_id,
    pipeline: 'slow',
    state: expect.any(String),
    since: expect.any(String),
  });
  expect(refused.json.why).not.toBe('');
  expect((await get('/api/runs?pipeline=slow')).json.items).toHaveLength(1);
  const events = (await get('/api/events?pipeline=slow&event=refused')).json.items;
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({
    run_id: null,
    data: { command: 'START', run_id: accepted.json.run_id },
  });
});

test('the same idempotency key is the same run; with another body it is refused', async () => {
  const headers = { 'Idempotency-Key': 'k-1' };
  const first = await post('/api/pipeline/start', { reason: 'a' }, headers);
  await ended(served.orchestrator, first.json.run_id);
  const again = await post('/api/pipeline/start', { reason: 'a' }, headers);
  expect([again.status, again.json.run_id, again.headers['idempotent-replayed']]).toEqual([
    202,
    first.json.run_id,
    'true',
  ]);
  expectProblem(
    await post('/api/pipeline/start', { reason: 'b' }, headers),
    'idempotency-key-reused',
  );
  expectProblem(
    await post('/api/pipeline/start', {}, { 'Idempotency-Key': 'with space' }),
    'bad-parameter',
  );
  expect((await get('/api/runs')).json.items).toHaveLength(1);
});

test('S11: a single stage runs from IDLE, answers at once, ends and frees the lock', async () => {
  expect((await get('/api/pipeline/status')).json).toMatchObject({ state: 'IDLE', run_id: null });
  const answer = await post('/api/pipeline/stage/two');
  expect([answer.status, answer.json.only_stage]).toEqual([202, 'two']);
  const end = await ended(served.orchestrator, answer.json.run_id);
  expect([end.state, end.stages.map(({ name }) => name), end.lock]).toEqual([
    'DONE',
    ['two'],
    null,
  ]);
});

test('X-Actor names who asks, in the ledger and in what the run says; a name with other characters is refused', async () => {
  const run = (await post('/api/pipeline/start?pipeline=slow')).json.run_id;
  const as = (name: string) =>
    served.ask('POST', '/api/pipeline/stop?pipeline=slow', {
      body: '{}',
      headers: { 'X-Actor': name },
    });
  expectProblem(await as('<b>ada</b>'), 'bad-parameter');
  expect((await as('ada')).json.why).toContain('on request of ada');
  await ended(served.orchestrator, run);
  expect(
    (await get(`/api/runs/${run}/transitions`)).json.items.some(
      ({ cause }: { cause: { actor?: string } }) => cause.actor === 'ada',
    ),
  ).toBe(true);
});

test('stop is 202 STOPPING and ends STOPPED; the second time there is nothing to stop', async () => {
  const run = (await post('/api/pipeline/start?pipeline=slow')).json.run_id;
  const stop = await post('/api/pipeline/stop?pipeline=slow', { reason: 'enough' });
  expect([stop.status, stop.json.state]).toEqual([202, 'STOPPING']);
  expect(await ended(served.orchestrator, run)).toMatchObject({
    state: 'STOPPED',
    why: 'stopped: enough',
  });
  expectProblem(await post('/api/pipeline/stop?pipeline=slow'), 'nothing-to-stop');
  const late = await post(`/api/runs/${run}/commands`, { type: 'STOP' });
  expectProblem(late, 'command-not-allowed');
  expect(late.json).toMatchObject({
    allowed: ['RETRY_FROM'],
    why_not: 'not possible while STOPPED: stopped: enough',
  });
});

test('reset shows IDLE and keeps the history; a live run must be forced', async () => {
  const run = (await post('/api/pipeline/start?pipeline=slow')).json.run_id;
  expectProblem(await post('/api/pipeline/reset?pipeline=slow'), 'run-active');
  expect((await post('/api/pipeline/reset?pipeline=slow', { force: true })).status).toBe(202);
  await ended(served.orchestrator, run);
  expect((await get('/api/pipeline/status?pipeline=slow')).json).toMatchObject({
    state: 'IDLE',
    run_id: null,
    last_run_id: run,
  });
  expect((await get('/api/runs?pipeline=slow')).json.items).toHaveLength(1);
});

test('pages of runs neither skip nor repeat while runs are added', async () => {
  const ids: string[] = [];
  for (let index = 0; index < 5; index += 1) {
    ids.unshift((await post('/api/pipeline/start')).json.run_id);
    await ended(served.orchestrator, ids[0] as string);
  }
  const first = (await get('/api/runs?limit=2')).json;
  const added = (await post('/api/pipeline/start')).json.run_id;
  await ended(served.orchestrator, added);
  const second = (await get(`/api/runs?limit=2&cursor=${first.next_cursor}`)).json;
  const third = (await get(`/api/runs?limit=2&cursor=${second.next_cursor}`)).json;
  expect([...first.items, ...second.items, ...third.items].map(({ run_id }) => run_id)).toEqual(
    ids,
  );
  expect(third.next_cursor).toBeNull();
});

test('a pipeline file that does not hold is shown with file, line and field, and the others run', async () => {
  const { items, problems } = (await get('/api/pipelines')).json;
  expect(items.map(({ name }: { name: string }) => name).toSorted()).toEqual(['quick', 'slow']);
  expect(problems).toEqual([
    {
      file: 'broken.yaml',
      line: 5,
      pointer: '/stages/0/tmeout',
      code: 'unknown-key',
      detail: 'unknown key `tmeout`; did you mean `timeout`?',
    },
  ]);
  const health = await get('/api/health');
  expect([health.status, health.json.status, health.json.checks.pipelines.status]).toEqual([
    200,
    'degraded',
    'degraded',
  ]);
});

test('before the truth is settled, state is 503 starting with Retry-After; health says starting', async () => {
  const early = await serveHttp({ pipelines: { 'quick.yaml': quick }, boot: false });
  const answer = await early.ask('GET', '/api/pipeline/status');
  expectProblem(answer, 'starting');
  expect(answer.headers['retry-after']).toBe('1');
  const statuses = ['/api/health', '/readyz', '/healthz'].map(
    async (path) => (await early.ask('GET', path)).status,
  );
  // It lives, but is neither well nor ready.
  expect(await Promise.all(statuses)).toEqual([503, 503, 200]);
  await early.service.boot();
  expect((await early.ask('GET', '/api/pipeline/status')).status).toBe(200);
  await early.close();
});

test('the document describes every route, with a schema for each answer', async () => {
  const { openapi, paths } = (await get('/openapi.json')).json;
  expect(openapi).toBe('3.1.0');
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining(['/api/pipeline/start', '/api/runs/{id}/transitions', '/api/health']),
  );
  expect(Object.keys(paths['/api/pipeline/start'].post.responses)).toEqual(
    expect.arrayContaining(['202', '400', '403', '404', '409', '413', '415', '422', '503']),
  );
});

test('TRUTH-20: a reset says the seq of its own event, also when twenty come at once', async () => {
  await ended(served.orchestrator, (await post('/api/pipeline/start')).json.run_id);
  const answers = await Promise.all(Array.from({ length: 20 }, () => post('/api/pipeline/reset')));
  const { items } = (await get('/api/events?event=acknowledged&limit=100')).json;
  expect(new Set(answers.map(({ json }) => json.as_of_seq))).toEqual(
    new Set(items.map(({ seq }: { seq: number }) => seq)),
  );
});
