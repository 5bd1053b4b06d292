import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { follow } from '../../client/follow.ts';
import type { StreamState } from '../../client/run-state.ts';
import { stateOf } from '../../client/run-state.ts';
import { createRetention } from '../../services/history/retention.ts';
import { frameSchemas } from '../../wire/frames.ts';
import { type Served, serveHttp } from '../support/http.ts';
import { handshake, openRaw } from '../support/raw.ts';
import { ended, eventually, startRequest } from '../support/service.ts';
import { openSlowClient } from '../support/socket.ts';
import { until } from '../support/until.ts';

const quick = (name: string) =>
  `name: ${name}\nstages:\n  - { name: one, run: ["true"] }\n  - { name: two, run: ["sh", "-c", "sleep 0.1"] }\n`;
const chatty = `name: chatty\nstages:\n  - name: loud\n    run: ["sh", "-c", "i=0; while [ $i -lt 50 ]; do seq 1 1000; i=$((i+1)); echo '::stagewright {\\"progress\\":{\\"done\\":'$i',\\"total\\":50}}'; sleep 0.02; done"]\n`;
let served: Served;
const serve = async (
  sockets: object = {},
  parts: NonNullable<Parameters<typeof serveHttp>[0]['parts']> = () => ({}),
) => {
  const pipelines = { 'a.yaml': quick('a'), 'b.yaml': quick('b'), 'chatty.yaml': chatty };
  served = await serveHttp({ pipelines, parts }, sockets);
};
afterEach(() => served.close());

// biome-ignore lint/suspicious/noExplicitAny: frames have many shapes
type Frame = any;
const open: WebSocket[] = [];
const connect = (path: string) => {
  const socket = new WebSocket(`${served.url.replace('http', 'ws')}${path}`);
  open.push(socket);
  const frames: Frame[] = [];
  socket.addEventListener('message', ({ data }) => frames.push(JSON.parse(String(data))));
  const closed = new Promise<number>((resolve) =>
    socket.addEventListener('close', ({ code }) => resolve(code)),
  );
  return { socket, frames, closed, first: () => until(() => frames[0] as Frame) };
};
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});
const eventsIn = (frames: Frame[]): Frame[] =>
  frames.flatMap((frame) =>
    frame.type === 'events'
      ? frame.events
      : frame.type === 'event' && !frame.ephemeral
        ? [frame]
        : [],
  );
const start = async (pipeline: string) =>
  (await served.orchestrator.start(startRequest(pipeline))).status.run_id as string;
const run = async (pipeline: string) =>
  (await ended(served.orchestrator, await start(pipeline))).run_id as string;
const journal = async (after = 0) =>
  (await served.orchestrator.events({ after, limit: 1000 })).items;
setFlagsFromString('--expose-gc');
/** Bytes held outside the heap, where a socket's backlog would lie, after the garbage is gone. */
const held = (): number => {
  runInNewContext('gc')();
  return process.memoryUsage().arrayBuffers;
};
/** Writes events that belong to no run: as many as one likes, at once. */
const note = async (count: number, chars = 10) => {
  const at = Date.now();
  for (let index = 0; index < count; index += 1) {
    const event = {
      stage: 'system',
      event: 'warning' as const,
      severity: 'info' as const,
      msg: `note ${index} ${'x'.repeat(chars)}`,
      data: {},
    };
    await served.store.note({ ...event, runId: null, pipeline: null }, at);
    // Said by the service itself, so that its readers look.
    if (index % 100 === 99 || index === count - 1)
      await served.orchestrator.reset('b', {
        force: false,
        reason: null,
        actor: { kind: 'user', name: 'ops' },
      });
  }
};

test('every frame fits its published schema, and the chain of prev has no hole', async () => {
  await serve({ heartbeatMs: 50 });
  const client = connect('/ws/events?v=1');
  await client.first();
  await run('a');
  await run('b');
  const head = (await journal()).at(-1)?.seq;
  await until(
    () =>
      eventsIn(client.frames).at(-1)?.seq === head &&
      client.frames.some(({ type }) => type === 'heartbeat'),
  );
  for (const frame of client.frames) {
    const schema = frame.ephemeral
      ? frameSchemas.progress
      : frameSchemas[frame.type as keyof typeof frameSchemas];
    expect(schema.safeParse(frame).error).toBeUndefined();
  }
  const [snapshot] = client.frames;
  let last = snapshot.as_of_seq;
  for (const { seq, prev } of eventsIn(client.frames)) {
    expect(prev).toBe(last);
    last = seq;
  }
});

