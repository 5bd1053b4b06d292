import type { IncomingMessage } from 'node:http';
import { ServiceError } from '../services/host/service-error.ts';
import {
  type HostRules,
  hostOf,
  hostRefusal,
  isOwnFetch,
  isOwnHost,
  isOwnOrigin,
  originRefusal,
} from './hosts.ts';

/** What every answer says to browsers, whatever it answers. */
export const fixedHeaders = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  // A page of another site cannot even show our icon, and so learn that we run here.
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
};

/** The first look at a request: its head alone, before anything of its body is read. */
type Head = IncomingMessage & { method: string; is(type: string): string | false | null };

/** @throws ServiceError unknown-host, foreign-origin, unsupported-media-type, bad-parameter */
export const assertOwnRequest = (request: Head, rules: HostRules): void => {
  const { method, headers } = request;
  const { origin } = headers;
  const site = headers['sec-fetch-site'];
  const host = hostOf(request);
  if (!isOwnHost(host, rules)) throw hostRefusal();
  if (
    !isOwnOrigin(origin, host, rules) ||
    !isOwnFetch(method, site === undefined ? site : String(site), origin, rules)
  )
    throw originRefusal();
  const hasBody =
    headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (hasBody && !request.is('application/json'))
    throw new ServiceError('unsupported-media-type', 'a body must be sent as application/json');
};
