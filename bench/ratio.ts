/** One line of the report: our figure against the limit that was measured in the same run. */
export type Ratio = { what: string; ours: number; limit: number; unit: string; goal: { kind: 'at most' | 'at least'; ratio: number } };

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

/** Median milliseconds of `times` turns, after a few that do not count. */
export const medianMs = async (times: number, turn: (index: number) => Promise<unknown> | unknown): Promise<number> => {
  const taken: number[] = [];
  for (let index = -Math.ceil(times / 10); index < times; index += 1) {
    const begun = performance.now();
    await turn(index);
    if (index >= 0) taken.push(performance.now() - begun);
  }
  return taken.sort((a, b) => a - b)[Math.floor(times / 2)] as number;
};
