import fc from 'fast-check';
import { changes, conserves } from './odd-folders.ts';

test('every byte of a raw folder is in the output, in the rejects, counted as duplicate, or named', async () => {
  await fc.assert(fc.asyncProperty(changes, conserves), { numRuns: 25 });
}, 300_000);
