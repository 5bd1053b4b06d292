import { useQuery } from '@tanstack/react-query';
import type { ChartGraph } from '../../drawing/graph.ts';
import { api } from '../service-api.ts';

/** Whose chart: a run's is the one that it was started with, a pipeline's that of its file. */
export type ChartOf = { run: string } | { pipeline: string };

const read = async (of: ChartOf): Promise<ChartGraph> => {
  const answer =
    'run' in of
      ? await api.ask('GET /api/runs/{id}/chart', { path: { id: of.run } })
      : await api.ask('GET /api/pipelines/{name}/chart', { path: { name: of.pipeline } });
  return answer as unknown as ChartGraph;
};

export const useChart = (of: ChartOf) =>
  useQuery({
    queryKey: ['chart', of],
    queryFn: () => read(of),
    // That of a run never changes.
    ...('run' in of && { staleTime: Number.POSITIVE_INFINITY }),
  });