test('S45: a client that was cut off gets exactly what it missed, in order and once', async () => {
  await serve();
  await run('a');
  const before = connect('/ws/events?v=1');
  const { cursor, as_of_seq } = await before.first();
  before.socket.close();
  await before.closed;
  await Promise.all([run('a'), run('b')]);
  const after = connect(`/ws/events?v=1&since=${cursor}`);
  const missed = await journal(as_of_seq);
  await until(() => eventsIn(after.frames).length >= missed.length);
  expect(after.frames[0]).toMatchObject({
    type: 'resumed',
    from_seq: as_of_seq,
    head_seq: missed.at(-1)?.seq,
  });
  expect(eventsIn(after.frames).map(({ seq }) => seq)).toEqual(missed.map(({ seq }) => seq));
});

test('S45: what memory has forgotten comes from the journal, in the same order', async () => {
  await serve({ ringEvents: 5 });
  const [first] = [connect('/ws/events?v=1')];
  const { cursor, as_of_seq } = await first.first();
  await note(300);
  const all = (await journal(as_of_seq)).length;
  const late = connect(`/ws/events?v=1&since=${cursor}`);
  await until(() => eventsIn(late.frames).length >= all);
  expect(eventsIn(late.frames).map(({ seq }) => seq)).toEqual(
    (await journal(as_of_seq)).map(({ seq }) => seq),
  );
});

test('a cursor of another journal, of the future, or of what is gone begins anew and says why; strict refuses', async () => {
  await serve();
  await run('a');
  const epoch = served.orchestrator.epoch();
  const other = await connect('/ws/events?v=1&since=00000000.3').first();
  expect(other).toMatchObject({ type: 'snapshot', resume: 'reset', reason: 'epoch' });
  const future = await connect(`/ws/events?v=1&since=${epoch}.999999`).first();
  expect(future).toMatchObject({ type: 'snapshot', resume: 'reset', reason: 'future' });
  const strict = connect(`/ws/events?v=1&strict=1&since=${epoch}.999999`);
  expect(await strict.closed).toBe(4410);
  expect(strict.frames[0]).toMatchObject({
    type: 'problem',
    problem: { code: 'cursor-gone', status: 410 },
  });
});

test('m49: a cursor whose next events retention has removed begins anew and says expired, or is refused; the next one is resumed', async () => {
  await serve();
  await run('a');
  const early = connect('/ws/events?v=1');
  const { cursor } = await early.first();
  await run('a');
  await run('a');
  const head = (await journal()).at(-1)?.seq as number;
  await served.store.setMeta('archive_seq', String(head));
  const clock = { wallMs: () => Date.now() + 3_600_000, after: () => () => {} };
  const limits = { ageMs: null, runs: 1, bytes: null };
  const { store, dataDir } = served;
  await createRetention({ store, clock, dataDir, limits, log: () => {} }).tick();
  const { oldestSeq } = await served.orchestrator.journalAfter({}, 0, 1);
  const epoch = served.orchestrator.epoch();
  expect(Number(cursor.split('.')[1])).toBeLessThan(oldestSeq - 1);

  for (const gone of [cursor, `${epoch}.${oldestSeq - 2}`]) {
    const client = connect(`/ws/events?v=1&since=${gone}`);
    expect(await client.first()).toMatchObject({
      type: 'snapshot',
      resume: 'reset',
      reason: 'expired',
      as_of_seq: head,
    });
    const strict = connect(`/ws/events?v=1&strict=1&since=${gone}`);
    expect(await strict.closed).toBe(4410);
    expect(strict.frames.map(({ type }) => type)).toEqual(['problem']);
  }
  const kept = connect(`/ws/events?v=1&strict=1&since=${epoch}.${oldestSeq - 1}`);
  expect(await kept.first()).toMatchObject({ type: 'resumed', from_seq: oldestSeq - 1 });
  await until(() => eventsIn(kept.frames).at(-1)?.seq === head);
  expect(eventsIn(kept.frames)[0].seq).toBe(oldestSeq);
});

test('TRUTH-19: the first frame is the snapshot, also when heartbeats fall while it is made', async () => {
  const read = Promise.withResolvers<void>();
  await serve({ heartbeatMs: 20 }, ({ store }) => ({
    store: {
      ...store,
      snapshotRead: async (...asked) => {
        await read.promise;
        return store.snapshotRead(...asked);
      },
    },
  }));
  const client = await openRaw(served.url, handshake(new URL(served.url).host, '/ws/events?v=1'));
  // A beat has fallen (a ping), then another (this client never pongs, so it is the close).
  await until(() => client.heard().includes('\x89\x00'));
  await until(() => client.heard().includes('\x88'));
  read.resolve();
  client.socket.destroy();
  expect(client.heard()).not.toContain('heartbeat');
});

