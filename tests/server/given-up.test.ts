import { once } from 'node:events';
import { connect } from 'node:net';
import { type Served, serveHttp } from '../support/http.ts';
import { ended } from '../support/service.ts';

let served: Served;
beforeEach(async () => {
  served = await serveHttp({
    pipelines: {
      'p.yaml':
        'name: p\nconcurrency: { on_conflict: queue, queue: { max: 50 } }\nstages:\n  - { name: one, run: ["true"] }\n',
    },
  });
});
afterEach(() => served.close());

const path = '/api/pipelines/p/runs';
const body = JSON.stringify({ reason: 'given up' });
const head = (key: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: ${new URL(served.url).host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nIdempotency-Key: ${key}\r\n\r\n`;

/** A client that sends so much of its request and is gone, politely or not. */
const giveUp = async (sent: string, how: 'end' | 'reset'): Promise<void> => {
  const { hostname, port } = new URL(served.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  await once(socket, 'connect');
  await new Promise<void>((resolve) => socket.write(sent, () => resolve()));
  const closed = once(socket, 'close');
  if (how === 'reset') socket.resetAndDestroy();
  else socket.destroy();
  await closed;
};
const startOf = (key: string) =>
  served.ask('POST', path, { body, headers: { 'Idempotency-Key': key } });

test('S07: a start whose client gave up: its run is found by its key, or there is none and nothing is held', async () => {
  const clients = Array.from({ length: 12 }, (_, index) => ({
    key: `given-up-${index}`,
    how: index % 2 === 0 ? ('end' as const) : ('reset' as const),
    // Every third one is cut in the middle of its body.
    isWhole: index % 3 !== 2,
  }));
  await Promise.all(
    clients.map(({ key, how, isWhole }) =>
      giveUp(head(key) + (isWhole ? body : body.slice(0, body.length / 2)), how),
    ),
  );

  const runs = new Map<string, string>();
  for (const { key, isWhole } of clients) {
    const again = await startOf(key);
    expect([200, 202]).toContain(again.status);
    const isReplayed = again.headers['idempotent-replayed'] === 'true';
    // Half a body starts nothing, so there is nothing that could be found again.
    if (!isWhole) expect(isReplayed).toBe(false);
    runs.set(key, again.json.run_id);
    // And once more: the same run, whoever began it.
    expect((await startOf(key)).json.run_id).toBe(again.json.run_id);
  }
  expect(new Set(runs.values()).size).toBe(clients.length);
  for (const id of runs.values()) expect((await ended(served.orchestrator, id)).state).toBe('DONE');
  // No run that nobody knows, and no place that nobody gives back.
  expect((await served.orchestrator.runs({ limit: 100 })).items).toHaveLength(clients.length);
  expect(await served.store.queue('p')).toMatchObject({ waiters: [], holders: [] });
});
