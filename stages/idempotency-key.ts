import { createHash } from 'node:crypto';

/** The same for every attempt of a stage in a run, and for no other stage or run. */
export const idempotencyKeyOf = ({ runId, stage }: { runId: string; stage: string }): string =>
  createHash('sha256').update(`${runId}/${stage}`).digest('hex');
