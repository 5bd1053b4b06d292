import type { IncomingMessage } from 'node:http';
import { ServiceError } from '../services/host/service-error.ts';

/**
 * Which Host and Origin headers are ours: a page of another site must not reach a service on
 * loopback (DNS rebinding, CSWSH).
 */
export type HostRules = { allowedHosts: readonly string[]; allowedOrigins: readonly string[] };

const own = ['localhost', '127.0.0.1', '[::1]'];

/**
 * `name:port` → is the name one of ours? The port is not judged: whoever reached us used the right
 * one.
 */
export const isOwnHost = (host: string | undefined, { allowedHosts }: HostRules): boolean => {
  if (!host) return false;
  const name = host.toLowerCase().replace(/:\d+$/, '');
  return (
    own.includes(name) ||
    allowedHosts.some(
      (allowed) => allowed.toLowerCase() === name || allowed.toLowerCase() === host.toLowerCase(),
    )
  );
};

/** Programs send no Origin; a browser's must be the host it asked, or a listed one. */
export const isOwnOrigin = (
  origin: string | undefined,
  host: string | undefined,
  rules: HostRules,
): boolean => {
  if (origin === undefined) return true;
  if (rules.allowedOrigins.includes(origin)) return true;
  const given = URL.parse(origin);
  return given !== null && given.host === host?.toLowerCase() && isOwnHost(given.host, rules);
};

export const hostRefusal = (): ServiceError =>
  new ServiceError('unknown-host', 'the Host header names no host of this service');
export const originRefusal = (): ServiceError =>
  new ServiceError('foreign-origin', 'requests of other sites are refused');

const safe = ['GET', 'HEAD', 'OPTIONS'];

/**
 * A browser says where a request comes from also when it sends no Origin; programs say nothing.
 * Reading is left to it: without CORS headers no other site sees an answer.
 */
export const isOwnFetch = (
  method: string,
  site: string | undefined,
  origin: string | undefined,
  { allowedOrigins }: HostRules,
): boolean =>
  safe.includes(method) ||
  site === undefined ||
  site === 'same-origin' ||
  site === 'none' ||
  (origin !== undefined && allowedOrigins.includes(origin));

/**
 * Whom the request is for. RFC 9112: two Host headers are malformed (3.2), and the authority of an
 * address in absolute form holds over Host (3.2.2).
 */
export const hostOf = (request: IncomingMessage): string | undefined => {
  const names = request.rawHeaders.filter((_, index) => index % 2 === 0);
  if (names.filter((name) => name.toLowerCase() === 'host').length > 1)
    throw new ServiceError('bad-parameter', 'Host: expected once');
  const { url = '', headers } = request;
  return url.startsWith('/') || url === '*' ? headers.host : URL.parse(url)?.host;
};
