import { lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Anything but the open internet: loopback, private, link-local, carrier and mapped ranges. */
const isPublic = (address: string): boolean => ipaddr.process(address).range() === 'unicast';

const refusal = (host: string, address: string): Error =>
  new Error(
    `${host} leads to ${address}, which is no public address: say allow_private: true in the channel if that is meant`,
  );

/** @throws Error for an address that is written as numbers and is not public */
export const assertPublicHost = (hostname: string): void => {
  const address = hostname.replaceAll(/^\[|\]$/g, '');
  if (isIP(address) !== 0 && !isPublic(address)) throw refusal(address, address);
};

/**
 * Names are resolved here, and what is connected to is what was judged: a name that answers
 * otherwise a moment later (rebinding) gains nothing.
 */
export const publicLookup: LookupFunction = (hostname, options, done) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    if (error) return done(error, '', 0);
    const wrong = found.find(({ address }) => !isPublic(address));
    if (wrong) return done(refusal(hostname, wrong.address), '', 0);
    const [first] = found;
    if (options.all) done(null, found);
    else done(null, first?.address ?? '', first?.family);
  });
};
