/**
 * What the page may say about its connection. `lastAt` is when the service was last heard, by the
 * clock of this machine.
 */
export type Connection =
  | { state: 'connecting'; since: number; lastAt: null }
  | { state: 'live'; lastAt: number }
  | { state: 'lagging'; lastAt: number }
  | {
      state: 'reconnecting';
      since: number;
      tries: number;
      retryAt: number | null;
      lastAt: number | null;
    }
  | {
      state: 'offline';
      since: number;
      tries: number;
      retryAt: number | null;
      lastAt: number | null;
    }
  | { state: 'refused'; code: number; reason: string; lastAt: number | null };

export type Signal =
  | { type: 'opening' }
  | { type: 'frame' }
  | { type: 'waiting'; retryInMs: number }
  | { type: 'closed'; code: number; reason: string }
  | { type: 'tick'; isNetworkUp: boolean; heartbeatMs: number };

/** A frame is due each heartbeat; after one and a half of them what is shown may be old. */
const lagFactor = 1.5;
/** So long without an answer is no hiccup any more: the page says what to do. */
const offlineAfterMs = 60_000;

export const connecting = (now: number): Connection => ({
  state: 'connecting',
  since: now,
  lastAt: null,
});

/**
 * The pill is a small machine of its own: pure, so that every state of it can be tested without
 * waiting for one.
 */
export const next = (before: Connection, signal: Signal, now: number): Connection => {
  if (before.state === 'refused') return before;
  const broken = before.state === 'reconnecting' || before.state === 'offline';
  switch (signal.type) {
    case 'frame':
      return { state: 'live', lastAt: now };
    case 'closed':
      return { state: 'refused', code: signal.code, reason: signal.reason, lastAt: before.lastAt };
    case 'waiting': {
      const { since, tries } = broken ? before : { since: now, tries: 0 };
      const state = before.state === 'offline' ? 'offline' : 'reconnecting';
      return {
        state,
        since,
        tries: tries + 1,
        retryAt: now + signal.retryInMs,
        lastAt: before.lastAt,
      };
    }
    case 'opening':
      return broken ? { ...before, retryAt: null } : before;
    case 'tick':
      if (before.state === 'live' && now - before.lastAt > signal.heartbeatMs * lagFactor)
        return { ...before, state: 'lagging' };
      if (
        before.state === 'reconnecting' &&
        (!signal.isNetworkUp || now - before.since > offlineAfterMs)
      )
        return { ...before, state: 'offline' };
      return before;
  }
};

/** Whether what is shown is what is: only then timers may count. */
export const isFresh = ({ state }: Connection): boolean => state === 'live';
