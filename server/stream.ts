import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '../services/clock.ts';
import type { Logger } from '../services/logger.ts';
import type { EventFilter, Orchestrator } from '../services/orchestrator-port.ts';
import { ServiceError } from '../services/service-error.ts';
import { type HostRules, isOwnHost, isOwnOrigin } from './hosts.ts';
import { nameParam, runIdParam } from './schemas.ts';

type Deps = { orchestrator: Orchestrator; clock: Clock; logger: Logger; rules: HostRules };
export type Stream = {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Tells every client that the service goes. */
  close(): void;
};

const maxClients = 2000;
const maxInboundBytes = 4096;
const maxInboundPerSecond = 10;
/** A client that has this much unread gets no more until it has drained: it is a position in the journal, not a queue. */
const highWaterBytes = 256 * 1024;
const pageSize = 200;
const pingEveryMs = 15_000;
const finals = ['DONE', 'FAILED', 'STOPPED'];
const codes: Partial<Record<string, number>> = { 'unknown-run': 4404, 'unknown-pipeline': 4404, starting: 1011, draining: 1001 };

/** The classic event stream: a snapshot first, then every later event of the journal once and in order. */
export const createStream = ({ orchestrator, clock, logger, rules }: Deps): Stream => {
  const server = new WebSocketServer({ noServer: true, maxPayload: maxInboundBytes, perMessageDeflate: false });

  const follow = async (client: WebSocket, scope: { runId?: string; pipeline?: string }): Promise<void> => {
    const { seq, data, terminal } = await orchestrator.streamSnapshot(scope);
    const time = new Date(clock.wallMs()).toISOString();
    client.send(JSON.stringify({ type: 'snapshot', v: 1, as_of_seq: seq, time, data }));
    if (terminal) return client.close(1000);
    let position = seq;
    let pumping = false;
    let again = false;

    const turn = async (): Promise<void> => {
      for (;;) {
        if (client.readyState !== client.OPEN) return;
        // Whoever reads slowly is asked again when its buffer was written out.
        if (client.bufferedAmount > highWaterBytes) return;
        const filter: EventFilter = { ...scope, after: position, limit: pageSize };
        const events = await orchestrator.events(filter);
        if (events.length === 0) return;
        for (const event of events) {
          client.send(JSON.stringify({ type: 'event', prev: position, ...event }), wake);
          position = event.seq;
          const to = event.event === 'state_change' ? event.data.to : null;
          // After the end of a run nothing more is told of it.
          if (scope.runId && finals.includes(to as string)) return client.close(1000);
        }
      }
    };
    const pump = async (): Promise<void> => {
      if (pumping) {
        again = true;
        return;
      }
      pumping = true;
      do {
        again = false;
        await turn();
      } while (again);
      pumping = false;
    };
    const wake = (): void => {
      pump().catch((error) => {
        logger.error('a stream broke', { error: String(error) });
        client.close(1011);
      });
    };
    client.on('close', orchestrator.onJournal(wake));
    wake();
  };

  const accept = (client: WebSocket, request: IncomingMessage): void => {
    client.on('error', () => client.terminate());
    listen(client, clock);
    keepAlive(client, clock);
    const scope = server.clients.size > maxClients ? { code: 1013, reason: 'too many clients' } : scopeOf(request.url ?? '');
    if ('code' in scope) {
      client.close(scope.code, scope.reason);
      return;
    }
    follow(client, scope).catch((error) => {
      if (!(error instanceof ServiceError)) logger.error('a stream could not begin', { error: String(error) });
      client.close(error instanceof ServiceError ? (codes[error.code] ?? 1011) : 1011, (error as Error).message.slice(0, 120));
    });
  };

  return {
    upgrade: (request, socket, head) => {
      const { host, origin } = request.headers;
      socket.on('error', () => socket.destroy());
      if (!isOwnHost(host, rules) || !isOwnOrigin(origin, host, rules)) return refuse(socket, '403 Forbidden');
      if (!URL.parse(request.url ?? '', 'http://x')?.pathname.startsWith('/ws/events')) return refuse(socket, '404 Not Found');
      server.handleUpgrade(request, socket, head, (client) => accept(client, request));
    },
    close: () => {
      for (const client of server.clients) client.close(1001, 'the service is shutting down');
      server.close();
    },
  };
};

const refuse = (socket: Duplex, status: string): void =>
  void socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);

/** What a browser must be able to read is said after accepting: a failed upgrade is only a 1006 there. */
const scopeOf = (url: string): { runId?: string; pipeline?: string } | { code: number; reason: string } => {
  const address = URL.parse(url, 'http://x');
  const [, runId] = /^\/ws\/events(?:\/([^/]*))?$/.exec(address?.pathname ?? '') ?? [null, ''];
  if (!address || runId === '') return { code: 4400, reason: 'the address is not well formed' };
  const version = address.searchParams.get('v');
  if (version !== null && version !== '1') return { code: 4406, reason: `protocol version ${version} is not spoken here` };
  if (runId !== undefined) return runIdParam.safeParse(runId).success ? { runId } : { code: 4400, reason: 'the run id is malformed' };
  const pipeline = address.searchParams.get('pipeline');
  if (pipeline === null) return {};
  return nameParam.safeParse(pipeline).success ? { pipeline } : { code: 4400, reason: 'the pipeline name is malformed' };
};

/** The stream has one direction; `ping` is answered, everything else is ignored, and too much of it ends the connection. */
const listen = (client: WebSocket, clock: Clock): void => {
  let since = clock.monotonicMs();
  let count = 0;
  client.on('message', (data) => {
    const now = clock.monotonicMs();
    if (now - since > 1000) {
      since = now;
      count = 0;
    }
    count += 1;
    if (count > maxInboundPerSecond) client.close(4429, 'too many messages');
    else if (String(data) === 'ping') client.send('{"type":"pong"}');
  });
};

const keepAlive = (client: WebSocket, clock: Clock): void => {
  let alive = true;
  client.on('pong', () => {
    alive = true;
  });
  const beat = (): void => {
    if (!alive) {
      client.close(4408, 'no pong');
      client.terminate();
      return;
    }
    alive = false;
    client.ping();
    cancel = clock.after(pingEveryMs, beat);
  };
  let cancel = clock.after(pingEveryMs, beat);
  client.on('close', () => cancel());
};
