import { useEffect, useState } from 'react';
import { api } from '../service-api.ts';
import type { LogPlace } from './log-document.ts';

type Match = { line: number; offset: number; text: string };
export type Found = {
  matches: readonly Match[];
  nextOffset: number | null;
  isBusy: boolean;
  error: unknown;
};

const nothing: Found = { matches: [], nextOffset: null, isBusy: false, error: null };

/** What the service finds in the whole log, in parts; `more` looks on. */
export const useLogSearch = (
  { runId, stage, attempt, stream }: LogPlace,
  q: string,
): Found & { more: () => void } => {
  const [found, setFound] = useState<Found>(nothing);
  const ask = async (
    offset: number,
    before: readonly Match[],
    isWanted: () => boolean,
  ): Promise<void> => {
    setFound({ matches: before, nextOffset: null, isBusy: true, error: null });
    try {
      const { matches, next_offset } = await api.ask('GET /api/runs/{id}/logs/{stage}/{attempt}', {
        path: { id: runId, stage, attempt: String(attempt) },
        query: { stream, q, offset, ignore_case: 'true' },
      });
      if (isWanted())
        setFound({
          matches: [...before, ...matches],
          nextOffset: next_offset,
          isBusy: false,
          error: null,
        });
    } catch (error) {
      if (isWanted()) setFound({ matches: before, nextOffset: null, isBusy: false, error });
    }
  };
  useEffect(() => {
    if (q === '') return setFound(nothing);
    let isWanted = true;
    void ask(0, [], () => isWanted);
    return () => {
      isWanted = false;
    };
  }, [runId, stage, attempt, stream, q]);
  return {
    ...found,
    more: () =>
      void (found.nextOffset !== null && ask(found.nextOffset, found.matches, () => true)),
  };
};
