import { randomUUID } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '../../services/host/clock.ts';
import type { Logger } from '../../services/host/logger.ts';
import { ServiceError, type ServiceErrorCode } from '../../services/host/service-error.ts';
import type { Orchestrator } from '../../services/orchestrator/orchestrator-port.ts';
import {
  type HostRules,
  hostOf,
  hostRefusal,
  isOwnHost,
  isOwnOrigin,
  originRefusal,
} from '../hosts.ts';
import { problemOf } from '../problem.ts';
import { serveEvents } from './events-channel.ts';
import { createForeignFrames, createProducers, foreignLimits } from './foreign-frames.ts';
import {
  type EventsRequest,
  type InspectRequest,
  type LogsRequest,
  requestOf,
} from './handshake.ts';
import { createInspectors, type InspectLimits, inspectLimits } from './inspect-channel.ts';
import { createJournalTail } from './journal-tail.ts';
import { serveLogs } from './logs-channel.ts';
import { createPeer, farewellMs, type Peer, type PeerLimits } from './peer.ts';

export type SocketLimits = PeerLimits &
  InspectLimits & {
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
  ...inspectLimits,
};
type Deps = {
  orchestrator: Orchestrator;
  clock: Clock;
  logger: Logger;
  rules: HostRules;
  version: string;
  uiBuild: string;
  limits: SocketLimits;
  /** Programs of this machine may show what they do. */
  isInspectIn: boolean;
};
export type Sockets = {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  count(): number;
  inspectors(): number;
  /** Tells every client that the service goes. */
  close(): void;
};

const maxInboundBytes = 4096;
const producersPath = '/ws/inspect/in';
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
  isInspectIn,
}: Deps): Sockets => {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: maxInboundBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
  });
  server.on('wsClientError', (error, socket, request) =>
    refuse(socket, request, new ServiceError('bad-parameter', `no WebSocket: ${error.message}`)),
  );
  const refusalOf = refusalBy(rules);
  const { ringEvents, coalesceMs, heartbeatMs } = limits;
  const log = (message: string, error: unknown): void =>
    logger.error(message, { error: String(error) });
  const tail = createJournalTail({ orchestrator, clock, capacity: ringEvents, coalesceMs, log });
  const foreign = createForeignFrames({ clean: orchestrator.cleanForeign, limits: foreignLimits });
  const producers = createProducers(foreign, { isAllowed: isInspectIn });
  const inspectors = createInspectors({ orchestrator, clock, foreign, limits });
  const deps = { orchestrator, tail, clock, heartbeatMs, version, uiBuild };
  const serve = (peer: Peer, asked: EventsRequest | LogsRequest | InspectRequest) => {
    if (asked.channel === 'logs') return serveLogs(peer, asked, deps);
    if (asked.channel === 'inspect') return inspectors.serve(peer, asked);
    return serveEvents(peer, asked, deps);
  };

  /** Those who have a place; who was turned away has none, however long its socket stays. */
  const seated = new Set<WebSocket>();

  const accept = async (socket: WebSocket, address: URL, wire: Duplex): Promise<void> => {
    const isV1 =
      address.searchParams.has('v') ||
      socket.protocol === subprotocol ||
      /^\/ws\/(logs|inspect)/.test(address.pathname);
    const peer = createPeer(socket, isV1, clock, limits, wire);
    try {
      if (seated.size >= limits.maxClients)
        throw new ServiceError(
          'too-many-clients',
          `${limits.maxClients} clients are connected already`,
        );
      seated.add(socket);
      socket.once('close', () => seated.delete(socket));
      await serve(peer, requestOf(address, isV1));
    } catch (error) {
      if (!(error instanceof ServiceError)) log('a stream could not begin', error);
      turnAway(peer, address.pathname, error);
    }
  };

  return {
    upgrade: (request, socket, head) => {
      socket.on('error', () => socket.destroy());
      const address = URL.parse(request.url ?? '', 'http://x');
      const refusal = refusalOf(request, address);
      if (refusal || !address) return refuse(socket, request, refusal ?? noSocket());
      if (address.pathname === producersPath) {
        const why = producers.refusal(request);
        return why ? refuse(socket, request, why) : producers.upgrade(request, socket, head);
      }
      server.handleUpgrade(request, socket, head, (client) => {
        accept(client, address, socket).catch((error) => {
          log('a client could not be served', error);
          client.terminate();
        });
      });
    },
    count: () => seated.size,
    inspectors: inspectors.count,
    close: () => {
      producers.close();
      for (const client of server.clients) client.close(1001, 'the service is shutting down');
      server.close();
    },
  };
};

/** Said after accepting: a failed upgrade is only a 1006 in a browser. */
const turnAway = (peer: Peer, instance: string, error: unknown): void => {
  const told =
    error instanceof ServiceError
      ? error
      : new ServiceError('internal', 'something is wrong on our side');
  const problem = problemOf(told, { instance, requestId: randomUUID() });
  // An inspector knows nothing but its own dialect.
  if (peer.isV1 && !instance.startsWith('/ws/inspect'))
    peer.send(JSON.stringify({ type: 'problem', v: 1, problem }));
  peer.close(closeCodeOf[told.code] ?? 1011, told.message, farewellMs);
};

const noSocket = (): ServiceError =>
  new ServiceError('not-found', 'there is no socket at this address');

/** What a handshake is refused for before it is one; null when it may go on. */
const refusalBy =
  (rules: HostRules) =>
  (request: IncomingMessage, address: URL | null): ServiceError | null => {
    try {
      const host = hostOf(request);
      if (!isOwnHost(host, rules)) return hostRefusal();
      if (!isOwnOrigin(request.headers.origin, host, rules)) return originRefusal();
    } catch (error) {
      if (error instanceof ServiceError) return error;
      throw error;
    }
    return /^\/ws\/(events|logs|inspect)(\/|$)/.test(address?.pathname ?? '') ? null : noSocket();
  };

/** A handshake that fails, answered as every other refusal is. */
const refuse = (socket: Duplex, { url }: IncomingMessage, error: ServiceError): void => {
  const instance = (url ?? '').split('?')[0] as string;
  const requestId = randomUUID();
  const body = JSON.stringify(problemOf(error, { instance, requestId }));
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'Sec-WebSocket-Version: 13',
    'Connection: close',
  ];
  // Half-open is what a client that never leaves would stay: when all is written, it is over.
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
};
