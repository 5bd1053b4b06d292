import type { Backoff } from '../definition/stage-retry.ts';

/**
 * A number in [0, 1) that depends on nothing but its text (FNV-1a), so a replay computes the same
 * jitter (Q30).
 */
const fraction = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0) / 2 ** 32;
};

/**
 * Milliseconds to wait before the next attempt: `initial · factor^(n-1)`, at most `max`, ±
 * `jitter`. A stage that says `retry_after_ms` is never asked earlier than that.
 * @param n how many attempts have failed, from 1
 */
export const backoffMs = (policy: Backoff, seed: string, n: number, retryAfterMs = 0): number => {
  const plain = Math.min(policy.maxMs, policy.initialMs * policy.factor ** (n - 1));
  const jittered = plain * (1 + policy.jitter * (2 * fraction(`${seed}/${n}`) - 1));
  return Math.max(Math.round(jittered), retryAfterMs, 0);
};
