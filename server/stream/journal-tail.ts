import type { Clock } from '../../services/host/clock.ts';
import type { Orchestrator } from '../../services/orchestrator/orchestrator-port.ts';
import type { JournalEvent } from '../../wire/events.ts';

/** An event made into text once, for every client: `"cursor":…,` and all members of the event. */
export type Encoded = { event: JournalEvent; rest: string };
export const encode = (event: JournalEvent, epoch: string): Encoded => ({
  event,
  rest: `"cursor":"${epoch}.${event.seq}",${JSON.stringify(event).slice(1)}`,
});
export const frameOf = ({ rest }: Encoded, prev: number): string =>
  `{"type":"event","prev":${prev},${rest}`;

/** Many events as one frame: one write a client is what fan-out costs. */
export const framesOf = (events: Encoded[], prev: number): string => {
  if (events.length === 1) return frameOf(events[0] as Encoded, prev);
  const chained = events.map((one, index) =>
    frameOf(one, index === 0 ? prev : (events[index - 1] as Encoded).event.seq),
  );
  return `{"type":"events","v":1,"events":[${chained.join(',')}]}`;
};

export type JournalTail = {
  readonly epoch: string;
  /** The next events after a position; undefined = not in memory any more, read the journal. */
  after(position: number, limit: number): Encoded[] | undefined;
  /** The same as one ready frame, made once for all clients that stand at the same place. */
  batchAfter(position: number): { frame: Buffer; upTo: number; count: number } | null | undefined;
  /** Called when there is more. Resolves when the tail follows the journal. */
  subscribe(wake: () => void): Promise<() => void>;
};

const pageSize = 500;
/** Events a frame (stream.md, rule 10). */
const maxBatch = 100;
/** A frame is cut here, whatever the number of its events: about a socket's buffer. */
const maxBatchBytes = 128 * 1024;

/**
 * The newest events of the journal in memory, read once for all clients. When they come faster than
 * one in `coalesceMs`, all clients are woken together at that pace.
 */
export const createJournalTail = (deps: {
  orchestrator: Pick<Orchestrator, 'journalAfter' | 'onJournal' | 'epoch'>;
  clock: Pick<Clock, 'after' | 'monotonicMs'>;
  capacity: number;
  coalesceMs: number;
  log: (message: string, error: unknown) => void;
}): JournalTail => {
  const { orchestrator, clock, capacity, coalesceMs, log } = deps;
  const epoch = orchestrator.epoch();
  const wakes = new Set<() => void>();
  let ring: Encoded[] = [];
  /** Everything after this and up to `head` is in the ring. */
  let floor = 0;
  let head = 0;
  let batches = new Map<number, { frame: Buffer; upTo: number; count: number }>();
  let reading: Promise<void> | null = null;
  let again = false;
  let flushedAt = Number.NEGATIVE_INFINITY;
  let isPaced = false;
  let leave: (() => void) | null = null;

  const flush = (): void => {
    isPaced = false;
    flushedAt = clock.monotonicMs();
    for (const wake of wakes) wake();
  };
  const pace = (): void => {
    if (isPaced) return;
    const waitMs = flushedAt + coalesceMs - clock.monotonicMs();
    isPaced = true;
    if (waitMs <= 0) flush();
    else clock.after(waitMs, flush);
  };
  const read = async (): Promise<void> => {
    do {
      again = false;
      const { events } = await orchestrator.journalAfter({}, head, pageSize);
      for (const event of events) ring.push(encode(event, epoch));
      head = events.at(-1)?.seq ?? head;
      // Cut seldom and much: shifting one by one would move the whole ring each time.
      if (ring.length > capacity * 2) {
        floor = (ring[ring.length - capacity - 1] as Encoded).event.seq;
        ring = ring.slice(-capacity);
      }
      if (events.length > 0) {
        batches = new Map();
        pace();
      }
      if (events.length === pageSize) again = true;
    } while (again);
  };
  const look = (): void => {
    if (reading) {
      again = true;
      return;
    }
    reading = read()
      .catch((error) => log('the journal could not be read for the stream', error))
      .finally(() => {
        reading = null;
        if (again && leave) look();
      });
  };
  const indexAfter = (position: number): number => {
    let low = 0;
    let high = ring.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ring[middle] as Encoded).event.seq > position) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  const after = (position: number, limit: number): Encoded[] | undefined => {
    if (position < floor) return undefined;
    const from = indexAfter(position);
    return ring.slice(from, from + limit);
  };

  return {
    epoch,
    after,
    batchAfter: (position) => {
      const known = batches.get(position);
      if (known) return known;
      const some = after(position, maxBatch);
      if (!some) return undefined;
      let bytes = 0;
      const fitting = some.filter(({ rest }, index) => {
        bytes += rest.length;
        return index === 0 || bytes <= maxBatchBytes;
      });
      if (fitting.length === 0) return null;
      const upTo = (fitting.at(-1) as Encoded).event.seq;
      const batch = {
        frame: Buffer.from(framesOf(fitting, position)),
        upTo,
        count: fitting.length,
      };
      // Those who read at their own pace stand at many places.
      if (batches.size >= 32) batches.clear();
      batches.set(position, batch);
      return batch;
    },
    subscribe: async (wake) => {
      if (wakes.size === 0) {
        // Nobody listened: what is in memory is old. From here on everything is read.
        const { headSeq } = await orchestrator.journalAfter({}, Number.MAX_SAFE_INTEGER, 1);
        if (wakes.size === 0) {
          ring = [];
          batches = new Map();
          floor = headSeq;
          head = headSeq;
          leave ??= orchestrator.onJournal(look);
        }
      }
      wakes.add(wake);
      return () => {
        wakes.delete(wake);
        if (wakes.size > 0) return;
        leave?.();
        leave = null;
      };
    },
  };
};
