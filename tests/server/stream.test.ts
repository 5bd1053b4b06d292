import { request } from 'node:http';
import type { JournalEvent } from '../../wire/events.ts';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, eventually, startRequest } from '../support/service.ts';

const quick = (name: string) =>
  `name: ${name}\nstages:\n  - { name: one, run: ["true"] }\n  - { name: two, run: ["sh", "-c", "sleep 0.1"] }\n`;
let served: Served;
beforeEach(async () => {
  served = await serveHttp({ pipelines: { 'a.yaml': quick('a'), 'b.yaml': quick('b') } });
});
afterEach(() => served.close());

// biome-ignore lint/suspicious/noExplicitAny: frames have many shapes
type Frame = any;
const connect = (path: string) => {
  const socket = new WebSocket(`${served.url.replace('http', 'ws')}${path}`);
  const frames: Frame[] = [];
  socket.addEventListener('message', ({ data }) => frames.push(JSON.parse(String(data))));
  const closed = new Promise<{ code: number }>((resolve) =>
    socket.addEventListener('close', ({ code }) => resolve({ code })),
  );
  const opened = new Promise<void>((resolve) => socket.addEventListener('open', () => resolve()));
  return { socket, frames, closed, opened };
};
const start = async (pipeline: string) =>
  (await served.orchestrator.start(startRequest(pipeline))).status.run_id as string;

test('a run stream begins with a snapshot, goes on with every event of the run, and closes with 1000 after the last', async () => {
  const id = await start('a');
  const client = connect(`/ws/events/${id}`);
  expect((await client.closed).code).toBe(1000);
  const [snapshot, ...events] = client.frames;
  expect(snapshot).toMatchObject({ type: 'snapshot', v: 1, data: { run: { run_id: id } } });
  expect(events.at(-1)).toMatchObject({ event: 'state_change', data: { to: 'DONE' } });
  const journal = (
    await served.orchestrator.events({ runId: id, after: snapshot.as_of_seq, limit: 1000 })
  ).items;
  expect(
    events.map(({ type: _type, prev: _prev, cursor: _cursor, ...event }: Frame) => event),
  ).toEqual(journal);
});

test('a run that is over: its snapshot, then 1000', async () => {
  const id = await start('a');
  await ended(served.orchestrator, id);
  const client = connect(`/ws/events/${id}`);
  expect((await client.closed).code).toBe(1000);
  expect(client.frames.map(({ type }) => type)).toEqual(['snapshot']);
});

test('S46: events that happen while a snapshot is being built are neither lost nor doubled, for sixty clients at any moment', async () => {
  const clients: ReturnType<typeof connect>[] = [];
  let last = '';
  // As many rounds as it takes: how many clients come in one is a matter of speed.
  while (clients.length < 60) {
    const ids = await Promise.all([start('a'), start('b')]);
    // Clients come at every turn of the runs: after each commit another one.
    const stop = served.orchestrator.onJournal(
      () => clients.length < 60 && clients.push(connect('/ws/events')),
    );
    for (const id of ids) await ended(served.orchestrator, id);
    stop();
    last = ids[1] as string;
  }
  expect(clients).toHaveLength(60);
  const journal: JournalEvent[] = (await served.orchestrator.events({ after: 0, limit: 1000 }))
    .items;
  const head = journal.at(-1)?.seq ?? 0;
  for (const { frames, socket } of clients) {
    await eventually(
      served.orchestrator,
      async () => frames.length > 0 && (frames.at(-1).seq ?? frames.at(-1).as_of_seq) >= head,
    );
    const [snapshot, ...events] = frames;
    expect(snapshot.type).toBe('snapshot');
    expect(events.map(({ seq }: Frame) => seq)).toEqual(
      journal.filter(({ seq }) => seq > snapshot.as_of_seq).map(({ seq }) => seq),
    );
    expect(events.map(({ prev }: Frame) => prev)).toEqual(
      [snapshot, ...events].slice(0, -1).map(({ seq, as_of_seq }: Frame) => seq ?? as_of_seq),
    );
    socket.close();
  }
  expect(last).toMatch(/^r_/);
});

test('?pipeline= shows only that pipeline', async () => {
  const client = connect('/ws/events?pipeline=a');
  await client.opened;
  await eventually(served.orchestrator, async () => client.frames.length > 0);
  await ended(served.orchestrator, await start('b'));
  await ended(served.orchestrator, await start('a'));
  await eventually(served.orchestrator, async () =>
    client.frames.some(({ data }) => data?.to === 'DONE'),
  );
  expect(new Set(client.frames.slice(1).map(({ pipeline }) => pipeline))).toEqual(new Set(['a']));
  client.socket.close();
});

test('ping is answered pong; anything else is ignored; too much of it ends the connection', async () => {
  const client = connect('/ws/events');
  await client.opened;
  client.socket.send('ping');
  await eventually(served.orchestrator, async () =>
    client.frames.some(({ type }) => type === 'pong'),
  );
  client.socket.send('{"type":"STOP"}');
  client.socket.send('x'.repeat(5000));
  expect((await client.closed).code).toBe(1009);
  expect(client.frames.map(({ type }) => type)).toEqual(['snapshot', 'pong']);

  const chatty = connect('/ws/events');
  await chatty.opened;
  for (let index = 0; index < 20; index += 1) chatty.socket.send('hello');
  expect((await chatty.closed).code).toBe(4429);
});

test.each([
  ['/ws/events/r_00000000000000000000000000', 4404],
  ['/ws/events?pipeline=nobody', 4404],
  ['/ws/events/..%2Fx', 4400],
  ['/ws/events?pipeline=%2e%2e', 4400],
  ['/ws/events?v=2', 4406],
])('%s is accepted and closed with %i', async (path, code) => {
  const client = connect(path);
  expect((await client.closed).code).toBe(code);
  // A classic client is told by the code alone; who speaks v=1 can read why.
  expect(client.frames.map(({ type }) => type)).toEqual(path.includes('v=') ? ['problem'] : []);
});

test('a socket of another site is refused with HTTP 403', async () => {
  const status = await new Promise((resolve, reject) => {
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      Origin: 'https://evil.example',
    };
    request(`${served.url}/ws/events`, { headers }, (response) => resolve(response.statusCode))
      .on('error', reject)
      .end();
  });
  expect(status).toBe(403);
});

test('at shutdown clients are told 1001', async () => {
  const client = connect('/ws/events');
  await client.opened;
  await served.close();
  expect((await client.closed).code).toBe(1001);
});
