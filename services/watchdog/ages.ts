import type { Clock } from '../host/clock.ts';

/**
 * How long something has been seen, look after look; monotonic, so a clock that is set cannot make
 * anything old.
 */
export type Ages = { of(keys: readonly string[]): (key: string) => number };

/** What is not seen any more is forgotten. */
export const createAges = (clock: Pick<Clock, 'monotonicMs'>): Ages => {
  let since = new Map<string, number>();
  return {
    of: (keys) => {
      const nowMs = clock.monotonicMs();
      since = new Map(keys.map((key) => [key, since.get(key) ?? nowMs]));
      return (key) => nowMs - (since.get(key) ?? nowMs);
    },
  };
};
