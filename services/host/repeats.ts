import type { Clock } from './clock.ts';
import type { Log } from './logger.ts';

/** Tells the history how often something happened again. */
type Tell = (more: number) => Promise<unknown>;
export type Repeats = {
  /**
   * Was the same recorded less than a minute ago? Then it is only counted, and `tell` of the first
   * is called once with the count when the minute is over. Else the caller records it.
   */
  isAgain(key: string, tell: Tell): boolean;
  /** Tells what is counted already; nothing is counted any more. */
  close(): Promise<void>;
};

const windowMs = 60_000;
/** So many different things in a minute are remembered; of the oldest beyond them is told early. */
const maxKeys = 1000;

/**
 * What anybody can make happen as often as he likes, such as a refused command, must not fill the
 * disk and push the news of others out of sight: the first is recorded, equal ones become one row.
 */
export const createRepeats = ({
  clock,
  log,
}: {
  clock: Pick<Clock, 'after'>;
  log: Log;
}): Repeats => {
  const counted = new Map<string, { more: number; tell: Tell; cancel: () => void }>();
  let isClosed = false;

  const finish = async (key: string): Promise<void> => {
    const one = counted.get(key);
    if (!one) return;
    counted.delete(key);
    one.cancel();
    if (one.more === 0) return;
    await one
      .tell(one.more)
      .catch((error) => log('repetitions could not be recorded', { error: String(error) }));
  };

  return {
    isAgain: (key, tell) => {
      if (isClosed) return false;
      const known = counted.get(key);
      if (known) {
        known.more += 1;
        return true;
      }
      counted.set(key, { more: 0, tell, cancel: clock.after(windowMs, () => void finish(key)) });
      if (counted.size > maxKeys) void finish(counted.keys().next().value as string);
      return false;
    },
    close: async () => {
      isClosed = true;
      await Promise.all([...counted.keys()].map(finish));
    },
  };
};
