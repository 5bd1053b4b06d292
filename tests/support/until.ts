import { setTimeout as delay } from 'node:timers/promises';

/** Resolves with the first truthy answer of `look`; `ms` is a guard that only a hang reaches. */
export const until = async <T>(
  look: () => T | Promise<T>,
  ms = 15_000,
): Promise<NonNullable<T>> => {
  for (let leftMs = ms; leftMs > 0; leftMs -= 10) {
    const value = await look();
    if (value) return value;
    await delay(10);
  }
  throw new Error(`never held within ${ms} ms: ${look.toString()}`);
};
