import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Operations } from '../../client/operations.ts';
import type { ChartOf } from '../chart/use-chart.ts';
import { api } from '../service-api.ts';
import { useSearchState } from '../ui/use-search.ts';

type Asked = Operations['POST /api/runs/{id}/what-if'];
export type WhatIf = Asked['answer'];
type Press = NonNullable<Asked['body']['path']>[number];
export type Possible = WhatIf['events'][number];

const ask = (of: ChartOf, version: number | null, path: readonly Press[]): Promise<WhatIf> =>
  'run' in of
    ? api.ask('POST /api/runs/{id}/what-if', {
        path: { id: of.run },
        body: { path: [...path], ...(version !== null && { version }) },
      })
    : api.ask('POST /api/pipelines/{name}/what-if', {
        path: { name: of.pipeline },
        body: { path: [...path] },
      });

/** The presses that the address says; nonsense there is none. What they mean is the service's. */
const pathIn = (text: string | null): Press[] => {
  try {
    const value: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(value) ? (value as Press[]) : [];
  } catch {
    return [];
  }
};
const versionIn = (text: string | null): number | null =>
  text !== null && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : null;

/** Where the run would stand after the events that the address names, and the way to press more. */
export const useWhatIf = (of: ChartOf) => {
  const [search, set] = useSearchState();
  const text = search.get('path');
  const version = versionIn(search.get('version'));
  const path = useMemo(() => pathIn(text), [text]);
  const { data, error, refetch, isPlaceholderData } = useQuery({
    queryKey: ['chart', 'what-if', of, version, path],
    queryFn: () => ask(of, version, path),
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const go = (next: readonly Press[]): void =>
    set({ path: next.length === 0 ? null : JSON.stringify(next) });
  return {
    version,
    path,
    data,
    error,
    refetch,
    isAsking: isPlaceholderData,
    press: (event: Press): void => go([...path, event]),
    /** Back to where it stood after so many events. */
    backTo: (count: number): void => go(path.slice(0, count)),
  };
};
