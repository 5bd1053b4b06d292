/** The value below which `share` of the values lie (nearest rank); null without values. */
export const quantile = (values: readonly number[], share: number): number | null => {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return (
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? null
  );
};
export const median = (values: readonly number[]): number | null => quantile(values, 0.5);
