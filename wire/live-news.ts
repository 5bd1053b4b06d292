/**
 * What is news between the steps: progress, signs of life, and what a run waits for while the disk
 * is full. Never in the journal; `data.patch` as in events.
 */
export type LiveNews = {
  run_id: string;
  pipeline: string;
  stage: string;
  event: 'progress' | 'heartbeat' | 'why_change';
  data: Record<string, unknown>;
};
