import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { createServer } from '../server/server.ts';
import type { Place } from './place.ts';
import type { Ratio } from './ratio.ts';

const listeners = fileURLToPath(new URL('./listeners.ts', import.meta.url));
const framesARound = 15;
const eventsARound = framesARound * 100;

const listen = async (url: string, count: number): Promise<ChildProcess> => {
  const child = spawn(process.execPath, [listeners, url, String(count)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
};
/** Milliseconds until all listeners have got this many frames since they opened. */
const untilGot = async (child: ChildProcess, frames: number): Promise<void> => {
  child.stdin?.write(`${frames}\n`);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
};

/** The same frames to the same number of sockets by ws alone. */
const bareMs = async (frame: Buffer, clients: number, rounds: number): Promise<number> => {
  const http = createHttp().listen(0, '127.0.0.1');
  await once(http, 'listening');
  const server = new WebSocketServer({ server: http, perMessageDeflate: false });
  const child = await listen(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/`, clients);
  let ms = 0;
  for (let round = 1; round <= rounds; round += 1) {
    const begun = performance.now();
    for (let index = 0; index < framesARound; index += 1)
      for (const client of server.clients) client.send(frame, { binary: false });
    await untilGot(child, round * framesARound * clients);
    ms += performance.now() - begun;
  }
  child.kill();
  server.close();
  http.closeAllConnections();
  http.close();
  return ms;
};

/**
 * Bursts of 1,500 events in the journal to that many sockets, against ws sending the same frames.
 */
export const benchFanOut = async (
  { orchestrator, parts }: Place,
  clients: number,
  rounds: number,
): Promise<{ ratio: Ratio; eventsPerSecond: number }> => {
  const ours = createServer({
    orchestrator,
    clock: parts.clock,
    logger: parts.logger,
    host: '127.0.0.1',
    port: 0,
    allowedHosts: [],
    allowedOrigins: [],
    version: 'bench',
  });
  const { url } = await ours.listen();
  const child = await listen(`${url.replace('http', 'ws')}/ws/events?v=1`, clients);
  let ms = 0;
  const reset = () =>
    orchestrator.reset('p0', {
      force: false,
      reason: null,
      actor: { kind: 'system', name: 'bench' },
    });
  for (let round = 1; round <= rounds; round += 1) {
    const event = {
      stage: 'system',
      event: 'warning' as const,
      severity: 'info' as const,
      msg: 'x'.repeat(100),
      data: {},
    };
    for (let index = 1; index < eventsARound; index += 1)
      await parts.store.note({ ...event, runId: null, pipeline: null }, Date.now());
    const begun = performance.now();
    // The last one wakes the readers.
    await reset();
    await untilGot(child, round * framesARound * clients);
    ms += performance.now() - begun;
  }
  child.kill();
  await ours.close();
  const { items } = await orchestrator.events({ limit: 100 });
  const frame = Buffer.from(
    JSON.stringify({
      type: 'events',
      v: 1,
      events: items.map((item) => ({
        type: 'event',
        prev: item.seq - 1,
        cursor: `abcdefgh.${item.seq}`,
        ...item,
      })),
    }),
  );
  const limitMs = await bareMs(frame, clients, rounds);
  const perSecond = (spent: number): number => (rounds * framesARound * clients) / (spent / 1000);
  return {
    ratio: {
      what: `frames of 100 events to ${clients} sockets`,
      ours: perSecond(ms),
      limit: perSecond(limitMs),
      unit: '/s    ',
      goal: { kind: 'at least', ratio: 0.8 },
    },
    eventsPerSecond: perSecond(ms) * 100,
  };
};
