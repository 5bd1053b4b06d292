import { closeCodes } from '../../wire/close-codes.ts';
import { readFrame } from './inspected-frame.ts';
import { type Feed, keepFrames } from './kept-frames.ts';

export type FeedSocket = {
  get(): Feed;
  subscribe(listener: () => void): () => void;
  retry(): void;
  close(): void;
};

const baseMs = 500;
const capMs = 30_000;
const tickMs = 1000;
/** The feed is silent while nothing happens: only its end says that it is gone. */
const heartbeatMs = Number.POSITIVE_INFINITY;

const isFinal = (code: number): boolean =>
  closeCodes[code as keyof typeof closeCodes]?.[1] === 'stop';

/**
 * The inspector's feed, for as long as it is looked at. After a break the service tells all from the
 * beginning; what is known already is told apart by its id.
 */
export const openFeed = (url: string): FeedSocket => {
  const kept = keepFrames();
  let socket: WebSocket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let tries = 0;
  let isClosed = false;

  const lost = (): void => {
    const retryInMs = Math.min(capMs, baseMs * 2 ** tries);
    tries += 1;
    kept.signal({ type: 'waiting', retryInMs });
    timer = setTimeout(open, retryInMs);
  };
  const open = (): void => {
    kept.signal({ type: 'opening' });
    const mine = new WebSocket(url);
    socket = mine;
    mine.addEventListener('open', () => {
      tries = 0;
      kept.signal({ type: 'frame' });
    });
    mine.addEventListener('message', ({ data }) => {
      kept.signal({ type: 'frame' });
      kept.add(readFrame(String(data), Date.now()));
    });
    mine.addEventListener('close', ({ code, reason }) => {
      if (mine !== socket || isClosed) return;
      socket = null;
      if (code === 1000) kept.end();
      else if (isFinal(code)) kept.signal({ type: 'closed', code, reason });
      else lost();
    });
  };
  const retry = (): void => {
    const { isOver, connection } = kept.get();
    if (socket || isClosed || isOver || connection.state === 'refused') return;
    clearTimeout(timer);
    open();
  };
  open();
  const ticking = setInterval(
    () => kept.signal({ type: 'tick', isNetworkUp: navigator.onLine, heartbeatMs }),
    tickMs,
  );
  addEventListener('online', retry);
  return {
    get: kept.get,
    subscribe: kept.subscribe,
    retry,
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      clearInterval(ticking);
      removeEventListener('online', retry);
      // One that is still being opened is closed when it is: before that the browser calls it an
      // error.
      const mine = socket;
      if (mine?.readyState === WebSocket.CONNECTING)
        mine.addEventListener('open', () => mine.close());
      else mine?.close();
    },
  };
};
