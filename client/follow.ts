import { closeCodes } from '../wire/close-codes.ts';
import type { EventFrame, Frame } from '../wire/frames.ts';
import { reduce, type StreamState, stateOf } from './run-state.ts';

/** The part of the browser's WebSocket that is used here; Node has the same one. */
type Socket = Pick<WebSocket, 'close' | 'addEventListener'>;
export type FollowOptions = {
  /** http(s) or ws(s) address of the service. */
  url: string;
  /**
   * One run, or all; `pipeline` narrows the latter, `only` is a list of globs over `stage/event`.
   */
  runId?: string | null;
  pipeline?: string;
  only?: string[];
  /** After each snapshot and each frame of events. */
  onState?: (state: StreamState) => void;
  /** Each event once and in order; `true` = it was in the snapshot, it is not new. */
  onEvent?: (event: StreamState['recent_events'][number], isPast: boolean) => void;
  /** Each frame as it came, before it is folded. */
  onFrame?: (frame: Frame) => void;
  /** @param retryInMs only of `waiting`: when the next try is made */
  onConnection?: (
    connection: 'connecting' | 'live' | 'waiting' | 'closed',
    retryInMs?: number,
  ) => void;
  connect?: (url: string) => Socket;
  random?: () => number;
};
export type Follower = {
  state(): StreamState | null;
  /** The code the service closed with for good, or 1000 when `close` was called. */
  closed: Promise<{ code: number; reason: string }>;
  /** Does not wait for the next try. Nothing to do while connected. */
  retry(): void;
  close(): void;
};

const baseMs = 500;
const capMs = 30_000;
/** A page has these two; Node has neither. */
const page: Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>> =
  globalThis as object;
/** Until the service has said its own. */
const heartbeatMs = 15_000;
const isFinal = (code: number): boolean =>
  closeCodes[code as keyof typeof closeCodes]?.[1] === 'stop';

/**
 * Follows the service for as long as it takes: snapshot, events, and after any break on from the
 * last cursor. Gives up only when the service says that trying again cannot help (stream.md, rule
 * 8).
 */
export const follow = (options: FollowOptions): Follower => {
  const {
    connect = (url) => new WebSocket(url),
    random = Math.random,
    onConnection = () => {},
  } = options;
  let state: StreamState | null = null;
  let cursor: string | null = null;
  let last = 0;
  let tries = 0;
  let socket: Socket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let silenceMs = heartbeatMs * 2.5;
  const over = Promise.withResolvers<{ code: number; reason: string }>();
  let isOver = false;

  const address = (): string => {
    const base = options.url.replace(/^http/, 'ws').replace(/\/$/, '');
    const query = new URLSearchParams({ v: '1' });
    if (options.pipeline) query.set('pipeline', options.pipeline);
    if (options.only) query.set('only', options.only.join(','));
    if (cursor) query.set('since', cursor);
    return `${base}/ws/events${options.runId ? `/${options.runId}` : ''}?${query}`;
  };

  const finish = (code: number, reason: string): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    page.removeEventListener?.('online', atOnce);
    page.removeEventListener?.('focus', atOnce);
    onConnection('closed');
    over.resolve({ code, reason });
  };

  /** A socket that says nothing is as good as none. */
  const listenLonger = (mine: Socket): void => {
    clearTimeout(timer);
    timer = setTimeout(() => lost(mine, 0), silenceMs);
  };

  const lost = (mine: Socket, code: number): void => {
    if (mine !== socket || isOver) return;
    socket = null;
    mine.close();
    if (code === 4410) cursor = null;
    clearTimeout(timer);
    // Full jitter: a thousand clients do not come back in the same moment.
    const retryInMs = random() * Math.min(capMs, baseMs * 2 ** tries);
    onConnection('waiting', retryInMs);
    timer = setTimeout(open, retryInMs);
    tries += 1;
  };

  const apply = (frame: EventFrame): void => {
    if (!state || frame.seq <= last) return;
    state = reduce(state, frame);
    last = frame.seq;
    cursor = frame.cursor;
    options.onEvent?.(state.recent_events.at(-1) as StreamState['recent_events'][number], false);
  };

  const take = (mine: Socket, frame: Frame): void => {
    options.onFrame?.(frame);
    if (frame.type === 'snapshot') {
      const known = frame.resume === 'fresh' ? 0 : last;
      state = stateOf(frame);
      ({ as_of_seq: last, cursor } = frame);
      for (const event of state.recent_events)
        if (event.seq > known) options.onEvent?.(event, true);
    }
    if (frame.type === 'snapshot' || frame.type === 'resumed') {
      tries = 0;
      silenceMs = frame.heartbeat_ms * 2.5;
      onConnection('live');
    }
    if (frame.type === 'heartbeat') {
      last = Math.max(last, frame.seq);
      cursor = frame.cursor;
    }
    const events =
      frame.type === 'events'
        ? frame.events
        : frame.type === 'event' && !('ephemeral' in frame)
          ? [frame]
          : [];
    for (const event of events) {
      // The chain says that something is missing: only a new snapshot can mend that.
      if (event.prev > last) {
        cursor = null;
        lost(mine, 0);
        return;
      }
      apply(event);
    }
    if (frame.type === 'event' && 'ephemeral' in frame && state) state = reduce(state, frame);
    if (state && (frame.type === 'snapshot' || frame.type === 'event' || frame.type === 'events'))
      options.onState?.(state);
  };

  const open = (): void => {
    if (isOver) return;
    onConnection('connecting');
    const mine = connect(address());
    socket = mine;
    listenLonger(mine);
    mine.addEventListener('message', ({ data }) => {
      if (mine !== socket || isOver) return;
      listenLonger(mine);
      take(mine, JSON.parse(String(data)) as Frame);
    });
    // A failed connection also closes; without a listener Node would call it an uncaught error.
    mine.addEventListener('error', () => {});
    mine.addEventListener('close', ({ code, reason }) => {
      if (mine !== socket) return;
      if (isFinal(code)) finish(code, reason);
      else lost(mine, code);
    });
  };

  /** The network is back, or somebody looks at the page again: no reason to wait any longer. */
  const atOnce = (): void => {
    if (socket || isOver) return;
    clearTimeout(timer);
    open();
  };
  page.addEventListener?.('online', atOnce);
  page.addEventListener?.('focus', atOnce);
  open();
  return {
    state: () => state,
    closed: over.promise,
    retry: atOnce,
    close: () => {
      const mine = socket;
      socket = null;
      finish(1000, 'closed by the client');
      mine?.close(1000);
    },
  };
};
