import fc from 'fast-check';
import { worstCaseMs } from '../../definition/lint/worst-case.ts';
import { anyPipeline, driveBadly } from '../support/worst-case.ts';

test('TRUTH-1: ten thousand pipelines, driven as badly as it can go, keep to their worst case', () => {
  fc.assert(
    fc.property(anyPipeline, fc.boolean(), (definition, lastSucceeds) => {
      expect(driveBadly(definition, lastSucceeds)).toBeLessThanOrEqual(worstCaseMs(definition));
    }),
    { numRuns: 10_000 },
  );
});
