import fc from 'fast-check';
import { anyBoth, type Both, compare, openBothWays, pressesOfLedger } from './both-ways.ts';

/**
 * Lives so many random scripts with real programs on SQLite and simulated, and presses the steps of
 * the real runs as a what-if.
 */
export const agrees = async (count: number, seed: number): Promise<void> => {
  const on = await openBothWays();
  const ends = new Map<string, number>();
  const check = async (
    both: Both,
    real: Parameters<Parameters<typeof compare>[2]>[1],
    simulated: Parameters<Parameters<typeof compare>[2]>[2],
  ): Promise<void> => {
    const { course, ledger, runId } = real;
    expect({ both, ...simulated }).toEqual({ both, ...course });
    const path = pressesOfLedger(ledger);
    const { steps, now } = await on.orchestrator.whatIf(both.pipeline, path);
    const pressed = steps.map(({ from, to, verdict }) => [from, to, verdict]);
    expect(pressed).toEqual(course.steps.slice(1).map(([from, to]) => [from, to, 'accepted']));
    expect(now.state).toBe(course.state);
    // And from the middle of the run itself, as it stood then.
    const middle = Math.ceil(path.length / 2) + 1;
    const rest = await on.orchestrator.whatIfRun(runId, middle, path.slice(middle - 1));
    expect([rest.version, rest.now.state]).toEqual([middle, course.state]);
    ends.set(course.state, (ends.get(course.state) ?? 0) + 1);
  };
  try {
    await compare(on, fc.sample(anyBoth, { numRuns: count, seed }), check);
    expect([...ends.keys()].toSorted()).toEqual(['DONE', 'FAILED', 'STOPPED']);
    expect([...ends.values()].reduce((sum, n) => sum + n)).toBe(count);
  } finally {
    await on.close();
  }
};
