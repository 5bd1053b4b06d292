import { worstCaseMs } from '../../definition/lint/worst-case.ts';
import { simulated, variety } from '../support/simulated.ts';

const runsEach = 250_000;

test.each(Object.entries(variety))(
  'the invariants hold after each write of 250,000 simulated runs with random faults: %s',
  async (_, definition) => {
    const { survey: found } = await simulated(definition).survey(1_000_000, runsEach);
    expect(found?.broken).toBeNull();
    expect(found?.runs).toBe(runsEach);
    expect(found?.longest?.duration_ms).toBeLessThanOrEqual(worstCaseMs(definition));
  },
  4 * 3600 * 1000,
);