test('a filter keeps the chain whole and heartbeats move its cursor over what it does not show', async () => {
  await serve({ heartbeatMs: 50 });
  const client = connect('/ws/events?v=1&only=pipeline/state_change,*/failed');
  await client.first();
  await run('a');
  await note(20);
  const head = (await journal()).at(-1)?.seq;
  await until(() => client.frames.some(({ type, seq }) => type === 'heartbeat' && seq === head));
  const events = eventsIn(client.frames);
  expect(new Set(events.map(({ stage, event }) => `${stage}/${event}`))).toEqual(
    new Set(['pipeline/state_change']),
  );
  expect(events.map(({ prev }) => prev)).toEqual(
    [client.frames[0].as_of_seq, ...events.map(({ seq }) => seq)].slice(0, -1),
  );
});

test('SEC-1: two hundred stars are one star, and whoever sends them delays nobody', async () => {
  await serve();
  const [stars, plain] = [
    connect(`/ws/events?v=1&only=${'*'.repeat(200)}line/state_change`),
    connect('/ws/events?v=1&only=pipeline/state_change'),
  ];
  await Promise.all([stars.first(), plain.first()]);
  await run('a');
  const seqs = (client: typeof plain) => eventsIn(client.frames).map(({ seq }) => seq);
  await until(() => eventsIn(plain.frames).at(-1)?.data.to === 'DONE');
  await until(() => eventsIn(stars.frames).at(-1)?.data.to === 'DONE');
  expect(seqs(stars)).toEqual(seqs(plain));
});

test('a run stream ends with `end` and 1000; one of a run that is over has snapshot and end, or resumed, the rest and end', async () => {
  await serve();
  const id = await start('a');
  const live = connect(`/ws/events/${id}?v=1`);
  expect(await live.closed).toBe(1000);
  expect(live.frames.at(-1)).toMatchObject({ type: 'end', data: { state: 'DONE' } });
  const over = connect(`/ws/events/${id}?v=1`);
  expect(await over.closed).toBe(1000);
  expect(over.frames.map(({ type }) => type)).toEqual(['snapshot', 'end']);
  const events = eventsIn(live.frames);
  const middle = events[Math.floor(events.length / 2)];
  const rest = connect(`/ws/events/${id}?v=1&since=${middle.cursor}`);
  expect(await rest.closed).toBe(1000);
  expect(eventsIn(rest.frames).map(({ seq }) => seq)).toEqual(
    events.filter(({ seq }) => seq > middle.seq).map(({ seq }) => seq),
  );
  const none = connect(`/ws/events/${id}?v=1&since=${events.at(-1).cursor}`);
  expect(await none.closed).toBe(1000);
  expect(none.frames.map(({ type }) => type)).toEqual(['resumed', 'end']);
});

test('events that come fast are put together, at most 100 in a frame', async () => {
  await serve();
  const client = connect('/ws/events?v=1');
  await client.first();
  await note(500);
  await until(() => eventsIn(client.frames).length >= 500);
  const sizes = client.frames.flatMap((frame) =>
    frame.type === 'events' ? [frame.events.length] : [],
  );
  expect(Math.max(...sizes)).toBeGreaterThan(10);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(100);
  expect(client.frames.length).toBeLessThan(100);
});

test('S44: clients that never read cost bounded memory, delay nobody, are closed, and can resume', async () => {
  // Long enough that a client in this busy process is not taken for one that never reads.
  await serve({ heartbeatMs: 500, stallMs: 2000 });
  const fast = connect('/ws/events?v=1');
  const { cursor } = await fast.first();
  const stuck = await Promise.all(
    Array.from({ length: 10 }, () => openSlowClient(served.url, '/ws/events?v=1')),
  );
  for (const client of stuck) client.pause();
  const before = held();
  // 40 MB for each that does not read.
  await note(10_000, 4000);
  await until(() => eventsIn(fast.frames).length >= 10_000, 40_000);
  expect(held() - before).toBeLessThan(150_000_000);
  for (const client of stuck) {
    expect(client.received()).toBeLessThan(8_000_000);
    client.resume();
    await client.closed;
  }
  const again = connect(`/ws/events?v=1&since=${cursor}`);
  await until(() => eventsIn(again.frames).length >= 10_000, 40_000);
  expect(again.frames[0].type).toBe('resumed');
});

