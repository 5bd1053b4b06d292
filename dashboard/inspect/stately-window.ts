/** The only place that frames are ever sent to, and only when somebody has said so. */
export const statelyOrigin = 'https://stately.ai';
const statelyPage = `${statelyOrigin}/inspect`;

export type StatelyState = 'blocked' | 'waiting' | 'connected' | 'closed';
export type StatelyWindow = {
  /** Kept until the page there has said that it listens. */
  send(frames: readonly unknown[]): void;
  close(): void;
};

const watchMs = 1000;

/**
 * Opens Stately's inspector and tells it frames once it says, from its own origin and its own
 * window, that it is there. The browser delivers them to no other origin, whatever that window shows
 * by then.
 */
export const openStately = (onState: (state: StatelyState) => void): StatelyWindow => {
  // Without an opener it could not say that it is there; it learns our address by that, no more.
  const opened = window.open(statelyPage, '_blank');
  let isConnected = false;
  let waiting: unknown[] = [];
  const tell = (): void => {
    if (!isConnected || !opened) return;
    for (const frame of waiting) opened.postMessage(frame, statelyOrigin);
    waiting = [];
  };
  const hear = ({ origin, source, data }: MessageEvent): void => {
    if (origin !== statelyOrigin || source !== opened) return;
    if (data?.type !== '@statelyai.connected') return;
    isConnected = true;
    onState('connected');
    tell();
  };
  const end = (state: StatelyState): void => {
    clearInterval(watching);
    removeEventListener('message', hear);
    isConnected = false;
    waiting = [];
    onState(state);
  };
  addEventListener('message', hear);
  const watching = setInterval(() => opened?.closed && end('closed'), watchMs);
  if (opened) onState('waiting');
  else end('blocked');
  return {
    send: (frames) => {
      waiting.push(...frames);
      tell();
    },
    close: () => end('closed'),
  };
};
