import { request } from 'node:http';
import { createServer } from '../../server/server.ts';
import type { SocketLimits } from '../../server/stream/sockets.ts';
import { systemClock } from '../../services/host/clock.ts';
import { leftOpen } from './left-open.ts';
import { type Running, runService } from './service.ts';

export type Served = Running & {
  url: string;
  ask(method: string, path: string, options?: Asked): Promise<Answer>;
};
type Asked = { body?: string; headers?: Record<string, string> };
type Answer = {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into answers of every shape
  json: any;
};

const logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  close: async () => {},
};

/**
 * The whole service on a port of its own. `ask` sends exactly what it is given, also headers that
 * fetch would not send.
 */
export const serveHttp = async (
  options: Parameters<typeof runService>[0],
  sockets: Partial<SocketLimits> = {},
  dashboardDir?: string,
): Promise<Served> => {
  const running = await runService(options);
  const server = createServer({
    orchestrator: running.orchestrator,
    clock: systemClock,
    logger,
    host: '127.0.0.1',
    port: 0,
    allowedHosts: [],
    allowedOrigins: [],
    version: 'test',
    sockets,
    ...(dashboardDir !== undefined && { dashboardDir }),
  });
  const { url, port } = await server.listen();
  const ask: Served['ask'] = (method, path, { body, headers = {} } = {}) =>
    new Promise((resolve, reject) => {
      const typed =
        body !== undefined && !('Content-Type' in headers)
          ? { 'Content-Type': 'application/json' }
          : {};
      const sent = request(
        { port, method, path, headers: { ...typed, ...headers } },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            const isJson = String(response.headers['content-type']).includes('json');
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text,
              json: isJson ? JSON.parse(text) : null,
            });
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= server.close().finally(running.close);
    return closing.finally(() => leftOpen.delete(close));
  };
  leftOpen.add(close);
  return { ...running, url, ask, close };
};
