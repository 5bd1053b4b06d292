/** Numbers by labels, e.g. of pipeline and outcome. They only grow, and begin at 0 with the process. */
export type Tally<L extends { pipeline: string }> = {
  add(labels: L, count?: number, sum?: number): void;
  all(): (L & { count: number; sum: number })[];
  /** Forgets pipelines that nobody has any more. */
  keep(isKnown: (pipeline: string) => boolean): void;
};

export const createTally = <L extends { pipeline: string }>(): Tally<L> => {
  const sums = new Map<string, L & { count: number; sum: number }>();
  return {
    add: (labels, count = 1, sum = 0) => {
      const key = JSON.stringify(labels);
      const before = sums.get(key) ?? { ...labels, count: 0, sum: 0 };
      sums.set(key, { ...before, count: before.count + count, sum: before.sum + sum });
    },
    all: () => [...sums.values()],
    keep: (isKnown) => {
      for (const [key, { pipeline }] of sums) if (!isKnown(pipeline)) sums.delete(key);
    },
  };
};

/** How many of the seconds were at most so many: `counts` has one more place, for all the others. */
export type Spread<L> = L & { counts: number[]; sum: number };
export type Spreads<L extends { pipeline: string }> = Pick<Tally<L>, 'keep'> & {
  readonly bounds: readonly number[];
  observe(labels: L, seconds: number): void;
  all(): Spread<L>[];
};

/** @param bounds in seconds, rising */
export const createSpreads = <L extends { pipeline: string }>(
  bounds: readonly number[],
): Spreads<L> => {
  const spreads = new Map<string, Spread<L>>();
  return {
    bounds,
    observe: (labels, seconds) => {
      const key = JSON.stringify(labels);
      const spread: Spread<L> = spreads.get(key) ?? {
        ...labels,
        counts: Array.from({ length: bounds.length + 1 }, () => 0),
        sum: 0,
      };
      const place = bounds.findIndex((bound) => seconds <= bound);
      const at = place < 0 ? bounds.length : place;
      spread.counts[at] = (spread.counts[at] ?? 0) + 1;
      spread.sum += seconds;
      spreads.set(key, spread);
    },
    all: () => [...spreads.values()],
    keep: (isKnown) => {
      for (const [key, { pipeline }] of spreads) if (!isKnown(pipeline)) spreads.delete(key);
    },
  };
};
