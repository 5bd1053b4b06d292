import { createServer as createHttp, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../services/host/clock.ts';
import type { Logger } from '../services/host/logger.ts';
import type { Orchestrator } from '../services/orchestrator/orchestrator-port.ts';
import { createApp } from './app.ts';
import { openDashboard } from './dashboard.ts';
import { createMetrics } from './metrics.ts';
import { farewellMs } from './stream/peer.ts';
import { createSockets, type SocketLimits, socketLimits } from './stream/sockets.ts';

export type ServerOptions = {
  orchestrator: Orchestrator;
  clock: Clock;
  logger: Logger;
  host: string;
  /** 0 = any free one. */
  port: number;
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
  version: string;
  /** Where the built dashboard lies. */
  dashboardDir?: string;
  sockets?: Partial<SocketLimits>;
  /** Programs of this machine may show what they do at `/ws/inspect/in`. */
  inspectIn?: boolean;
  /** How long clients may take to leave when the service closes. */
  farewellMs?: number;
};
export type Server = {
  listen(): Promise<{ url: string; port: number }>;
  /** Whoever has not left after `farewellMs` is cut off. */
  close(): Promise<void>;
};

const builtDashboard = fileURLToPath(new URL('../dashboard/dist', import.meta.url));

/** REST, WebSocket and the dashboard on one port. */
export const createServer = (options: ServerOptions): Server => {
  const { orchestrator, clock, logger, host, port, allowedHosts, allowedOrigins, version } =
    options;
  const rules = { allowedHosts, allowedOrigins };
  const dashboard = openDashboard(options.dashboardDir ?? builtDashboard);
  const limits = { ...socketLimits, ...options.sockets };
  const uiBuild = dashboard.build ?? version;
  const sockets = createSockets({
    orchestrator,
    clock,
    logger,
    rules,
    version,
    uiBuild,
    limits,
    isInspectIn: options.inspectIn ?? false,
  });
  const metrics = createMetrics({
    measures: orchestrator.measures,
    sockets: sockets.count,
    inspectors: sockets.inspectors,
    inspectionFailures: orchestrator.inspectionFailures,
  });
  const app = createApp({ orchestrator, logger, rules, version, dashboard, metrics });
  const http = createHttp({ shouldUpgradeCallback: isForSockets }, app);
  /** All that is open, also what became a WebSocket: Node counts those and does not close them. */
  const connections = new Set<Socket>();
  http.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  http.on('upgrade', (request, socket, head) => sockets.upgrade(request, socket, head));
  return {
    listen: async () => {
      const listening = Promise.withResolvers<void>();
      http.once('error', listening.reject).listen(port, host, () => listening.resolve());
      await listening.promise;
      const address = http.address() as AddressInfo;
      const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
      return { url: `http://${name}:${address.port}`, port: address.port };
    },
    close: async () => {
      const closed = Promise.withResolvers<void>();
      http.close(() => closed.resolve());
      sockets.close();
      // Whoever has not left by then, or never answers, must not keep the service.
      const cancel = clock.after(options.farewellMs ?? farewellMs, () => {
        for (const socket of connections) socket.destroy();
      });
      await closed.promise;
      cancel();
    },
  };
};

/** Any other upgrade (h2c is offered by many clients) is ignored, as RFC 9110 7.8 asks. */
const isForSockets = ({ headers, url }: IncomingMessage): boolean =>
  headers.upgrade?.toLowerCase() === 'websocket' && url?.startsWith('/ws/') === true;
