import type { Clock } from '../host/clock.ts';
import { headOnly } from '../store/journal-store.ts';
import type { Store } from '../store/store.ts';

/** A time in which a service had the store. */
type ServiceTime = {
  startedAt: number;
  /** Null = it lives, or was cut off. */
  endedAt: number | null;
  /** One that was cut off: when it wrote last. */
  seenAt: number | null;
};
/** A time in which no service was there; `isSure` false = it was cut off, and wrote last at `from`. */
type Away = { from: number; to: number; isSure: boolean };
export type ServiceTimes = {
  /** Before anybody of this service writes to the journal. */
  begin(): Promise<void>;
  end(): Promise<void>;
  /** Was nobody there then? Null = somebody was, or nobody knows. */
  awayAt(instant: number): Promise<Away | null>;
};

const key = 'service_times';
const kept = 200;

/** Remembers when services were there, so that it can be said when none was. */
export const createServiceTimes = (deps: {
  store: Pick<Store, 'meta' | 'setMeta' | 'journal'>;
  clock: Pick<Clock, 'wallMs'>;
}): ServiceTimes => {
  const { store, clock } = deps;
  let mine: number | null = null;

  const read = async (): Promise<ServiceTime[]> => {
    const stored = await store.meta(key);
    return stored === null ? [] : (JSON.parse(stored) as ServiceTime[]);
  };
  const lastWritten = async (): Promise<number | null> => {
    const { headSeq } = await store.journal(headOnly);
    const [last] = (await store.journal({ after: headSeq - 1, limit: 1 })).events;
    return last ? Date.parse(last.timestamp) : null;
  };

  return {
    begin: async () => {
      const times = await read();
      const last = times.at(-1);
      if (last && last.endedAt === null)
        last.seenAt = Math.max(last.startedAt, (await lastWritten()) ?? 0);
      mine = clock.wallMs();
      times.push({ startedAt: mine, endedAt: null, seenAt: null });
      await store.setMeta(key, JSON.stringify(times.slice(-kept)));
    },
    end: async () => {
      const times = await read();
      const own = times.find(({ startedAt }) => startedAt === mine);
      if (!own) return;
      own.endedAt = clock.wallMs();
      await store.setMeta(key, JSON.stringify(times));
    },
    awayAt: async (instant) => {
      const times = await read();
      const index = times.findLastIndex(({ startedAt }) => startedAt <= instant);
      const before = times[index];
      const after = times[index + 1];
      if (!before || !after) return null;
      const from = before.endedAt ?? before.seenAt ?? before.startedAt;
      return instant >= from && instant < after.startedAt
        ? { from, to: after.startedAt, isSure: before.endedAt !== null }
        : null;
    },
  };
};
