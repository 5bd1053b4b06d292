import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { leftOpen } from '../../support/left-open.ts';

type Got = {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into messages of every shape
  json: any;
};
type Answer = (response: ServerResponse, got: Got) => void;
export const answers =
  (status: number, headers: Record<string, string> = {}, body = ''): Answer =>
  (response) =>
    void response.writeHead(status, headers).end(body);

/** A receiver of webhooks: it keeps what it was sent, and answers as the test says. */
export const receiver = async (answer: Answer = answers(200)) => {
  const got: Got[] = [];
  const sockets = new Set<Socket>();
  const now = { answer };
  const server = createServer(async (request, response) => {
    const body = await text(request).catch(() => null);
    if (body === null) return;
    const { method = '', url: path = '', headers } = request;
    const one = { method, path, headers, body, json: body.startsWith('{') && JSON.parse(body) };
    got.push(one);
    now.answer(response, one);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    if (!leftOpen.delete(close)) return;
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close').catch(() => {});
  };
  leftOpen.add(close);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, got, now, close };
};
export type Receiver = Awaited<ReturnType<typeof receiver>>;
