import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Clock } from '../../services/host/clock.ts';

export type PeerLimits = { heartbeatMs: number; stallMs: number; highWaterBytes: number };
/** One connected client, as the channels see it. */
export type Peer = {
  readonly isV1: boolean;
  isOpen(): boolean;
  /**
   * Has more unread than it should: send nothing until `onDrain`. Whoever asks and hears true is
   * called back.
   */
  isFull(): boolean;
  /** Bytes that were sent and have not left us. */
  unread(): number;
  send(text: string | Buffer): void;
  /** What is sent by this leaves us in one write. */
  together(sends: () => void): void;
  /** What was sent goes first, for as long as the client reads, and `patienceMs` at most. */
  close(code: number, reason: string, patienceMs?: number): void;
  onDrain(callback: () => void): void;
  onClose(callback: () => void): void;
  /** What a v=1 client is told with each heartbeat. */
  onBeat(frame: () => object): void;
};

const maxInboundPerSecond = 10;
/** How long a client may take to answer our close. */
export const farewellMs = 1000;

/** A socket with its manners: heartbeats, backpressure, and a limit to what it may say. */
export const createPeer = (
  socket: WebSocket,
  isV1: boolean,
  clock: Clock,
  limits: PeerLimits,
  wire: Pick<Duplex, 'cork' | 'uncork'>,
): Peer => {
  let alive = true;
  /** Frames that have not left us yet. */
  let unsent = 0;
  let closing = false;
  let stalledSince: number | null = null;
  let beatFrame: (() => object) | null = null;
  const drained: (() => void)[] = [];
  const closed: (() => void)[] = [];

  const linger = (ms: number): void => {
    const cancelLinger = clock.after(ms, () => socket.terminate());
    socket.once('close', cancelLinger);
  };
  const flushed = (): void => {
    unsent -= 1;
    if (closing && unsent === 0) linger(farewellMs);
    if (stalledSince === null || socket.bufferedAmount >= limits.highWaterBytes) return;
    stalledSince = null;
    for (const callback of drained) callback();
  };
  /** A client that is slow gets all that was sent; one that never answers is not waited for. */
  const end = (code: number, reason: string, patienceMs = limits.stallMs): void => {
    if (closing) return;
    closing = true;
    // At most 123 bytes (RFC 6455, 5.5); a reason may quote what the client sent.
    socket.close(code, reason.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 120));
    linger(unsent === 0 ? farewellMs : patienceMs);
  };
  const beat = (): void => {
    const now = clock.monotonicMs();
    const isStuck = stalledSince !== null && now - stalledSince >= limits.stallMs;
    if (isStuck || (!alive && stalledSince === null)) {
      // What it has not read by now it will not read.
      if (isStuck) end(4429, 'nothing was read for too long', farewellMs);
      else end(4408, 'no pong', farewellMs);
      return;
    }
    alive = false;
    socket.ping();
    // Browser code sees no pings.
    if (isV1 && beatFrame && stalledSince === null) socket.send(JSON.stringify(beatFrame()));
    cancel = clock.after(limits.heartbeatMs, beat);
  };
  let cancel = clock.after(limits.heartbeatMs, beat);
  socket.on('pong', () => {
    alive = true;
  });
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    cancel();
    for (const callback of closed) callback();
  });
  listen(socket, isV1, clock, end);

  return {
    isV1,
    isOpen: () => socket.readyState === socket.OPEN,
    isFull: () => {
      if (socket.bufferedAmount < limits.highWaterBytes) return false;
      stalledSince ??= clock.monotonicMs();
      return true;
    },
    unread: () => socket.bufferedAmount,
    send: (text) => {
      unsent += 1;
      socket.send(text, { binary: false }, flushed);
    },
    together: inOneWrite(wire),
    close: end,
    onDrain: (callback) => void drained.push(callback),
    onClose: (callback) => void closed.push(callback),
    onBeat: (frame) => {
      beatFrame = frame;
    },
  };
};

/** Of what many small writes cost most is the writing. */
const inOneWrite =
  (wire: Pick<Duplex, 'cork' | 'uncork'>) =>
  (sends: () => void): void => {
    wire.cork();
    try {
      sends();
    } finally {
      wire.uncork();
    }
  };

/**
 * The stream has one direction. Only a classic client's `ping` is answered; too much of anything
 * ends the connection.
 */
const listen = (socket: WebSocket, isV1: boolean, clock: Clock, end: Peer['close']): void => {
  let since = clock.monotonicMs();
  let count = 0;
  socket.on('message', (data) => {
    const now = clock.monotonicMs();
    if (now - since > 1000) {
      since = now;
      count = 0;
    }
    count += 1;
    if (count > maxInboundPerSecond) end(4429, 'too many messages', farewellMs);
    else if (!isV1 && String(data) === 'ping') socket.send('{"type":"pong"}');
  });
};
