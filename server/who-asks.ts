import { ServiceError } from '../services/host/service-error.ts';
import type { Actor } from '../wire/actor.ts';
import type { Asked } from './route.ts';

/** Whom the history names for what nobody asked for; no client is one of them. */
const reserved = ['api', 'scheduler', 'watchdog', 'system', 'recovery', 'the queue', 'SIGHUP'];
const isReserved = (name: string): boolean =>
  reserved.some((word) => word.toLowerCase() === name.trim().toLowerCase()) ||
  /^serve\b/i.test(name.trim());

/**
 * Who asks, for the ledger and the journal: the name that the client gives itself in `X-Actor`,
 * else `api`. Self-declared: on loopback everybody who can call is trusted, and the name is for
 * those who read the history.
 */
export const actorOf = ({ header }: Pick<Asked, 'header'>): Actor => {
  const name = header('x-actor');
  if (name !== undefined && !/^[\w .@+-]{1,64}$/.test(name))
    throw new ServiceError(
      'bad-parameter',
      'X-Actor: expected a name of at most 64 letters, digits and . _ @ + -',
    );
  if (name !== undefined && isReserved(name))
    throw new ServiceError('bad-parameter', `X-Actor: ${name} is a reserved name`);
  return { kind: 'user', name: name ?? 'api' };
};
