import { type Connection, connecting, next, type Signal } from '../live/connection.ts';
import type { Inspected } from './inspected-frame.ts';

/** All that is known of a feed. Replaced whole. */
export type Feed = {
  frames: readonly Inspected[];
  connection: Connection;
  /** The service has said all there is: the run is over. */
  isOver: boolean;
  /** Earlier frames that are not kept, so that the page stays fast. */
  dropped: number;
};

/** More than anybody reads; each may hold a whole snapshot. */
const mostFrames = 20_000;
const [long, longMs] = [2000, 200];

/**
 * The frames that were heard, each once. Whatever comes between two pictures is shown as one; a
 * hidden tab draws nothing.
 */
export const keepFrames = () => {
  const listeners = new Set<() => void>();
  const known = new Set<string>();
  let feed: Feed = {
    frames: [],
    connection: connecting(Date.now()),
    isOver: false,
    dropped: 0,
  };
  let arrived: Inspected[] = [];
  let isAsked = false;

  const publish = (): void => {
    isAsked = false;
    if (arrived.length > 0) {
      const all = [...feed.frames, ...arrived];
      const frames = all.slice(-mostFrames);
      feed = { ...feed, frames, dropped: feed.dropped + all.length - frames.length };
      arrived = [];
    }
    for (const listener of listeners) listener();
  };
  const ask = (): void => {
    if (isAsked) return;
    isAsked = true;
    // All that is shown is made anew of all frames: a long story comes in larger pieces.
    if (feed.frames.length < long) requestAnimationFrame(publish);
    else setTimeout(publish, longMs);
  };
  return {
    get: (): Feed => feed,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    signal: (what: Signal): void => {
      const connection = next(feed.connection, what, Date.now());
      if (connection === feed.connection) return;
      feed = { ...feed, connection };
      ask();
    },
    add: (frame: Inspected): void => {
      if (known.has(frame.key)) return;
      known.add(frame.key);
      arrived.push(frame);
      ask();
    },
    end: (): void => {
      feed = { ...feed, isOver: true };
      ask();
    },
  };
};
