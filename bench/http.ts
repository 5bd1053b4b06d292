import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createOurs } from '../server/server.ts';
import { createBareApp } from './bare-app.ts';
import type { Place } from './place.ts';
import type { Ratio } from './ratio.ts';

const lanes = 16;

/** Requests a second over kept connections. */
const load = async (url: string, total: number): Promise<number> => {
  const agent = new Agent({ keepAlive: true, maxSockets: lanes });
  const get = () =>
    new Promise<void>((resolve, reject) => {
      request(url, { agent }, (response) => response.resume().on('end', resolve))
        .on('error', reject)
        .end();
    });
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let index = 0; index < total / lanes; index += 1) await get();
    }),
  );
  agent.destroy();
  return total / ((performance.now() - begun) / 1000);
};

/** GET status against a bare express that answers the same bytes. */
export const benchStatus = async (
  { orchestrator, parts }: Place,
  total: number,
): Promise<Ratio> => {
  const ours = createOurs({
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
  const bare = createServer(createBareApp(await orchestrator.status('p0'))).listen(0, '127.0.0.1');
  await once(bare, 'listening');
  const bareUrl = `http://127.0.0.1:${(bare.address() as AddressInfo).port}/`;
  const path = `${url}/api/pipeline/status?pipeline=p0`;
  await load(path, total / 4);
  await load(bareUrl, total / 4);
  const result = { limit: await load(bareUrl, total), ours: await load(path, total) };
  await ours.close();
  bare.close();
  return { what: 'GET status', ...result, unit: 'req/s ', goal: { kind: 'at least', ratio: 0.8 } };
};
