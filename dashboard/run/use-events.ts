import { useMemo, useRef } from 'react';
import type { StreamState } from '../../client/run-state.ts';
import type { JournalEvent } from '../../wire/events.ts';

/**
 * The events of a run as far as this page has seen them; the stream's state keeps only the newest
 * hundred.
 */
export const useEvents = (state: StreamState): readonly JournalEvent[] => {
  const seen = useRef<readonly JournalEvent[]>([]);
  return useMemo(() => {
    const last = seen.current.at(-1)?.seq ?? 0;
    const fresh = state.recent_events.filter(({ seq }) => seq > last);
    if (fresh.length > 0) seen.current = [...seen.current, ...fresh];
    return seen.current;
  }, [state.recent_events]);
};
