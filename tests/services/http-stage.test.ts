import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import {
  createServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { dueOf } from '../../services/interpreter/due-timers.ts';
import type { Status } from '../../wire/status.ts';
import { ended, eventually, type Running, runService, startRequest } from '../support/service.ts';

type Seen = {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** Resolves when its connection is closed. */
  gone: Promise<unknown>;
};
/** What the other side does with the n-th request. */
type Script = (response: ServerResponse, n: number) => unknown;

let other: Server;
let script: Script;
let seen: Seen[];
let running: Running | undefined;
beforeEach(async () => {
  seen = [];
  script = (response) => response.end();
  other = createServer(async (request, response) => {
    const gone = new Promise((resolve) => response.once('close', resolve));
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method = '', url: path = '', headers } = request;
    seen.push({ method, path, headers, body, gone });
    await script(response, seen.length);
  });
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
});
afterEach(async () => {
  await running?.close();
  running = undefined;
  other.closeAllConnections();
  other.close();
});

const origin = () => `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
/** A service with the pipeline `call`: its stage `ask`, and whatever follows it. */
const begin = async (
  http: object,
  { stage = {}, file = {}, after = [] as object[], env = {} } = {},
): Promise<string> => {
  const stages = [{ name: 'ask', http: { url: origin(), ...http }, ...stage }, ...after];
  const text = JSON.stringify({ name: 'call', ...file, stages });
  running = await runService({ pipelines: { 'call.json': text }, env });
  const { status } = await running.orchestrator.start(startRequest('call'));
  return status.run_id as string;
};
const now = () => running as Running;
const outcome = async (...given: Parameters<typeof begin>): Promise<Status> => {
  const id = await begin(...given);
  return ended(now().orchestrator, id);
};
const asked = (count = 1) =>
  eventually(now().orchestrator, async () => seen.length >= count && seen);
const log = (runId: string, attempt = 1): Promise<string> =>
  readFile(join(now().dataDir, 'runs', runId, 'ask', String(attempt), 'stdout.log'), 'utf8');
const tell = (id: string, type: 'STOP' | 'PAUSE' | 'RESUME') =>
  now().orchestrator.command(id, {
    command: { type },
    actor: { kind: 'user', name: 'test' },
    ifVersion: null,
    idempotency: null,
  });
const outputsOf = ({ stages }: Status) => stages[0]?.outputs;
const json = (response: ServerResponse, value: unknown, status = 200) =>
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
const retry = (limit: number) => ({ retry: { limit, backoff: { initial: '1ms', jitter: 0 } } });

test('an answer is outputs with status, headers and body, which later stages insert; its log is one line', async () => {
  script = (response) => json(response, { rows: 7, names: ['a'] });
  const end = await outcome(
    {},
    { after: [{ name: 'use', run: ['test', '${stages.ask.outputs.body.rows}', '=', '7'] }] },
  );
  expect(end).toMatchObject({ state: 'DONE', outcome: 'success' });
  expect(outputsOf(end)).toMatchObject({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: { rows: 7, names: ['a'] },
  });
  expect(await log(end.run_id as string)).toMatch(
    /^GET http:\/\/127\.0\.0\.1:\d+\/ → 200, 24 B \(\d+ ms\)\n$/,
  );
  expect(seen).toMatchObject([{ method: 'GET', path: '/', body: '' }]);
});

test('values are inserted in address, headers and body, with their types in a JSON body', async () => {
  const end = await outcome(
    {
      url: `${origin()}/days/\${params.day}`,
      method: 'POST',
      headers: { 'X-Run': '${run.number}' },
      body: { rows: '${params.rows}', text: 'day ${params.day}' },
    },
    {
      file: {
        params: {
          day: { type: 'string', default: '2026-01-02' },
          rows: { type: 'integer', default: 3 },
        },
      },
    },
  );
  expect(end.state).toBe('DONE');
  expect(seen).toMatchObject([
    {
      method: 'POST',
      path: '/days/2026-01-02',
      headers: { 'x-run': '1', 'content-type': 'application/json' },
      body: '{"rows":3,"text":"day 2026-01-02"}',
    },
  ]);
});

test('a secret goes out in a header and in the body, and no answer that repeats it shows it', async () => {
  const secret = 'hunter2-hunter2';
  script = (response) => json(response, { echo: seen[0]?.headers['authorization'] });
  const end = await outcome(
    {
      method: 'PUT',
      headers: { Authorization: 'Bearer ${secrets.API_TOKEN}' },
      body: '${secrets.API_TOKEN}',
    },
    { file: { secrets: ['API_TOKEN'] }, env: { API_TOKEN: secret } },
  );
  expect(seen).toMatchObject([{ headers: { authorization: `Bearer ${secret}` }, body: secret }]);
  expect(outputsOf(end)).toMatchObject({ body: { echo: 'Bearer ***' } });
  const { items } = await now().orchestrator.events({ after: 0, limit: 1000 });
  expect(JSON.stringify([items, end])).not.toContain(secret);
});

test('a secret that the other side repeats is masked before its words are cut', async () => {
  const secret = 'hunter2-hunter2';
  script = (response) => response.writeHead(400).end(`${'x'.repeat(190)}${secret}`);
  const end = await outcome({}, { file: { secrets: ['API_TOKEN'] }, env: { API_TOKEN: secret } });
  expect(end.error?.message).toContain('x***');
  expect(JSON.stringify(end)).not.toContain('hunter2');
});

test('404 fails at once, although retries are left; the message says status and answer', async () => {
  script = (response) => json(response, { reason: 'no such day' }, 404);
  const end = await outcome({}, { stage: retry(3) });
  expect(end).toMatchObject({
    state: 'FAILED',
    error: {
      code: 'http-status',
      retryable: false,
      message: expect.stringContaining('404: {"reason"'),
    },
  });
  expect(seen).toHaveLength(1);
});

test.each([408, 429, 500, 503])(
  '%d is tried again, with the same Idempotency-Key, and the answer of the next attempt counts',
  async (status) => {
    script = (response, n) => (n === 1 ? response.writeHead(status).end() : response.end('fine'));
    const end = await outcome({ method: 'POST', body: 'x' }, { stage: retry(2) });
    expect(end).toMatchObject({ state: 'DONE', stages: [{ attempt: 2 }] });
    expect(outputsOf(end)).toMatchObject({ body: 'fine' });
    const keys = seen.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), keys[0]]);
  },
);

test('Retry-After is not asked earlier', async () => {
  script = (response) => response.writeHead(503, { 'Retry-After': '3600' }).end();
  const id = await begin({}, { stage: retry(1) });
  await eventually(now().orchestrator, async () => {
    const status = await now().orchestrator.run(id);
    return status.state === 'RETRYING' && status;
  });
  const dueWithin = async (ms: number) =>
    dueOf(await now().store.timers(), { wallMs: Date.now() + ms, monotonicMs: 0 }).filter(
      ({ id: name }) => name.includes('backoff'),
    ).length;
  expect([await dueWithin(3_500_000), await dueWithin(3_700_000), seen.length]).toEqual([0, 1, 1]);
});

test('expect.status says which answers are good, and 200 is not one then', async () => {
  script = (response, n) => response.writeHead(n === 1 ? 404 : 200).end();
  const expectation = { expect: { status: [404] } };
  expect(await outcome(expectation)).toMatchObject({ state: 'DONE' });
  const second = await now().orchestrator.start(startRequest('call'));
  expect(await ended(now().orchestrator, second.status.run_id as string)).toMatchObject({
    state: 'FAILED',
    error: { code: 'http-status' },
  });
});

test('a redirect is not followed unless the stage says so', async () => {
  script = (response) => response.writeHead(302, { Location: '/elsewhere' }).end();
  expect(await outcome({})).toMatchObject({ error: { code: 'http-status', retryable: false } });
  expect(seen.map(({ path }) => path)).toEqual(['/']);
});

test('a redirect on the same host is followed as the standard says, with a line of the log for each request', async () => {
  script = (response, n) =>
    n === 1
      ? response.writeHead(303, { Location: '/done?n=1' }).end()
      : json(response, { fine: true });
  const end = await outcome({
    method: 'POST',
    body: { a: 1 },
    headers: { 'X-Own': 'yes' },
    redirect: 'same-host',
  });
  expect(outputsOf(end)).toMatchObject({ status: 200, body: { fine: true } });
  expect(seen).toMatchObject([
    { method: 'POST', path: '/', body: '{"a":1}' },
    { method: 'GET', path: '/done?n=1', body: '', headers: { 'x-own': 'yes' } },
  ]);
  expect(seen[1]?.headers['content-type']).toBeUndefined();
  const lines = (await log(end.run_id as string)).trim().split('\n');
  expect(lines.map((line) => line.replace(/ \(\d+ ms\)$/, ''))).toEqual([
    `POST ${origin()}/ → 303, 0 B`,
    `GET ${origin()}/done?n=1 → 200, 13 B`,
  ]);
});

test('another host is asked only with any, and gets none of the headers of the stage', async () => {
  const secret = 'hunter2-hunter2';
  // The same machine by another name.
  const elsewhere = () => origin().replace('127.0.0.1', 'localhost');
  script = (response, n) =>
    n % 2 === 1
      ? response.writeHead(307, { Location: `${elsewhere()}/there` }).end()
      : response.end('ok');
  const headers = { Authorization: 'Bearer ${secrets.API_TOKEN}', 'X-Own': 'yes' };
  const given = { file: { secrets: ['API_TOKEN'] }, env: { API_TOKEN: secret } };
  const http = { method: 'POST', body: 'plain', headers };
  expect(await outcome({ ...http, redirect: 'same-host' }, given)).toMatchObject({
    error: { code: 'http-status', retryable: false },
  });
  expect(seen).toHaveLength(1);
  await now().close();
  seen = [];
  expect(await outcome({ ...http, redirect: 'any' }, given)).toMatchObject({ state: 'DONE' });
  expect(seen).toMatchObject([
    { headers: { authorization: `Bearer ${secret}`, 'x-own': 'yes' } },
    { method: 'POST', path: '/there', body: 'plain' },
  ]);
  expect([seen[1]?.headers['authorization'], seen[1]?.headers['x-own']]).toEqual([
    undefined,
    undefined,
  ]);
  expect(seen[1]?.headers['idempotency-key']).toBe(seen[0]?.headers['idempotency-key']);
  await now().close();
  seen = [];
  const end = await outcome({ ...http, body: '${secrets.API_TOKEN}', redirect: 'any' }, given);
  expect([end.error?.code, end.error?.retryable, seen.length]).toEqual(['http-failed', false, 1]);
  expect(JSON.stringify(end)).not.toContain(secret);
});

test('redirects without end fail after ten, and are not tried again', async () => {
  script = (response, n) => response.writeHead(302, { Location: `/${n}` }).end();
  const end = await outcome({ redirect: 'any' }, { stage: retry(2) });
  expect(end.error).toMatchObject({ code: 'http-failed', retryable: false, attempt: 1 });
  expect(seen).toHaveLength(11);
});

test('a redirect that is expected is the answer', async () => {
  script = (response) => response.writeHead(302, { Location: '/elsewhere' }).end();
  const end = await outcome({ redirect: 'any', expect: { status: [302] } });
  expect([end.state, outputsOf(end)?.['status'], seen.length]).toEqual(['DONE', 302, 1]);
});

test('a connection that is refused is tried again, and then fails http-failed', async () => {
  const gone = createServer();
  gone.listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as AddressInfo;
  gone.close();
  await once(gone, 'close');
  const end = await outcome({ url: `http://127.0.0.1:${port}/` }, { stage: retry(1) });
  expect(end).toMatchObject({
    state: 'FAILED',
    error: {
      code: 'http-failed',
      retryable: true,
      message: expect.stringContaining('ECONNREFUSED'),
    },
    stages: [{ attempt: 2 }],
  });
});

