import { setTimeout as delay } from 'node:timers/promises';

/**
 * How long a test waits before it calls something a hang: some ten times what the slowest wait takes
 * on a busy machine. A test whose own time ends first is red by that.
 */
export const hangMs = 120_000;

/** Resolves with the first truthy answer of `look`; `ms` is a guard that only a hang reaches. */
export const until = async <T>(
  look: () => T | Promise<T>,
  ms = hangMs,
): Promise<NonNullable<T>> => {
  for (let leftMs = ms; leftMs > 0; leftMs -= 10) {
    const value = await look();
    if (value) return value;
    await delay(10);
  }
  throw new Error(`never held within ${ms} ms: ${look.toString()}`);
};
