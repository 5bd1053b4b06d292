import { worstCaseMs } from '../../../definition/lint/worst-case.ts';
import { simulated, variety } from '../../support/simulated.ts';

/** Four pipelines; 10^6 of them in tests/long. */
const runsEach = 2500;

test.each(Object.entries(variety))(
  'I1, I2, I3, I5, I6, I7, I8, I9, I11, I12 and I13 hold after each write of 2,500 simulated runs with random faults: %s',
  async (_, definition) => {
    const { survey: found } = await simulated(definition).survey(1, runsEach);
    expect(found?.broken).toBeNull();
    expect(found?.runs).toBe(runsEach);
    expect(found?.longest?.duration_ms).toBeLessThanOrEqual(worstCaseMs(definition));
    // It does not say all is well because nothing happens.
    expect(Object.keys(found?.outcomes ?? {}).toSorted()).toEqual(
      expect.arrayContaining(['failed', 'stopped', 'success']),
    );
  },
);
