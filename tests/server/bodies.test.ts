import { measureJson } from '../../server/json-body.ts';
import { routes } from '../../server/routes.ts';
import { type Served, serveHttp } from '../support/http.ts';

const pipeline = `name: a
params:
  list: { type: array, default: [] }
  any: { type: object, default: {} }
stages:
  - { name: one, run: ["sh", "-c", "sleep 600"], grace: 100ms }
`;
let served: Served;
let id: string;
beforeAll(async () => {
  served = await serveHttp({ pipelines: { 'a.yaml': pipeline }, defaultPipeline: 'a' });
  id = (await served.ask('POST', '/api/pipelines/a/runs')).json.run_id;
});
afterAll(() => served.close());
const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  served.ask('POST', path, { body, headers });
const told = ({ status, json }: Awaited<ReturnType<typeof post>>) => [status, json?.code];

const nested = (levels: number, [open, close]: [string, string]): string =>
  open.repeat(levels) + close.repeat(levels);
const kinds = [
  ['lists', '[', ']'],
  ['objects', '{"a":', '}'],
] as const;
const withBodies = routes.filter(({ body }) => body);

test('SEC-7: a body that nests too deep is refused as invalid-json by every route that takes one, with or without a key', async () => {
  expect(withBodies.length).toBeGreaterThan(10);
  for (const { method, path } of withBodies)
    for (const [, open, close] of kinds)
      for (const levels of [65, 3000, 100_000]) {
        const filled = path.replace('{id}', path.includes('/runs/') ? id : 'a');
        const body = `{"params":${nested(levels, [open, close]).replaceAll('{"a":}', '{}')}}`;
        const answer = await served.ask(method.toUpperCase(), filled.replace('{name}', 'a'), {
          body,
          headers: { 'Idempotency-Key': 'deep' },
        });
        expect([path, levels, ...told(answer)]).toEqual([path, levels, 400, 'invalid-json']);
      }
});

test('SEC-7: what nests 64 deep is read', async () => {
  const list = nested(62, ['[', ']']);
  expect(told(await post('/api/pipelines/a/runs', `{"params":{"list":${list}}}`))).toEqual([
    409,
    'already-running',
  ]);
  expect(told(await post('/api/pipelines/a/runs', `{"params":{"list":[${list}]}}`))).toEqual([
    400,
    'invalid-json',
  ]);
  const outputs = `{"type":"RESUME","outputs":${nested(70, ['[', ']'])}}`;
  expect(told(await post(`/api/runs/${id}/commands`, outputs))).toEqual([400, 'invalid-json']);
});

test('SEC-7: depth and number of values are found in one pass, and brackets in texts do not count', () => {
  expect(measureJson(Buffer.from('{"a":[[1,2],"[[[\\"[["]}'))).toEqual({ depth: 3, values: 4 });
  expect(measureJson(Buffer.from('"\\\\"'))).toEqual({ depth: 0, values: 1 });
  expect(measureJson(Buffer.from('['.repeat(1000)))).toEqual({ depth: 1000, values: 1 });
});

test('SEC-7: a body of more values than anybody needs is refused, and one that is wrong everywhere gets a short answer', async () => {
  const many = `{"params":{"list":[${'1,'.repeat(10_000)}1]}}`;
  expect(told(await post('/api/pipelines/a/runs', many))).toEqual([400, 'invalid-json']);
  const keys = Array.from({ length: 4000 }, (_, index) => `"${'k'.repeat(100)}${index}":1`);
  for (const body of [`{${keys}}`, `{"params":{${keys}}}`]) {
    const answer = await post('/api/pipelines/a/runs', body);
    expect(answer.status).toBe(422);
    expect(answer.text.length).toBeLessThan(20_000);
  }
});

test('a body in another charset is refused, since its bytes would be measured wrongly', async () => {
  const type = { 'Content-Type': 'application/json; charset=utf-16' };
  expect(told(await post('/api/pipelines/a/runs', '{}', type))).toEqual([
    415,
    'unsupported-media-type',
  ]);
});

test.each([
  ['/api/pipelines/a/runs', '{"params":{"__proto__":{"x":1}}}', 'invalid-params'],
  ['/api/pipelines/a/runs', '{"params":{"any":{"b":{"__proto__":1}}}}', 'invalid-params'],
  ['/api/pipelines/a/runs', '{"__proto__":{"params":{}}}', 'invalid-body'],
  [
    '/api/schedules',
    '{"id":"x","pipeline":"a","every":"1h","params":{"__proto__":1}}',
    'invalid-params',
  ],
  ['/api/pipeline/stop', '{"__proto__":1}', 'invalid-body'],
])('SEC-16: `__proto__` is an unknown key like any other: %s %s', async (path, body, code) => {
  const answer = await post(path, body);
  expect(told(answer)).toEqual([422, code]);
  expect(answer.json.errors[0].pointer).toContain('/__proto__');
});

test.each(['scheduler', 'Watchdog', ' system', 'api', 'serve --start', 'the queue', 'SIGHUP'])(
  'SEC-13: nobody may call himself %s, and the refusal names the header',
  async (name) => {
    const answer = await post('/api/pipelines/a/runs', '{}', { 'X-Actor': name });
    expect(told(answer)).toEqual([400, 'bad-parameter']);
    expect(answer.json.detail).toContain('X-Actor');
  },
);
