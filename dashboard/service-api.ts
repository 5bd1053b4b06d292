import { QueryClient } from '@tanstack/react-query';
import { createApi, Refused } from '../client/api.ts';

export const api = createApi(location.origin, 'dashboard');

/**
 * Answers of REST for what the stream does not carry: history, definitions, health. Live state
 * never comes from here.
 */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // A refusal stays one; only silence is asked again.
      retry: (failures, error) => failures < 2 && !(error instanceof Refused),
    },
  },
});
