import { useLive } from './use-live.ts';

/** Why nothing can be commanded now, for the place where the command would be; null when it can. */
export const useOffline = (): string | null =>
  useLive(({ connection }) =>
    connection.state === 'offline'
      ? 'The service is not responding, so nothing can be commanded now.'
      : null,
  );
