import { follow } from '../../client/follow.ts';
import type { StreamState } from '../../client/run-state.ts';
import type { EventFrame, Frame, ProgressFrame, SnapshotFrame } from '../../wire/frames.ts';
import { type Connection, connecting, next, type Signal } from './connection.ts';

type ServiceFacts = Extract<SnapshotFrame['data'], { service: unknown }>['service'];
/** Something that was missed, said once. */
type Notice = { kind: 'gap' | 'reset'; missed: number | null; at: number };

/**
 * All that the page knows without asking. Replaced whole; a part that did not change keeps its
 * identity.
 */
export type Live = {
  stream: StreamState | null;
  service: ServiceFacts | null;
  serverVersion: string | null;
  /** The build the service serves; another one than ours means: reload. */
  uiBuild: string | null;
  connection: Connection;
  /** Server's clock minus ours, in ms. */
  skewMs: number;
  notice: Notice | null;
};
export type LiveStore = {
  get(): Live;
  subscribe(listener: () => void): () => void;
  /**
   * Every event and progress tick as it arrives, before anything is drawn; `null` = begin again
   * from REST.
   */
  onFrame(listener: (frame: EventFrame | ProgressFrame | null) => void): () => void;
  retry(): void;
  close(): void;
};

const tickMs = 1000;
const defaultHeartbeatMs = 15_000;

/**
 * One socket for the whole tab. Whatever comes in between two pictures is shown as one; a hidden
 * tab draws nothing.
 */
export const createLiveStore = (url: string): LiveStore => {
  const listeners = new Set<() => void>();
  const frameListeners = new Set<(frame: EventFrame | ProgressFrame | null) => void>();
  let heartbeatMs = defaultHeartbeatMs;
  let gapOf: number | null = null;
  let known: Live = {
    stream: null,
    service: null,
    serverVersion: null,
    uiBuild: null,
    skewMs: 0,
    notice: null,
    connection: connecting(Date.now()),
  };
  let shown = known;
  let isAsked = false;

  const publish = (): void => {
    isAsked = false;
    if (shown === known) return;
    shown = known;
    for (const listener of listeners) listener();
  };
  const change = (part: Partial<Live>): void => {
    known = { ...known, ...part };
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(publish);
  };
  const signal = (what: Signal): void => {
    const connection = next(known.connection, what, Date.now());
    if (connection !== known.connection) change({ connection });
  };

  const hear = (frame: Frame): void => {
    signal({ type: 'frame' });
    if ('time' in frame) change({ skewMs: Date.parse(frame.time) - Date.now() });
    if (frame.type === 'gap') gapOf = frame.to_seq - frame.from_seq + 1;
    if (frame.type === 'snapshot') {
      heartbeatMs = frame.heartbeat_ms;
      const again = known.stream !== null;
      const kind = frame.resume === 'gap' ? 'gap' : 'reset';
      change({
        ...('service' in frame.data && { service: frame.data.service }),
        serverVersion: frame.server_version,
        uiBuild: frame.ui_build,
        ...(again && { notice: { kind, missed: gapOf, at: Date.now() } }),
      });
      gapOf = null;
      if (again) for (const listener of frameListeners) listener(null);
    }
    if (frame.type === 'resumed') heartbeatMs = frame.heartbeat_ms;
    const events = frame.type === 'events' ? frame.events : frame.type === 'event' ? [frame] : [];
    for (const event of events) for (const listener of frameListeners) listener(event);
  };

  const follower = follow({
    url,
    onState: (stream) => change({ stream }),
    onFrame: hear,
    onConnection: (connection, retryInMs = 0) => {
      if (connection === 'connecting') signal({ type: 'opening' });
      if (connection === 'waiting') signal({ type: 'waiting', retryInMs });
    },
  });
  void follower.closed.then(
    ({ code, reason }) => code !== 1000 && signal({ type: 'closed', code, reason }),
  );
  const ticking = setInterval(
    () => signal({ type: 'tick', isNetworkUp: navigator.onLine, heartbeatMs }),
    tickMs,
  );

  return {
    get: () => shown,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    onFrame: (listener) => {
      frameListeners.add(listener);
      return () => void frameListeners.delete(listener);
    },
    retry: follower.retry,
    close: () => {
      clearInterval(ticking);
      follower.close();
    },
  };
};
