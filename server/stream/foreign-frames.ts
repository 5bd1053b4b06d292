import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { ServiceError } from '../../services/host/service-error.ts';
import type { ForeignFrame } from '../../wire/inspection.ts';
import { foreignFrameSchema } from '../../wire/inspection-frames.ts';

export type ForeignLimits = { frames: number; bytes: number; producers: number };
/** In memory only: what other programs showed last. */
export const foreignLimits: ForeignLimits = {
  frames: 1000,
  bytes: 8 * 1024 * 1024,
  producers: 20,
};
/** A frame of another program is as large as its machine. */
const maxForeignBytes = 256 * 1024;

type Kept = { position: number; type: string; text: string };
export type ForeignFrames = {
  /** The first one after a position that is still there. */
  after(position: number): Kept | null;
  onFrame(listener: () => void): () => void;
  /** Takes what this program sends, until it leaves. */
  take(socket: WebSocket): void;
};

const expected =
  'expected frames of @statelyai/inspect: JSON objects with type "@xstate.…" and sessionId';

/**
 * Frames that programs of this machine send, for whoever looks at all live runs. Never stored; ids
 * of sessions begin at `x:0` in each process, so that each connection gets a name before them.
 */
export const createForeignFrames = (deps: {
  clean: (value: unknown) => unknown;
  limits: ForeignLimits;
}): ForeignFrames => {
  const { clean, limits } = deps;
  const kept: Kept[] = [];
  const listeners = new Set<() => void>();
  let last = 0;
  let bytes = 0;
  let connections = 0;
  let producers = 0;

  const keep = (frame: ForeignFrame): void => {
    last += 1;
    const text = JSON.stringify(frame);
    kept.push({ position: last, type: frame.type, text });
    bytes += text.length;
    while (kept.length > limits.frames || bytes > limits.bytes)
      bytes -= kept.shift()?.text.length ?? 0;
    for (const listener of listeners) listener();
  };
  const read = (text: string, name: string): ForeignFrame | null => {
    const parsed = foreignFrameSchema.safeParse(jsonOf(text));
    if (!parsed.success) return null;
    const named = (id: string | undefined): string | undefined =>
      id === undefined ? id : `${name}/${id}`;
    const { sessionId, rootId, parentId, sourceId } = parsed.data;
    const ids = {
      sessionId: `${name}/${sessionId}`,
      rootId: named(rootId),
      parentId: named(parentId),
      sourceId: named(sourceId),
    };
    return { ...(clean(parsed.data) as ForeignFrame), ...ids, foreign: true } as ForeignFrame;
  };

  return {
    after: (position) => kept[Math.max(0, position + 1 - (kept[0]?.position ?? 0))] ?? null,
    onFrame: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    take: (socket) => {
      socket.on('error', () => socket.terminate());
      if (producers >= limits.producers)
        return socket.close(1013, `${limits.producers} programs are connected already`);
      producers += 1;
      connections += 1;
      const name = `in-${connections}`;
      socket.once('close', () => {
        producers -= 1;
      });
      socket.on('message', (data) => {
        try {
          const frame = read(String(data), name);
          if (frame) keep(frame);
          else socket.close(4400, expected);
        } catch {
          socket.close(1011, 'the frame could not be read');
        }
      });
    },
  };
};

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

export type Producers = {
  /** Why this program may not send here; null when it may. */
  refusal(request: IncomingMessage): ServiceError | null;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): void;
};
const isLoopback = (address = ''): boolean => /^(::ffff:)?127\.|^::1$/.test(address);

/** The door for programs that show what they do: closed unless it was asked for. */
export const createProducers = (
  foreign: Pick<ForeignFrames, 'take'>,
  { isAllowed }: { isAllowed: boolean },
): Producers => {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: maxForeignBytes,
    perMessageDeflate: false,
  });
  return {
    refusal: ({ socket }) => {
      if (!isAllowed)
        return new ServiceError(
          'not-found',
          'programs may send frames here only when the service was started with --inspect-in',
        );
      if (isLoopback(socket.remoteAddress)) return null;
      return new ServiceError('foreign-origin', 'only programs of this machine may send frames');
    },
    upgrade: (request, socket, head) => server.handleUpgrade(request, socket, head, foreign.take),
    close: () => {
      for (const one of server.clients) one.close(1001, 'the service is shutting down');
      server.close();
    },
  };
};
