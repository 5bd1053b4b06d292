import { useQuery } from '@tanstack/react-query';
import { NotReachable } from '../../client/api.ts';
import type { Operations } from '../../client/operations.ts';

type Health = Operations['GET /api/health']['answer'];
const everyMs = 15_000;

/**
 * An ill service answers 503 with the same report, which is no refusal: read past the API client.
 */
const readHealth = async (): Promise<Health> => {
  const response = await fetch('/api/health').catch(() => {
    throw new NotReachable(`no service answers at ${location.origin}`);
  });
  return (await response.json()) as Health;
};

export const useHealth = () =>
  useQuery({ queryKey: ['health'], queryFn: readHealth, refetchInterval: everyMs });