test('what cannot be sent is not tried again: an address that is none, a header with a line break', async () => {
  const params = { where: { type: 'string', default: 'file:///etc/passwd' } };
  expect(
    await outcome({ url: '${params.where}' }, { file: { params }, stage: retry(2) }),
  ).toMatchObject({
    error: { code: 'http-failed', retryable: false },
    stages: [{ attempt: 1 }],
  });
  await now().close();
  const broken = { word: { type: 'string', default: 'a\r\nX-More: b' } };
  expect(
    await outcome(
      { headers: { 'X-Word': '${params.word}' } },
      { file: { params: broken }, stage: retry(2) },
    ),
  ).toMatchObject({ error: { code: 'http-failed', retryable: false }, stages: [{ attempt: 1 }] });
  expect(seen).toEqual([]);
});

test('timeout ends a slow request: its connection is closed before the next attempt begins', async () => {
  const order: string[] = [];
  script = (response, n) => {
    order.push(`request ${n}`);
    void seen[n - 1]?.gone.then(() => order.push(`closed ${n}`));
    if (n === 2) response.end('late');
  };
  const end = await outcome({}, { stage: { timeout: '300ms', ...retry(1) } });
  expect(end).toMatchObject({ state: 'DONE', stages: [{ attempt: 2 }] });
  expect(order.slice(0, 3)).toEqual(['request 1', 'closed 1', 'request 2']);
});

