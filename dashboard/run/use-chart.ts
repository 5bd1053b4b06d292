import { useQuery } from '@tanstack/react-query';
import type { ChartGraph } from '../../drawing/graph.ts';
import { api } from '../service-api.ts';

/** The chart that a run was started with; it never changes. */
export const useChart = (runId: string) =>
  useQuery({
    queryKey: ['chart', runId],
    queryFn: async () =>
      (await api.ask('GET /api/runs/{id}/chart', { path: { id: runId } })) as unknown as ChartGraph,
    staleTime: Number.POSITIVE_INFINITY,
  });
