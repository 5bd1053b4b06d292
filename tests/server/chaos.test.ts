import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createApi } from '../../client/api.ts';
import { type Follower, follow } from '../../client/follow.ts';
import { type StreamState, stateOf } from '../../client/run-state.ts';
import type { SnapshotFrame } from '../../wire/frames.ts';
import { baseEnv, projectWith } from '../support/service.ts';
import { openSlowClient } from '../support/socket.ts';
import { until } from '../support/until.ts';

const program = fileURLToPath(new URL('./noisy-service.ts', import.meta.url));
const noise = 13_500;
const pipelines = {
  'a.yaml':
    'name: a\nstages:\n  - { name: one, run: ["true"] }\n  - { name: two, run: ["true"] }\n',
  'b.yaml':
    'name: b\nstages:\n  - { name: one, run: ["sh", "-c", "test $STAGEWRIGHT_ATTEMPT = 2"], retry: { limit: 1, backoff: { initial: 10ms } } }\n',
  'c.yaml': 'name: c\nstages:\n  - { name: one, run: ["sleep", "2"] }\n',
};
const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
};

/** What is left of a red test would keep Jest from ending. */
const left: (() => void)[] = [];
afterEach(() => {
  for (const end of left.splice(0)) end();
});

test('S44, S45: 40,000 events, killed clients, two killed services and clients that do not read: every fold is the truth, nothing twice, nothing missing', async () => {
  const dir = await projectWith(pipelines);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const api = createApi(url);
  let service: ChildProcess;
  const begin = async (): Promise<void> => {
    const args = [
      program,
      'serve',
      '--port',
      String(port),
      '--data-dir',
      join(dir, 'data'),
      '--pipelines',
      join(dir, 'pipelines'),
    ];
    const flags = ['--synchronous', 'NORMAL', '--log-level', 'error'];
    service = spawn(process.execPath, [...args.filter((arg) => arg !== 'serve'), ...flags], {
      env: { ...baseEnv, NOISE: String(noise) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const begun = service;
    left.push(() => begun.kill('SIGKILL'));
    await once(service.stdout as NodeJS.ReadableStream, 'data');
  };
  await begin();

  type Client = {
    follower: Follower;
    seen: number[];
    state: StreamState | null;
    sockets: WebSocket[];
    first: number;
  };
  const open = (runId: string | null): Client => {
    const client: Client = {
      follower: undefined as never,
      seen: [],
      state: null,
      sockets: [],
      first: 0,
    };
    client.follower = follow({
      url,
      runId,
      random: () => 0.05,
      onEvent: ({ seq }, isPast) =>
        isPast && client.first === 0 ? undefined : client.seen.push(seq),
      onState: (state) => {
        if (client.first === 0) client.first = state.as_of_seq;
        client.state = state;
      },
      connect: (address) => {
        const socket = new WebSocket(address);
        client.sockets.push(socket);
        return socket;
      },
    });
    left.push(() => client.follower.close());
    return client;
  };
  const all = Array.from({ length: 6 }, () => open(null));
  await until(() => all.every(({ state }) => state));
  const stuck = await Promise.all([1, 2].map(() => openSlowClient(url, '/ws/events?v=1')));
  for (const client of stuck) {
    left.push(client.destroy);
    client.pause();
  }

  const single: Client[] = [];
  const start = async (name: string): Promise<void> => {
    const status = await api
      .ask('POST /api/pipelines/{name}/runs', { path: { name }, body: {} })
      .catch(() => null);
    if (status?.run_id && single.length < 8) single.push(open(status.run_id));
  };
  let random = 12345;
  const next = (below: number): number => {
    random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
    return random % below;
  };
  const mayhem = async (rounds: number): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(['a', 'b', 'c'].map(start));
      const victim = all[next(all.length)] as Client;
      victim.sockets.at(-1)?.close();
      await until(
        async () =>
          (await api.ask('GET /api/pipeline/status', { query: { pipeline: 'a' } })).state ===
          'DONE',
      );
    }
  };
  for (let life = 0; life < 3; life += 1) {
    await mayhem(12);
    // The noise of this life is over, so that the whole is forty thousand.
    await until(
      async () =>
        (await api.ask('GET /api/events', { query: { limit: 1 } })).as_of_seq >= noise * (life + 1),
    );
    if (life === 2) break;
    await start('c');
    service!.kill('SIGKILL');
    await once(service!, 'exit');
    await begin();
  }
  await until(async () =>
    (await api.ask('GET /api/runs', { query: { limit: 200 } })).items.every(
      ({ ended_at }) => ended_at !== null,
    ),
  );
  await start('a');
  await until(
    async () =>
      (await api.ask('GET /api/pipeline/status', { query: { pipeline: 'a' } })).state === 'DONE',
  );

  const truth = new WebSocket(`${url.replace('http', 'ws')}/ws/events?v=1`);
  const [{ data }] = (await once(truth, 'message')) as [MessageEvent];
  truth.close();
  const now = stateOf(JSON.parse(String(data)) as SnapshotFrame);
  expect(now.as_of_seq).toBeGreaterThan(40_000);
  for (const client of all) {
    await until(() => client.state?.as_of_seq === now.as_of_seq);
    expect(client.state).toEqual(now);
    // Every seq after the first snapshot, once and in order.
    const expected = Array.from(
      { length: now.as_of_seq - client.first },
      (_, index) => client.first + 1 + index,
    );
    expect(client.seen).toEqual(expected);
    client.follower.close();
  }
  for (const client of single) {
    expect((await client.follower.closed).code).toBe(1000);
    const [run] = Object.values(client.state?.runs ?? {});
    const status = await api.ask('GET /api/runs/{id}', { path: { id: run?.run_id as string } });
    // What only REST tells is not in the fold.
    const { as_of_seq: _, attempts, artefacts: __, ...view } = status;
    expect(run).toEqual(view);
    expect(client.state?.attempts).toEqual(attempts);
    expect(new Set(client.seen).size).toBe(client.seen.length);
  }
  const resident =
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${service!.pid}/status`, 'utf8'))?.[1]) / 1024;
  expect(resident).toBeLessThan(400);
  for (const client of stuck) client.destroy();
  service!.kill('SIGTERM');
  await once(service!, 'exit');
  await rm(dir, { recursive: true, force: true });
}, 900_000);