test('heartbeat ends a request that has gone silent in the middle of its answer', async () => {
  script = (response) => void response.writeHead(200).write('half');
  const end = await outcome({}, { stage: { heartbeat: '300ms' } });
  expect(end).toMatchObject({ state: 'FAILED', error: { code: 'heartbeat' } });
  await seen[0]?.gone;
});

test('STOP ends a request that waits: the run is STOPPED, nothing is left, and the connection is closed', async () => {
  script = () => {};
  const id = await begin({}, { stage: retry(3) });
  await asked();
  await tell(id, 'STOP');
  const end = await ended(now().orchestrator, id);
  expect([end.state, end.lock, await now().store.effects()]).toEqual(['STOPPED', null, []]);
  await seen[0]?.gone;
});

test('a body larger than max_body fails http-too-large, and is not asked for again', async () => {
  script = (response) => response.end('x'.repeat(2000));
  const end = await outcome({ max_body: '1kB' }, { stage: retry(2) });
  expect(end).toMatchObject({
    error: { code: 'http-too-large', retryable: false },
    stages: [{ attempt: 1 }],
  });
});

test.each([
  ['larger than outputs may be', Buffer.from('x'.repeat(70_000)), 'text/plain'],
  ['no text', Buffer.from([0, 159, 146, 150, 255]), 'image/png'],
])('a body that is %s is a file, named in the outputs', async (_, bytes, type) => {
  script = (response) => response.writeHead(200, { 'Content-Type': type }).end(bytes);
  const end = await outcome({});
  expect(outputsOf(end)).toMatchObject({ status: 200, body: null, file: expect.any(String) });
  expect(await readFile(outputsOf(end)?.['file'] as string)).toEqual(bytes);
});

