import { headOnly } from '../store/journal-store.ts';
import type { Store } from '../store/store.ts';

/**
 * The seq before the first event at or after an instant: a few reads, however long the journal is.
 * It is in the order of time, as far as clocks are.
 */
export const seqBefore = async (
  store: Pick<Store, 'journal'>,
  instant: number,
): Promise<number> => {
  const { oldestSeq, headSeq } = await store.journal(headOnly);
  let [low, high] = [oldestSeq - 1, headSeq];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [next] = (await store.journal({ after: middle, limit: 1 })).events;
    if (next && Date.parse(next.timestamp) < instant) low = next.seq;
    else high = middle;
  }
  return low;
};
