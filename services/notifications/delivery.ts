import type { Clock } from '../host/clock.ts';

/** It did not arrive, or nobody said that it did. */
export class NotDelivered extends Error {
  /** The receiver wants no more of this: it is not tried again. */
  readonly isGone: boolean;
  /** The receiver said when to come back. */
  readonly retryAfterMs: number | null;
  constructor(
    message: string,
    {
      isGone = false,
      retryAfterMs = null,
    }: { isGone?: boolean; retryAfterMs?: number | null } = {},
  ) {
    super(message);
    this.name = 'NotDelivered';
    this.isGone = isGone;
    this.retryAfterMs = retryAfterMs;
  }
}

/** What every kind of channel is given to deliver with. */
export type DeliveryTools = {
  /** The content of a file of the settings without its last line break. @throws NotDelivered */
  secret: (path: string) => string;
  clock: Clock;
  /** Aborts when the service closes. */
  signal: AbortSignal;
  /** What links begin with; null where nobody said. */
  base: string | null;
};

/**
 * Work with an end: aborts its signal after `ms`, or when the service closes.
 * @throws NotDelivered when the time is up
 */
export const within = async <T>(
  { clock, signal }: Pick<DeliveryTools, 'clock' | 'signal'>,
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const late = new AbortController();
  const ends = Promise.withResolvers<never>();
  const abort = (): void => {
    late.abort();
    ends.reject(signal.reason);
  };
  const cancel = clock.after(ms, () => {
    late.abort();
    ends.reject(new NotDelivered(`did not answer within ${ms / 1000} s`));
  });
  signal.addEventListener('abort', abort, { once: true });
  const working = work(late.signal);
  working.catch(() => {});
  try {
    if (signal.aborted) abort();
    return await Promise.race([working, ends.promise]);
  } finally {
    cancel();
    signal.removeEventListener('abort', abort);
    ends.promise.catch(() => {});
  }
};