test('a link that lies in the place of that file is not followed', async () => {
  script = (response) => response.end('x'.repeat(70_000));
  const link = 'ln -s "$PWD/kept.txt" "$STAGEWRIGHT_WORKSPACE/ask.response"; echo kept > kept.txt';
  const text = JSON.stringify({
    name: 'call',
    stages: [
      { name: 'plant', run: ['sh', '-c', link] },
      { name: 'ask', http: { url: origin() } },
    ],
  });
  running = await runService({ pipelines: { 'call.json': text } });
  const { status } = await running.orchestrator.start(startRequest('call'));
  const end = await ended(running.orchestrator, status.run_id as string);
  expect(await readFile(end.stages[1]?.outputs['file'] as string)).toHaveLength(70_000);
  expect(await readFile(join(running.dir, 'kept.txt'), 'utf8')).toBe('kept\n');
});

test.each([
  ['', null],
  ['{"a":', '{"a":'],
  ['['.repeat(5000) + ']'.repeat(5000), expect.stringMatching(/^\[{5000}/)],
])('a body of JSON that is none, or nested beyond measure, is a text: %#', async (text, body) => {
  script = (response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end(text);
  const end = await outcome({});
  expect([end.state, outputsOf(end)?.['body']]).toEqual(['DONE', body]);
});

test('PAUSE lets the request end, and holds the run before the next stage', async () => {
  const answer = Promise.withResolvers<void>();
  script = async (response) => {
    await answer.promise;
    response.end('ok');
  };
  const id = await begin({}, { after: [{ name: 'next', run: ['true'] }] });
  await asked();
  await tell(id, 'PAUSE');
  answer.resolve();
  await eventually(
    now().orchestrator,
    async () => (await now().orchestrator.run(id)).state === 'PAUSED',
  );
  await tell(id, 'RESUME');
  expect(await ended(now().orchestrator, id)).toMatchObject({ state: 'DONE' });
});

test('the end of the service ends the request, and the next one asks again with the same key', async () => {
  script = (response, n) => n === 2 && response.end('ok');
  const id = await begin({}, { stage: retry(0) });
  await asked();
  const { dir } = now();
  await now().service.close();
  await seen[0]?.gone;
  running = await runService({ dir });
  expect(await ended(running.orchestrator, id)).toMatchObject({
    state: 'DONE',
    stages: [{ attempt: 2 }],
  });
  expect(seen[1]?.headers['idempotency-key']).toBe(seen[0]?.headers['idempotency-key']);
  await running.close();
  await rm(dir, { recursive: true });
});
