import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { sendRequest } from '../../stages/http-request.ts';

let server: Server;
let sockets: Socket[] = [];
afterEach(() => {
  server.closeAllConnections();
  server.close();
  sockets = [];
});
const listenWith = async (listener: RequestListener): Promise<string> => {
  server = createServer(listener);
  server.on('connection', (socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};
/** However it ends, by FIN or by RST: the connection is no more. */
const closed = () =>
  new Promise<void>((resolve) => {
    if (sockets[0]?.closed !== false) resolve();
    else sockets[0].once('close', () => resolve());
  });
const ask = (url: string, more: Partial<Parameters<typeof sendRequest>[0]> = {}) =>
  sendRequest({
    method: 'GET',
    url: new URL(url),
    headers: {},
    body: null,
    maxBytes: 1024,
    signal: new AbortController().signal,
    alive: () => {},
    ...more,
  });

test('a body longer than may be read is cut, and its connection closed although the server goes on', async () => {
  const url = await listenWith((_, response) => {
    const write = (): void => {
      while (response.write('x'.repeat(1000)));
      response.once('drain', write);
    };
    write();
  });
  expect(await ask(url)).toMatchObject({ status: 200, isCut: true });
  await closed();
});

test.each([
  [1024, false],
  [1025, true],
])('a body of %d bytes, of which 1024 may be read, is cut: %s', async (bytes, isCut) => {
  const url = await listenWith((_, response) => response.end('x'.repeat(bytes)));
  expect(await ask(url)).toMatchObject({ isCut });
});

test('the signal ends a request that waits, and closes its connection', async () => {
  const controller = new AbortController();
  const url = await listenWith(() => controller.abort());
  await expect(ask(url, { signal: controller.signal })).rejects.toThrow('aborted');
  await closed();
});

test('a connection that breaks in the middle of a body is an error, not a short body', async () => {
  const url = await listenWith((_, response) => {
    response.writeHead(200, { 'Content-Length': 100 });
    response.write('half');
    response.once('drain', () => {});
    setImmediate(() => response.destroy());
  });
  await expect(ask(url)).rejects.toThrow();
});

test('a redirect is an answer, and an upgrade that nobody asked for an error', async () => {
  const moved = await listenWith((_, response) =>
    response.writeHead(302, { location: '/x' }).end(),
  );
  expect(await ask(moved)).toMatchObject({ status: 302, headers: { location: '/x' } });
  expect(sockets).toHaveLength(1);
  server.close();
  const upgraded = await listenWith((_, response) => {
    response.socket?.end('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
  });
  await expect(ask(upgraded)).rejects.toThrow();
});
