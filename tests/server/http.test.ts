import { routes } from '../../server/routes.ts';
import { type Served, serveHttp } from '../support/http.ts';
import { openRaw } from '../support/raw.ts';
import { until } from '../support/until.ts';

let served: Served;
let id: string;
beforeAll(async () => {
  served = await serveHttp({
    pipelines: { 'a.yaml': 'name: a\nstages:\n  - { name: one, run: ["true"] }\n' },
    defaultPipeline: 'a',
  });
  id = (await served.ask('POST', '/api/pipelines/a/runs')).json.run_id;
});
afterAll(() => served.close());
const ask = (method: string, path: string, headers: Record<string, string> = {}) =>
  served.ask(method, path, { headers });
const get = async (path: string) => {
  const { status, json } = await ask('GET', path);
  return [path, status, json?.code];
};

/** Every address there is, with something in the place of its names. */
const filled = (path: string): string =>
  path
    .replace('/api/runs/{id}', `/api/runs/${id}`)
    .replace('{name}', path.includes('artefacts') ? 'a.txt' : 'a')
    .replaceAll(/\{(\w+)\}/g, (_, name: string) => (name === 'backfill' ? 'b_1' : '1'));
const others = ['/', '/openapi.json', '/asyncapi.json', '/metrics', '/docs/', '/docs/index.html'];
const allowedAt = (path: string): string[] => {
  const methods = routes.filter((one) => one.path === path).map(({ method }) => method);
  const all = methods.length > 0 ? methods : ['get'];
  return all.flatMap((method) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]));
};

test('SEC-17: OPTIONS says at every address what is possible, and what is not is 405 with the same list', async () => {
  const paths = [...new Set(routes.map(({ path }) => path)), ...others];
  expect(paths.length).toBeGreaterThan(35);
  for (const path of paths) {
    const options = await ask('OPTIONS', filled(path));
    const allow = String(options.headers.allow).split(', ');
    expect([path, options.status, allow.toSorted()]).toEqual([
      path,
      204,
      [...allowedAt(path), 'OPTIONS'].toSorted(),
    ]);
    for (const method of ['GET', 'POST', 'PATCH', 'PUT', 'DELETE', 'TRACE'])
      if (!allow.includes(method)) {
        const { status, headers, json } = await ask(method, filled(path));
        expect([path, method, status, json.code, headers.allow]).toEqual([
          path,
          method,
          405,
          'method-not-allowed',
          options.headers.allow,
        ]);
      }
  }
});

test('SEC-17: an unknown query parameter is told by every route alike', async () => {
  for (const { method, path } of routes) {
    const { status, json } = await ask(method.toUpperCase(), `${filled(path)}?nothing=1`);
    // An id that does not fit is told first.
    const codes = ['bad-parameter', 'invalid-id'];
    expect([method, path, status, codes.includes(json.code)]).toEqual([method, path, 400, true]);
  }
});

test.each([
  ...['0x10', '1e2', '%201', '1%20', '+1', '1.0', '', '-1', '%D9%A3'].map(
    (limit) => `/api/runs?limit=${limit}`,
  ),
  '/api/runs?limit=1&limit=2',
  '/api/events?after=0x1',
  '/api/runs?state=NOPE',
  '/api/runs?state=RUNNING_',
  '/api/runs?state=running',
  '/api/runs?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z',
])('SEC-17: %s is refused as a bad parameter', async (path) =>
  expect(await get(path)).toEqual([path, 400, 'bad-parameter']),
);

test.each([
  '/api/runs?limit=10',
  '/api/runs?state=RUNNING_ONE',
  '/api/runs?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z',
])('%s holds', async (path) => expect((await get(path))[1]).toBe(200));

test.each(['/api/runs/', '/API/runs', '/Api/Runs', '/healthz/'])(
  'SEC-17: %s is no other name of what stands beside it',
  async (path) => expect(await get(path)).toEqual([path, 404, 'not-found']),
);

const raw = async (text: string): Promise<string> => {
  const client = await openRaw(served.url, `${text}Connection: close\r\n\r\n`);
  await client.ended;
  client.socket.destroy();
  return client.heard();
};
test('SEC-17: two Host headers are malformed, and the authority of an absolute address holds over Host', async () => {
  const { host } = new URL(served.url);
  const one = `Host: ${host}\r\n`;
  expect(await raw(`GET /healthz HTTP/1.1\r\n${one}${one}`)).toMatch(
    /^HTTP\/1.1 400 [\s\S]*bad-parameter/,
  );
  expect(await raw(`GET http://${host}/healthz HTTP/1.1\r\nHost: elsewhere\r\n`)).toMatch(
    /^HTTP\/1.1 200 /,
  );
  expect(await raw(`GET http://elsewhere.example/healthz HTTP/1.1\r\n${one}`)).toMatch(
    /^HTTP\/1.1 403 [\s\S]*unknown-host/,
  );
  expect(await raw(`GET healthz HTTP/1.1\r\n${one}`)).toMatch(/^HTTP\/1.1 40[03] /);
});

test('SEC-17: the front door opens for whoever takes anything', async () => {
  for (const headers of [{ Accept: '*/*' }, {}, { Accept: 'text/html' }] as Record<
    string,
    string
  >[]) {
    const { status, headers: said } = await ask('GET', '/', headers);
    expect([200, 503]).toContain(status);
    expect(said['content-type']).toMatch('text/html');
  }
  expect((await ask('GET', '/', { Accept: 'application/json' })).status).toBe(404);
});

test('SEC-14: a reason is plain text', async () => {
  const stop = (reason: string) =>
    served.ask('POST', '/api/pipeline/stop', { body: JSON.stringify({ reason }) });
  for (const reason of ['\u001b[2J', 'a\u0000', '\u009b31m', 'a\u202eb', '\r', '\u2066x']) {
    const { status, json } = await stop(reason);
    expect([status, json.code, json.errors?.[0].pointer]).toEqual([422, 'invalid-body', '/reason']);
  }
  // A run of an earlier test may still be on its way to its end.
  await until(async () => {
    const { run_id, ended_at } = (await served.ask('GET', '/api/pipeline/status')).json;
    return run_id === null || ended_at !== null;
  });
  expect((await stop('two\nlines\tand ünïcödé 💥')).json.code).toBe('nothing-to-stop');
});
