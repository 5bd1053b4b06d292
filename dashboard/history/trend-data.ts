import { quantile } from '../ui/statistics.ts';
import type { RunFacts } from '../use-reads.ts';

export type TrendPoint = {
  run: RunFacts;
  at: number;
  seconds: number;
  median: number;
  p90: number;
};
const windowRuns = 20;

/**
 * Runs that are over, oldest first, each with the median and the 90th percentile of the twenty up
 * to it that were done.
 */
export const trendOf = (newestFirst: readonly RunFacts[]): TrendPoint[] => {
  const done: number[] = [];
  return newestFirst
    .filter(({ ended_at, started_at }) => ended_at !== null && started_at !== null)
    .reverse()
    .map((run) => {
      const seconds = (run.duration_ms ?? 0) / 1000;
      if (run.state === 'DONE') done.push(seconds);
      const last = done.slice(-windowRuns);
      const [median, p90] = [quantile(last, 0.5) ?? seconds, quantile(last, 0.9) ?? seconds];
      return { run, at: Date.parse(run.started_at as string), seconds, median, p90 };
    });
};
