import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import { serve } from '../support/serve.ts';
import { until } from '../support/until.ts';

/** A recipe of ops/proxy made to work here: another port, another certificate, one user. */
export type ProxyRecipe = {
  /** What a browser would write in its line of addresses. */
  host: (port: number) => string;
  /** Begins it in this folder; it may go on in the front. */
  begin: (place: { dir: string; port: number; upstream: number; password: string }) => Promise<{
    file: string;
    args: string[];
    env?: Record<string, string>;
  }>;
};
const password = 'let me in';
const user = 'operator';
const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
};

type Asked = { method?: string; headers?: Record<string, string>; body?: string };
const asked = (port: number, host: string, path: string, more: Asked): Promise<IncomingMessage> => {
  const { method = 'GET', headers = {}, body } = more;
  const one = request({
    host: '127.0.0.1',
    servername: host.replace(/:\d+$/, ''),
    port,
    path,
    method,
    headers: { Host: host, ...headers },
    rejectUnauthorized: false,
  });
  one.end(body);
  return once(one, 'response').then(([answer]) => answer as IncomingMessage);
};

/** Runs the proxy before something on a port, and ends both. */
const behind = async (
  proxy: ProxyRecipe,
  upstream: number,
  check: (port: number, host: string) => Promise<void>,
): Promise<void> => {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright-proxy-'));
  const port = await freePort();
  let child: ChildProcess | undefined;
  let said = '';
  try {
    const { file, args, env = {} } = await proxy.begin({ dir, port, upstream, password });
    child = spawn(file, args, {
      cwd: dir,
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => {
        said += String(chunk);
      });
    const host = proxy.host(port);
    await until(async () => {
      if (child?.exitCode !== null) throw new Error(`it ended: ${said}`);
      return asked(port, host, '/', {}).then(
        (answer) => answer.resume(),
        () => null,
      );
    });
    await check(port, host);
  } finally {
    if (child?.exitCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await rm(dir, { recursive: true, force: true });
  }
};

/** Users, commands of a browser and a WebSocket through the proxy to a service. */
export const passesService = async (proxy: ProxyRecipe): Promise<void> => {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright-proxied-'));
  await mkdir(join(dir, 'pipelines'));
  await writeFile(
    join(dir, 'pipelines/p.yaml'),
    'name: p\nstages:\n  - { name: one, run: ["true"] }\n',
  );
  const site = ['--allowed-hosts', 'pipelines.example.org'];
  const origins = ['--allowed-origins', 'https://pipelines.example.org'];
  const service = await serve(dir, [...site, ...origins]);
  try {
    await behind(proxy, Number(new URL(service.url).port), async (port, host) => {
      const path = '/api/pipeline/status';
      const stranger = await asked(port, host, path, {});
      stranger.resume();
      assert.equal(stranger.statusCode, 401, 'without a password');
      const known = await asked(port, host, path, { headers: { authorization } });
      assert.equal(known.statusCode, 200, await text(known));
      const socket = new WebSocket(`wss://127.0.0.1:${port}/ws/events?v=1`, {
        agent: new Agent({ rejectUnauthorized: false, servername: host.replace(/:\d+$/, '') }),
        headers: { Host: host, authorization, Origin: `https://${host}` },
      });
      const frames: string[] = [];
      socket.on('message', (data) => frames.push(String(data)));
      await once(socket, 'open');
      await until(() => frames.some((frame) => frame.includes('"snapshot"')));
      const started = await asked(port, host, '/api/pipeline/start', {
        method: 'POST',
        headers: {
          authorization,
          'content-type': 'application/json',
          origin: `https://${host}`,
          'sec-fetch-site': 'same-origin',
        },
        body: '{}',
      });
      assert.equal(started.statusCode, 202, await text(started));
      await until(() => frames.some((frame) => frame.includes('DONE')));
      socket.close();
      await once(socket, 'close');
    });
  } finally {
    await service.end();
    await rm(dir, { recursive: true, force: true });
  }
};

/** The first bytes of an answer reach the client while the rest is not written yet. */
export const passesStreams = async (proxy: ProxyRecipe): Promise<void> => {
  const isHeard = Promise.withResolvers<void>();
  const upstream = createServer(async (asking, answer) => {
    asking.resume();
    if (asking.headers.authorization) answer.setHeader('x-leaked', 'the password');
    answer.write('first\n');
    if (asking.url === '/stream') await isHeard.promise;
    answer.end('last\n');
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  try {
    await behind(proxy, (upstream.address() as AddressInfo).port, async (port, host) => {
      const answer = await asked(port, host, '/stream', { headers: { authorization } });
      assert.equal(answer.headers['x-leaked'], undefined);
      const [first] = (await once(answer, 'data')) as [Buffer];
      assert.equal(String(first), 'first\n');
      isHeard.resolve();
      assert.equal(await text(answer), 'last\n');
    });
  } finally {
    isHeard.resolve();
    upstream.closeAllConnections();
    upstream.close();
  }
};
