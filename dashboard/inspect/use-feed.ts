import { useEffect, useState, useSyncExternalStore } from 'react';
import { type FeedSocket, openFeed } from './feed-socket.ts';
import type { Feed } from './kept-frames.ts';

const none = (): (() => void) => () => {};

/** The feed of a run, or with null of all that runs. Null before it is opened. */
export const useFeed = (runId: string | null): { feed: Feed | null; retry: () => void } => {
  const [socket, setSocket] = useState<FeedSocket | null>(null);
  useEffect(() => {
    const scope = runId === null ? '' : `/${encodeURIComponent(runId)}`;
    const opened = openFeed(`${location.origin.replace(/^http/, 'ws')}/ws/inspect${scope}`);
    setSocket(opened);
    return () => opened.close();
  }, [runId]);
  const feed = useSyncExternalStore(socket?.subscribe ?? none, () => socket?.get() ?? null);
  return { feed, retry: () => socket?.retry() };
};
