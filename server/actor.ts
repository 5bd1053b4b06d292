import type { Actor } from '../services/orchestrator-port.ts';
import { ServiceError } from '../services/service-error.ts';
import type { RouteInput } from './route.ts';

/**
 * Who asks, for the ledger and the journal: the name that the client gives itself in `X-Actor`,
 * else `api`. Self-declared: on loopback everybody who can call is trusted, and the name is for
 * those who read the history.
 */
export const actorOf = ({ header }: Pick<RouteInput, 'header'>): Actor => {
  const name = header('x-actor');
  if (name !== undefined && !/^[\w .@+-]{1,64}$/.test(name))
    throw new ServiceError(
      'bad-parameter',
      'X-Actor: expected a name of at most 64 letters, digits and . _ @ + -',
    );
  return { kind: 'user', name: name ?? 'api' };
};
