/** One line of the report: our figure against the limit that was measured in the same run. */
export type Ratio = {
  what: string;
  ours: number;
  limit: number;
  unit: string;
  goal: { kind: 'at most' | 'at least'; ratio: number };
};

const round = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

export const printRatio = ({ what, ours, limit, unit, goal }: Ratio): void => {
  const ratio = ours / limit;
  const holds = goal.kind === 'at most' ? ratio <= goal.ratio : ratio >= goal.ratio;
  const judged = `${ratio.toFixed(2)} (goal ${goal.kind} ${goal.ratio}: ${holds ? 'holds' : 'DOES NOT HOLD'})`;
  process.stdout.write(
    `${what.padEnd(52)} ${round(ours).padStart(8)} ${unit} against ${round(limit).padStart(8)} ${unit}  ratio ${judged}\n`,
  );
};
export const printFigure = (what: string, value: number, unit: string): void =>
  void process.stdout.write(`${what.padEnd(52)} ${round(value).padStart(8)} ${unit}\n`);

const percentile = (values: number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ??
  Number.NaN;

/** p50 and p99 of what was taken, in milliseconds, against the same on an idle machine. */
export const printTail = ({
  what,
  ours,
  idle,
  goalMs,
}: {
  what: string;
  ours: number[];
  idle: number[];
  goalMs: number;
}): void => {
  const [p50, p99, idle99] = [
    percentile(ours, 0.5),
    percentile(ours, 0.99),
    percentile(idle, 0.99),
  ];
  const judged = `goal p99 < ${goalMs}: ${p99 < goalMs ? 'holds' : 'DOES NOT HOLD'}`;
  const ratio = `ratio ${(p99 / idle99).toFixed(2)}`;
  process.stdout.write(
    `${what.padEnd(52)} p50 ${round(p50)} ms, p99 ${round(p99)} ms of ${ours.length}; idle p99 ${round(idle99)} ms, ${ratio} (${judged})\n`,
  );
};

/** Median milliseconds of `times` turns, after a few that do not count. */
export const medianMs = async (
  times: number,
  turn: (index: number) => Promise<unknown> | unknown,
): Promise<number> => {
  const taken: number[] = [];
  for (let index = -Math.ceil(times / 10); index < times; index += 1) {
    const begun = performance.now();
    await turn(index);
    if (index >= 0) taken.push(performance.now() - begun);
  }
  return taken.sort((a, b) => a - b)[Math.floor(times / 2)] as number;
};