test('S43: a stage that prints 50,000 lines puts none of them on the stream, and its progress arrives while it works', async () => {
  await serve();
  const client = connect('/ws/events?v=1');
  await client.first();
  const id = await run('chatty');
  await eventually(served.orchestrator, async () =>
    eventsIn(client.frames).some(({ data }) => data.to === 'DONE'),
  );
  expect(eventsIn(client.frames).length).toBeLessThan(30);
  const ticks = client.frames.filter(({ ephemeral }) => ephemeral);
  expect(ticks.length).toBeGreaterThan(1);
  expect(ticks[0]).toMatchObject({
    run_id: id,
    stage: 'loud',
    event: 'progress',
    data: { total: 50 },
  });
  expect(ticks.every(({ seq }) => seq === undefined)).toBe(true);
  // One event ends the attempt's progress.
  expect(eventsIn(client.frames).filter(({ event }) => event === 'progress')).toHaveLength(1);
});

test('S41: a start that is refused, a failure, a retry and a reset are each on the stream', async () => {
  await serve();
  const client = connect('/ws/events?v=1');
  await client.first();
  const id = await start('a');
  await served.orchestrator.start(startRequest('a')).catch(() => undefined);
  await ended(served.orchestrator, id);
  await served.orchestrator.reset('a', {
    force: false,
    reason: null,
    actor: { kind: 'user', name: 'ops' },
  });
  await until(() => eventsIn(client.frames).some(({ event }) => event === 'acknowledged'));
  const words = eventsIn(client.frames).map(({ event }) => event);
  for (const word of [
    'accepted',
    'refused',
    'started',
    'succeeded',
    'state_change',
    'acknowledged',
  ])
    expect(words).toContain(word);
});

test('no pong: closed with 4408', async () => {
  await serve({ heartbeatMs: 50 });
  const silent = await openSlowClient(served.url, '/ws/events?v=1');
  await silent.closed;
});

test('full: 1013 with a problem that says so', async () => {
  await serve({ maxClients: 1 });
  await connect('/ws/events?v=1').first();
  const second = connect('/ws/events?v=1');
  expect(await second.closed).toBe(1013);
  expect(second.frames[0].problem.code).toBe('too-many-clients');
});

test.each([
  ['/ws/events?v=1&since=zzz', 4400, 'bad-parameter'],
  ['/ws/events?v=1&only=..', 4400, 'bad-parameter'],
  ['/ws/events?v=1&only=*a*b*/x', 4400, 'bad-parameter'],
  [`/ws/events?v=1&only=${'*/x,'.repeat(20)}*/x`, 4400, 'bad-parameter'],
  ['/ws/events?v=1&sinse=1', 4400, 'bad-parameter'],
  ['/ws/events/r_1?v=1', 4400, 'invalid-id'],
  ['/ws/events/r_00000000000000000000000000?v=1', 4404, 'unknown-run'],
  ['/ws/events/r_00000000000000000000000000?v=1&since=00000000.1', 4404, 'unknown-run'],
  ['/ws/events?v=1&pipeline=nobody', 4404, 'unknown-pipeline'],
  ['/ws/events?v=3', 4406, 'unsupported-version'],
  [`/ws/events?v=1&${encodeURIComponent('💥'.repeat(80))}=1`, 4400, 'bad-parameter'],
])('%s is refused with %i and a readable %s', async (path, code, problem) => {
  await serve();
  const client = connect(path);
  expect(await client.closed).toBe(code);
  expect(client.frames[0].problem.code).toBe(problem);
});

test('the client library comes back by itself after every break, with every event once', async () => {
  await serve({ heartbeatMs: 100 });
  const seen: number[] = [];
  const sockets: WebSocket[] = [];
  let state: StreamState | null = null;
  const follower = follow({
    url: served.url,
    random: () => 0.01,
    onEvent: ({ seq }) => seen.push(seq),
    onState: (now) => {
      state = now;
    },
    connect: (url) => {
      const socket = new WebSocket(url);
      sockets.push(socket);
      return socket;
    },
  });
  await until(() => state);
  for (let round = 0; round < 5; round += 1) {
    await note(100);
    sockets.at(-1)?.close();
    await note(50);
    await run(round % 2 ? 'a' : 'b');
  }
  const all = await journal();
  await until(() => seen.at(-1) === all.at(-1)?.seq);
  expect(sockets.length).toBeGreaterThanOrEqual(6);
  expect(seen).toEqual(all.map(({ seq }) => seq));
  const { seq, data } = await served.orchestrator.streamSnapshot({}, { classic: false });
  const now = JSON.parse(
    JSON.stringify({ type: 'snapshot', epoch: served.orchestrator.epoch(), as_of_seq: seq, data }),
  );
  expect(state).toEqual(stateOf(now));
  follower.close();
  expect(await follower.closed).toMatchObject({ code: 1000 });
});

test('the client library stops for good when the service says that there is no such run', async () => {
  await serve();
  const follower = follow({ url: served.url, runId: 'r_00000000000000000000000000' });
  expect((await follower.closed).code).toBe(4404);
});
