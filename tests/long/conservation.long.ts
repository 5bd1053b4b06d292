import fc from 'fast-check';
import { changes, conserves } from '../stages/odd-folders.ts';

test('every byte of 500 raw folders is in the output, in the rejects, counted as duplicate, or named', async () => {
  await fc.assert(fc.asyncProperty(changes, conserves), { numRuns: 500 });
});
