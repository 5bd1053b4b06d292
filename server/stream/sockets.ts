import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '../../services/clock.ts';
import type { Logger } from '../../services/logger.ts';
import type { Orchestrator } from '../../services/orchestrator-port.ts';
import { ServiceError, type ServiceErrorCode } from '../../services/service-error.ts';
import { type HostRules, isOwnHost, isOwnOrigin } from '../hosts.ts';
import { problemOf } from '../problem.ts';
import { serveEvents } from './events-channel.ts';
import { requestOf } from './handshake.ts';
import { createJournalTail } from './journal-tail.ts';
import { serveLogs } from './logs-channel.ts';
import { createPeer, type PeerLimits } from './peer.ts';

export type SocketLimits = PeerLimits & {
  maxClients: number;
  ringEvents: number;
  coalesceMs: number;
};
/** stream.md: heartbeats (7), backpressure (9), coalescing (10), clients (12). */
export const socketLimits: SocketLimits = {
  maxClients: 2000,
  heartbeatMs: 15_000,
  stallMs: 30_000,
  highWaterBytes: 256 * 1024,
  ringEvents: 2000,
  coalesceMs: 50,
};
type Deps = {
  orchestrator: Orchestrator;
  clock: Clock;
  logger: Logger;
  rules: HostRules;
  version: string;
  uiBuild: string;
  limits: SocketLimits;
};
export type Sockets = {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  count(): number;
  /** Tells every client that the service goes. */
  close(): void;
};

const maxInboundBytes = 4096;
const subprotocol = 'pipeline.events.v1';
const closeCodeOf: Partial<Record<ServiceErrorCode, number>> = {
  'unknown-run': 4404,
  'unknown-pipeline': 4404,
  'unknown-stage': 4404,
  'not-found': 4404,
  'bad-parameter': 4400,
  'invalid-id': 4400,
  'unsupported-version': 4406,
  'cursor-gone': 4410,
  'too-many-clients': 1013,
  starting: 1011,
  draining: 1001,
};

/**
 * Every WebSocket of the service: who may connect, what they asked for, and a readable reason for
 * whoever is turned away.
 */
export const createSockets = ({
  orchestrator,
  clock,
  logger,
  rules,
  version,
  uiBuild,
  limits,
}: Deps): Sockets => {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: maxInboundBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
  });
  const { ringEvents, coalesceMs, heartbeatMs } = limits;
  const log = (message: string, error: unknown): void =>
    logger.error(message, { error: String(error) });
  const tail = createJournalTail({ orchestrator, clock, capacity: ringEvents, coalesceMs, log });

  const accept = async (socket: WebSocket, address: URL): Promise<void> => {
    const isV1 =
      address.searchParams.has('v') ||
      socket.protocol === subprotocol ||
      address.pathname.startsWith('/ws/logs');
    const peer = createPeer(socket, isV1, clock, limits);
    try {
      if (server.clients.size > limits.maxClients)
        throw new ServiceError(
          'too-many-clients',
          `${limits.maxClients} clients are connected already`,
        );
      const asked = requestOf(address, isV1);
      if (asked.channel === 'logs') await serveLogs(peer, asked, { orchestrator, clock });
      else
        await serveEvents(peer, asked, {
          orchestrator,
          tail,
          clock,
          heartbeatMs,
          version,
          uiBuild,
        });
    } catch (error) {
      if (!(error instanceof ServiceError)) log('a stream could not begin', error);
      const told =
        error instanceof ServiceError
          ? error
          : new ServiceError('internal', 'something is wrong on our side');
      // Said after accepting: a failed upgrade is only a 1006 in a browser.
      const problem = problemOf(told, { instance: address.pathname, requestId: randomUUID() });
      if (isV1) peer.send(JSON.stringify({ type: 'problem', v: 1, problem }));
      peer.close(closeCodeOf[told.code] ?? 1011, told.message);
    }
  };

  return {
    upgrade: (request, socket, head) => {
      const { host, origin } = request.headers;
      socket.on('error', () => socket.destroy());
      if (!isOwnHost(host, rules) || !isOwnOrigin(origin, host, rules))
        return refuse(socket, '403 Forbidden');
      const address = URL.parse(request.url ?? '', 'http://x');
      if (!address || !/^\/ws\/(events|logs)(\/|$)/.test(address.pathname))
        return refuse(socket, '404 Not Found');
      server.handleUpgrade(request, socket, head, (client) => {
        accept(client, address).catch((error) => {
          log('a client could not be served', error);
          client.terminate();
        });
      });
    },
    count: () => server.clients.size,
    close: () => {
      for (const client of server.clients) client.close(1001, 'the service is shutting down');
      server.close();
    },
  };
};

const refuse = (socket: Duplex, status: string): void =>
  void socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
