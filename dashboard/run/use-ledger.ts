import { useEffect, useRef, useState } from 'react';
import type { Transition } from '../chart/marks.ts';
import { api } from '../service-api.ts';

const pageSize = 1000;

/** Every row of the run's ledger, read on whenever the journal has moved. */
export const useLedger = (
  runId: string,
  asOfSeq: number,
): { rows: readonly Transition[]; error: unknown } => {
  const [known, setKnown] = useState<{ rows: readonly Transition[]; error: unknown }>({
    rows: [],
    error: null,
  });
  const reading = useRef<{ rows: Transition[]; isBusy: boolean; wanted: number; read: number }>({
    rows: [],
    isBusy: false,
    wanted: 0,
    read: -1,
  });
  useEffect(() => {
    const mine = reading.current;
    mine.wanted = asOfSeq;
    const read = async (): Promise<void> => {
      if (mine.isBusy) return;
      mine.isBusy = true;
      try {
        while (mine.read < mine.wanted) {
          const { wanted } = mine;
          const { items } = await api.ask('GET /api/runs/{id}/transitions', {
            path: { id: runId },
            query: { after: mine.rows.at(-1)?.n ?? 0, limit: pageSize },
          });
          mine.rows = items.length > 0 ? [...mine.rows, ...items] : mine.rows;
          if (items.length < pageSize) mine.read = wanted;
          setKnown({ rows: mine.rows, error: null });
        }
      } catch (error) {
        setKnown({ rows: mine.rows, error });
      } finally {
        mine.isBusy = false;
      }
    };
    void read();
  }, [runId, asOfSeq]);
  return known;
};
