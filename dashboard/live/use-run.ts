import { useEffect, useState } from 'react';
import { reduce, type StreamState } from '../../client/run-state.ts';
import type { JournalEvent } from '../../wire/events.ts';
import type { EventFrame, ProgressFrame } from '../../wire/frames.ts';
import { api } from '../service-api.ts';
import { useLiveStore } from './use-live.ts';

export type KnownRun = { state: StreamState | null; error: unknown };
const pastEvents = 1000;
const mostPages = 10;

/** The events of a run from its beginning, page after page. */
const eventsOf = async (runId: string): Promise<JournalEvent[]> => {
  const all: JournalEvent[] = [];
  for (let page = 0; page < mostPages; page += 1) {
    const { items } = await api.ask('GET /api/events', {
      query: { run_id: runId, after: all.at(-1)?.seq ?? 0, limit: pastEvents },
    });
    all.push(...items);
    if (items.length < pastEvents) break;
  }
  return all;
};

/**
 * One run with its attempts and newest events: read once from REST, then carried on by the tab's
 * one socket through the same fold that the service's snapshots obey. Read again when the stream
 * says that something was missed.
 */
export const useRun = (runId: string): KnownRun => {
  const store = useLiveStore();
  const [known, setKnown] = useState<KnownRun>({ state: null, error: null });

  useEffect(() => {
    let state: StreamState | null = null;
    let round = 0;
    let waiting: (EventFrame | ProgressFrame)[] = [];
    let isAsked = false;
    const show = (): void => {
      isAsked = false;
      setKnown({ state, error: null });
    };
    const fold = (frame: EventFrame | ProgressFrame): void => {
      if (frame.run_id !== runId) return;
      if (!state) return void waiting.push(frame);
      state = reduce(state, frame);
      if (isAsked) return;
      isAsked = true;
      requestAnimationFrame(show);
    };
    const read = async (): Promise<void> => {
      round += 1;
      const mine = round;
      state = null;
      waiting = [];
      try {
        const [{ attempts, ...run }, items] = await Promise.all([
          api.ask('GET /api/runs/{id}', { path: { id: runId } }),
          eventsOf(runId),
        ]);
        if (mine !== round) return;
        const { as_of_seq, ...view } = run;
        const recent_events = items.filter(({ seq }) => seq <= as_of_seq);
        state = {
          epoch: '',
          as_of_seq,
          scope: 'run',
          runs: { [runId]: view },
          resets: {},
          attempts,
          recent_events,
        } as StreamState;
        state = waiting.reduce(reduce, state);
        show();
      } catch (error) {
        if (mine === round) setKnown({ state: null, error });
      }
    };
    setKnown({ state: null, error: null });
    const stop = store.onFrame((frame) => (frame === null ? void read() : fold(frame)));
    void read();
    return () => {
      round += 1;
      stop();
    };
  }, [runId, store]);

  return known;
};
