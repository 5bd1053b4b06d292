import { Agent, request } from 'node:http';
import { serviceErrors } from '../../services/host/service-error.ts';
import { closeCodes } from '../../wire/close-codes.ts';
import {
  type HostileRequest,
  hostileAddresses,
  hostileRequests,
  type OpenApiDocument,
  operationsOf,
} from '../support/hostile-input.ts';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, startRequest } from '../support/service.ts';

const pipeline = `name: a
concurrency: { key: a, on_conflict: queue, queue: { max: 2 } }
params:
  list: { type: array, default: [] }
  any: { type: object, default: {} }
stages:
  - { name: one, run: ["echo", "hi"] }
schedules:
  - { id: s, cron: "0 0 * * *" }
`;
let served: Served;
let fill: Record<string, string>;
beforeAll(async () => {
  served = await serveHttp({ pipelines: { 'a.yaml': pipeline }, defaultPipeline: 'a' });
  const { status } = await served.orchestrator.start(startRequest('a'));
  const id = status.run_id as string;
  await ended(served.orchestrator, id);
  fill = { name: 'a', stage: 'one', attempt: '1', version: '1', run_id: id };
});
afterAll(() => served.close());

/** `id` is a run's below /api/runs and a schedule's below /api/schedules. */
const fillFor = (path: string): Record<string, string> => ({
  ...fill,
  id: path.startsWith('/api/runs') ? (fill.run_id as string) : 's',
});
const each = async <T>(items: Iterable<T>, lanes: number, work: (item: T) => Promise<void>) => {
  const left = items[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = left.next(); !next.done; next = left.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
};

test('whatever stands in a path, a query, a header or a body of any route: never a 500, and every refusal is a short problem with a known code', async () => {
  const document: OpenApiDocument = (await served.ask('GET', '/openapi.json')).json;
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const { port } = new URL(served.url);
  const send = ({ method, path, body, headers }: HostileRequest) =>
    new Promise<{ status: number; type: string; text: string }>((resolve, reject) => {
      const typed = body === null ? headers : { 'Content-Type': 'application/json', ...headers };
      const sent = request({ agent, port, method, path, headers: typed }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            type: String(response.headers['content-type']),
            text: Buffer.concat(chunks).toString(),
          }),
        );
      });
      sent.on('error', reject);
      sent.end(body ?? undefined);
    });
  const seen = new Map<string, Set<number>>();
  // All kinds in small; what a whole MiB costs is for the long suite.
  const all = function* (): Generator<HostileRequest> {
    for (const [path, methods] of Object.entries(document.paths))
      yield* hostileRequests({ paths: { [path]: methods } }, fillFor(path), 40_000);
  };
  await each(all(), 8, async (one) => {
    const { status, type, text } = await send(one);
    seen.set(one.operation, (seen.get(one.operation) ?? new Set()).add(status));
    const what = `${one.operation} ${one.path.slice(0, 200)} ${JSON.stringify(one.headers).slice(0, 100)} ${one.body?.slice(0, 100)}: ${status} ${text.slice(0, 300)}`;
    if (status === 500 || status > 503) throw new Error(what);
    if (status < 400 || (status === 503 && one.path.startsWith('/readyz'))) return;
    // What Node refuses by itself (headers too large) has no body.
    if (status === 431) return;
    const problem = type.startsWith('application/problem+json') ? JSON.parse(text) : null;
    if (problem?.status !== status || !(problem.code in serviceErrors)) throw new Error(what);
    if (text.length > 30_000) throw new Error(`${text.length} bytes for ${what}`);
  });
  agent.destroy();
  expect([...seen.keys()].toSorted()).toEqual(operationsOf().toSorted());
  // Handlers were reached, not only their door.
  const reached = [...seen].filter(([, statuses]) => [...statuses].some((status) => status < 300));
  expect(reached.length).toBeGreaterThan(30);
  // What was refused left little behind: one of each kind, and how many more.
  const { as_of_seq } = await served.orchestrator.events({ limit: 1 });
  expect(as_of_seq).toBeLessThan(5000);
}, 600_000);

test('whatever stands in the address of any socket: it begins, or closes with a known code and a problem that says why', async () => {
  const document = (await served.ask('GET', '/asyncapi.json')).json;
  const addresses = [...hostileAddresses(document, fill)];
  expect(addresses.length).toBeGreaterThan(400);
  await each(addresses, 8, async (path) => {
    const socket = new WebSocket(`${served.url.replace('http', 'ws')}${path}`);
    const first = new Promise<string | null>((resolve) => {
      socket.addEventListener('message', ({ data }) => resolve(String(data)));
      socket.addEventListener('close', () => resolve(null));
    });
    const closed = new Promise<number>((resolve) =>
      socket.addEventListener('close', ({ code }) => resolve(code)),
    );
    socket.addEventListener('error', () => {});
    const text = await first;
    const frame = text === null ? null : JSON.parse(text);
    if (frame && frame.type !== 'problem') {
      expect([
        path,
        ['snapshot', 'resumed', 'log', 'end', '@xstate.actor'].includes(frame.type),
      ]).toEqual([path, true]);
      socket.close();
      return;
    }
    const code = await closed;
    // Node itself refuses an address of more than 16 kB, and `..` leads away from the sockets.
    const isOurs =
      path.length < 8000 &&
      /^\/ws\/(events|logs|inspect(?!\/in$))/.test(new URL(path, served.url).pathname);
    expect([path, code in closeCodes || (!isOurs && code === 1006)]).toEqual([path, true]);
    if (frame) expect(frame.problem.code in serviceErrors).toBe(true);
  });
}, 600_000);

test('whatever a client says on a socket: it is ignored, or the socket is closed with a known code', async () => {
  const say = async (messages: (string | Uint8Array)[]): Promise<number | null> => {
    const socket = new WebSocket(`${served.url.replace('http', 'ws')}/ws/events?v=1`);
    const closed = new Promise<number>((resolve) =>
      socket.addEventListener('close', ({ code }) => resolve(code)),
    );
    await new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }));
    for (const message of messages) socket.send(message);
    socket.close(1000);
    return closed;
  };
  for (const messages of [
    ['['.repeat(4000)],
    ['x'.repeat(1024 * 1024)],
    [new Uint8Array(1024 * 1024)],
    Array.from({ length: 100 }, () => 'ping'),
    ['{"type":"STOP"}', '__proto__', '\u0000', '*'.repeat(4000)],
  ])
    expect([1000, 1009, 4429]).toContain(await say(messages));
});
