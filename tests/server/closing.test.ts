import { type Served, serveHttp } from '../support/http.ts';
import { handshake, openRaw } from '../support/raw.ts';
import { spawnService } from '../support/spawned.ts';
import { until } from '../support/until.ts';

const talks =
  'name: talks\nstages:\n  - { name: one, grace: 200ms, run: ["sh", "-c", "yes | head -c 8000000; sleep 600"] }\n';

/** Ten times what stopping may take; ws alone waits 30 s for the answer to a close. */
const guardMs = 20_000;

test('SEC-2: SIGTERM ends the service within its shutdown time, whatever sockets and requests are open', async () => {
  const service = await spawnService({ 'talks.yaml': talks }, ['--shutdown-timeout', '2s']);
  const { url } = service;
  const { host } = new URL(url);
  const started = await fetch(`${url}/api/pipelines/talks/runs`, { method: 'POST' });
  const { run_id } = (await started.json()) as { run_id: string };
  const log = `/api/runs/${run_id}/logs/one/1`;
  await until(
    async () => Number((await fetch(`${url}${log}?tail=1`)).headers.get('x-total-bytes')) > 7e6,
  );

  const request = (text: string): string => `${text} HTTP/1.1\r\nHost: ${host}\r\n`;
  const said = [
    // Streams whose clients never answer a close.
    handshake(host, '/ws/events?v=1'),
    handshake(host, '/ws/events'),
    handshake(host, `/ws/events/${run_id}?v=1`),
    handshake(host, `/ws/logs/${run_id}?tail=10000000`),
    // Turned away, and they stay.
    handshake(host, '/ws/nothing'),
    handshake('elsewhere.example', '/ws/events'),
    handshake(host, '/ws/events?v=1&since=zzz'),
    // Requests that never become whole, or whose answers nobody reads.
    `${request('POST /api/pipelines/talks/runs')}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"par`,
    `${request('POST /api/pipelines/talks/runs')}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"par\r\n`,
    request('GET /api/runs'),
    `${request(`GET ${log}?limit=4194304`)}\r\n`,
    `${request('GET /healthz')}\r\n`,
    '',
  ];
  const clients = await Promise.all(said.map((text) => openRaw(url, text)));
  await until(() => clients[0]?.heard().includes('snapshot'));
  for (const { socket } of clients) socket.pause();
  // Half-open from the other side: it has said its end, and still reads.
  const half = await openRaw(url, handshake(host, '/ws/events?v=1'));
  await until(() => half.heard().includes('snapshot'));

  const code = await service.end(guardMs);
  for (const { socket } of [...clients, half]) socket.destroy();
  expect(code).toBe(0);
});

describe('places', () => {
  let served: Served;
  afterEach(() => served.close());
  const open = (path = '/ws/events?v=1') =>
    openRaw(served.url, handshake(new URL(served.url).host, path));

  test('SEC-11: those who were turned away take no place, and are gone after a second though they never answer', async () => {
    served = await serveHttp({ pipelines: {} }, { maxClients: 2 });
    const good = await Promise.all([open(), open()]);
    await until(() => good.every(({ heard }) => heard().includes('snapshot')));
    const refused = await Promise.all([open(), open(), open()]);
    await until(() => refused.every(({ heard }) => heard().includes('too-many-clients')));
    good[0]?.socket.destroy();
    await good[0]?.closed;
    const wanted = async (): Promise<boolean> => {
      const client = await open();
      await until(() => /snapshot|too-many-clients/.test(client.heard()));
      return client.heard().includes('snapshot');
    };
    // The place is free at the next turn, while the refused are still there or not.
    await until(wanted);
    await Promise.all(refused.map(({ ended }) => ended));
    for (const { socket } of [...good, ...refused]) socket.destroy();
  });

  test('a client that reads slowly gets all that was sent before its close', async () => {
    served = await serveHttp({ pipelines: { 'talks.yaml': talks.replace('; sleep 600', '') } });
    const started = await served.ask('POST', '/api/pipelines/talks/runs');
    const id = started.json.run_id as string;
    await until(async () => (await served.orchestrator.run(id)).state === 'DONE');
    const slow = await open(`/ws/logs/${id}?tail=10000000`);
    slow.socket.pause();
    const again = setInterval(() => {
      slow.socket.resume();
      setImmediate(() => slow.socket.pause());
    }, 20);
    await until(() => slow.heard().includes('"type":"end"'), 40_000);
    clearInterval(again);
    slow.socket.destroy();
  });
});
