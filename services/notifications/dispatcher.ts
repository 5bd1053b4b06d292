import type { Channel } from '../host/channel-settings.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/logger.ts';
import { plainError } from '../host/plain-error.ts';
import type { Batch, OutboxStore, Settled } from '../store/outbox-store.ts';
import type { Deliver, DeliveryResult } from './deliver.ts';
import type { Message } from './message.ts';

/** How long a message is tried, from its first attempt on. */
const triedForMs = 24 * 3_600_000;
const firstWaitMs = 5000;
const maxWaitMs = 15 * 60_000;
/** Somebody else may have written, and clocks are set: nobody sleeps longer than this. */
const lookAgainMs = 60_000;
/** After the store could not be asked or written. */
const troubleMs = 5000;

/** 5 s, 10 s, 20 s … to a quarter of an hour. */
const waitAfter = (attempts: number): number =>
  Math.min(firstWaitMs * 2 ** Math.min(attempts - 1, 20), maxWaitMs);

/** What becomes of a batch after one more attempt. */
const settledAs = (
  { attempts, firstAt }: Pick<Batch, 'attempts' | 'firstAt'>,
  { isDelivered, answer, isGone, retryAfterMs }: DeliveryResult,
  at: number,
): Settled => {
  if (isDelivered) return { state: 'delivered', answer, nextAt: null };
  if (isGone)
    return { state: 'given-up', answer: `${answer}; it wants no more of this`, nextAt: null };
  const waitMs = Math.max(waitAfter(attempts + 1), retryAfterMs ?? 0);
  if (at + waitMs - firstAt > triedForMs)
    return { state: 'given-up', answer: `${answer}; it was tried for 24 h`, nextAt: null };
  return { state: 'waiting', answer, nextAt: at + waitMs };
};

export type Dispatcher = {
  /** Something may be due. */
  wake(): void;
  /** Delivers all that is due, each channel by itself; resolves when nothing is any more. */
  tick(): Promise<void>;
  /** What hangs is cut off, and tried again by the next service. */
  close(): Promise<void>;
};

/**
 * Takes what is due from the outbox, a channel at a time, and delivers it. Nobody waits for it: a
 * run, a command or the end of the service least of all.
 */
export const createDispatcher = (deps: {
  store: OutboxStore;
  clock: Clock;
  channels: () => Readonly<Record<string, Channel>>;
  deliver: Deliver;
  idOf: (n: number) => string;
  log: Log;
  /** A batch was settled. */
  settled: (outcome: Settled, channel: string, count: number) => Promise<void>;
}): Dispatcher => {
  const { store, clock, log } = deps;
  const closing = new AbortController();
  const working = new Map<string, Promise<void>>();
  /** Delivered, and not written down yet: that is made up for before anything is sent again. */
  const unwritten = new Map<number, { batch: Batch; outcome: Settled }>();
  const timer = { cancel: (): void => {} };
  let troubleAt: number | null = null;

  const settle = async (batch: Batch, outcome: Settled): Promise<void> => {
    unwritten.set(batch.n, { batch, outcome });
    await store.settleMessages(batch.n, outcome, clock.wallMs());
    unwritten.delete(batch.n);
    await deps.settled(outcome, batch.channel, batch.rows.length);
  };
  const attempt = async (channel: Channel, batch: Batch): Promise<void> => {
    const messages = batch.rows.map(({ message }) => message as Message);
    const parcel = { id: deps.idOf(batch.n), at: batch.firstAt, messages };
    const result = await deps.deliver(channel, parcel, closing.signal);
    // Cut off by us: that says nothing about the receiver.
    if (closing.signal.aborted && !result.isDelivered) return;
    await settle(batch, settledAs(batch, result, clock.wallMs()));
  };
  const work = async (name: string): Promise<void> => {
    for (const { batch, outcome } of [...unwritten.values()])
      if (batch.channel === name) await settle(batch, outcome);
    while (!closing.signal.aborted) {
      const channel = deps.channels()[name];
      const batch = channel ? await store.claimMessages(name, clock.wallMs()) : null;
      if (!channel || !batch) return;
      await attempt(channel, batch);
    }
  };
  const begin = (name: string): Promise<void> => {
    const known = working.get(name);
    if (known) return known;
    const one = work(name)
      .catch((error) => {
        troubleAt = clock.wallMs();
        log('what is to be told could not be read or written; it is tried again', {
          channel: name,
          error: plainError(error),
        });
      })
      .finally(() => {
        working.delete(name);
        void plan();
      });
    working.set(name, one);
    return one;
  };

  /** Wakes when the next is due; a channel that is at work looks for itself. */
  const plan = async (): Promise<void> => {
    if (closing.signal.aborted) return;
    const names = Object.keys(deps.channels()).filter((name) => !working.has(name));
    const now = clock.wallMs();
    const nextAt = await store.nextMessageAt(names).catch(() => now + troubleMs);
    const earliest = troubleAt === null ? now : troubleAt + troubleMs;
    const waitMs = nextAt === null ? lookAgainMs : Math.max(nextAt, earliest) - now;
    timer.cancel();
    if (closing.signal.aborted) return;
    timer.cancel = clock.after(Math.min(Math.max(waitMs, 0), lookAgainMs), () => void tick());
  };
  const tick = async (): Promise<void> => {
    if (closing.signal.aborted) return;
    troubleAt = null;
    await Promise.all(Object.keys(deps.channels()).map(begin));
  };

  return {
    wake: () => void plan(),
    tick,
    close: async () => {
      closing.abort();
      timer.cancel();
      await Promise.all(working.values());
    },
  };
};
