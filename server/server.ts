import { createServer as createHttp } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../services/clock.ts';
import type { Logger } from '../services/logger.ts';
import type { Orchestrator } from '../services/orchestrator-port.ts';
import { createApp } from './app.ts';
import { openDashboard } from './dashboard.ts';
import { createMetrics } from './metrics.ts';
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
};
export type Server = { listen(): Promise<{ url: string; port: number }>; close(): Promise<void> };

const builtDashboard = fileURLToPath(new URL('../dashboard/dist', import.meta.url));

/** REST, WebSocket and the dashboard on one port. */
export const createServer = (options: ServerOptions): Server => {
  const { orchestrator, clock, logger, host, port, allowedHosts, allowedOrigins, version } =
    options;
  const rules = { allowedHosts, allowedOrigins };
  const dashboard = openDashboard(options.dashboardDir ?? builtDashboard);
  const limits = { ...socketLimits, ...options.sockets };
  const uiBuild = dashboard.build ?? version;
  const sockets = createSockets({ orchestrator, clock, logger, rules, version, uiBuild, limits });
  const metrics = createMetrics({ measures: orchestrator.measures, sockets: sockets.count });
  const http = createHttp(createApp({ orchestrator, logger, rules, version, dashboard, metrics }));
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
      http.closeIdleConnections();
      // A client that never answers our close must not keep the service.
      const cancel = clock.after(1000, () => http.closeAllConnections());
      await closed.promise;
      cancel();
    },
  };
};
