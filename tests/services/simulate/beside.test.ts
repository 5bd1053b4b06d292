import { worstCaseMs } from '../../../definition/lint/worst-case.ts';
import { pipeline, retries, stage } from '../../support/definition.ts';
import { shapes } from '../../support/shapes.ts';
import { simulated } from '../../support/simulated.ts';

const gated = { equals: [1, 1] as [unknown, unknown] };
/** Groups as they are drawn, and one with all that may be in a group and after it. */
const beside = {
  ...shapes,
  'a group with a when and an allowed failure, then hooks': pipeline(
    [
      stage('gated', { ...retries(1), when: gated, totalTimeoutMs: 7_200_000 }),
      stage('advice', { allowFailure: true, heartbeatMs: 60_000 }),
      stage('work', retries(2)),
      stage('last'),
    ],
    {
      groups: [{ name: 'both', title: null, stages: ['gated', 'advice', 'work'], failFast: false }],
      timeoutMs: 36_000_000,
      onFailure: [stage('tell', retries(1))],
      finally: [stage('clean', { when: gated })],
    },
  ),
};

test.each(Object.entries(beside))(
  'I1, I2, I3, I5, I6, I7, I8, I9, I11, I12 and I13 hold after each write of 150 simulated runs with random faults: %s',
  async (_, definition) => {
    const { survey: found } = await simulated(definition).survey(1, 150);
    expect(found?.broken).toBeNull();
    expect(found?.longest?.duration_ms).toBeLessThanOrEqual(worstCaseMs(definition));
    expect(Object.keys(found?.outcomes ?? {}).length).toBeGreaterThan(1);
  },
);
