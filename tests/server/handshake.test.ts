import { type Served, serveHttp } from '../support/http.ts';
import { handshake, openRaw } from '../support/raw.ts';
import { until } from '../support/until.ts';

let served: Served;
beforeAll(async () => {
  served = await serveHttp({ pipelines: {} });
});
afterAll(() => served.close());
const host = () => new URL(served.url).host;
const raw = async (text: string) => {
  const client = await openRaw(served.url, text);
  await until(() => client.heard().includes('\r\n\r\n'));
  return client;
};

test.each(['/api/health', '/api/pipelines', '/metrics', '/ws/events', '/'])(
  'SEC-8: an upgrade to HTTP/2 offered at %s is ignored, the request is answered as it stands',
  async (path) => {
    const plain = await served.ask('GET', path);
    const upgrade = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': '' };
    const offered = await served.ask('GET', path, { headers: upgrade });
    expect([offered.status, offered.headers['content-type']]).toEqual([
      plain.status,
      plain.headers['content-type'],
    ]);
  },
);

test('SEC-8: a WebSocket asked for anywhere but below /ws/ is ignored, too', async () => {
  const client = await raw(handshake(host(), '/healthz'));
  expect(client.heard()).toMatch(/^HTTP\/1\.1 200 /);
  client.socket.destroy();
});

const ask = (path: string): string => handshake(host(), path);
test.each([
  ['an address without a socket', () => ask('/ws/nothing'), 404, 'not-found'],
  ['another host', () => handshake('elsewhere.example', '/ws/events'), 403, 'unknown-host'],
  [
    'two Host headers',
    () => handshake(host(), '/ws/events', `Host: ${host()}\r\n`),
    400,
    'bad-parameter',
  ],
  [
    'a page of another site',
    () => handshake(host(), '/ws/events', 'Origin: https://evil.example\r\n'),
    403,
    'foreign-origin',
  ],
  [
    'a key that is none',
    () => ask('/ws/events').replace(/Sec-WebSocket-Key: \S+/, 'Sec-WebSocket-Key: x'),
    400,
    'bad-parameter',
  ],
  [
    'another version of WebSocket',
    () => ask('/ws/events').replace('Version: 13', 'Version: 7'),
    400,
    'bad-parameter',
  ],
] as const)('a handshake with %s is refused as a problem', async (_what, text, status, code) => {
  const client = await raw(text());
  await client.ended;
  const [head = '', body = ''] = client.heard().split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(head).toMatch(/content-type: application\/problem\+json/i);
  expect(JSON.parse(body)).toMatchObject({ status, code });
  client.socket.destroy();
});

test('SEC-21: nothing of ours is shown in a page of another site, nor changed by one that sends no Origin', async () => {
  for (const path of ['/', '/icon.svg', '/api/health', '/docs/', '/openapi.json'])
    expect((await served.ask('GET', path)).headers['cross-origin-resource-policy']).toBe(
      'same-origin',
    );
  const from = (site: string, method: string, path: string) =>
    served.ask(method, path, { headers: { 'Sec-Fetch-Site': site } });
  for (const site of ['cross-site', 'same-site']) {
    const refused = await from(site, 'POST', '/api/schedules/pause');
    expect([refused.status, refused.json.code]).toEqual([403, 'foreign-origin']);
  }
  for (const site of ['same-origin', 'none'])
    expect((await from(site, 'POST', '/api/schedules/pause')).status).toBe(200);
  // A link on another site may open a page of ours.
  expect((await from('cross-site', 'GET', '/api/health')).status).toBe(200);
});
