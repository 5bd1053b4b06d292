/**
 * What tests of this file have opened and not closed. A test that is red does not reach its own
 * `close`, and a service that is left would keep Jest from ending for ever.
 */
export const leftOpen = new Set<() => Promise<void>>();
