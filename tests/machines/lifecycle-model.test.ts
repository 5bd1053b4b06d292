import { allStages } from '../../definition/definition.ts';
import { charts, testTransitions } from '../support/every-transition.ts';

// The sentences stand in tests/support/invariants.ts: I1, I2, I6, I7, I8, I9, I11, I12, I13, S16, S42, T1.
// Of more stages than one those without an interruption; all of them, and of three, in tests/long.
describe.each(Object.entries(charts).filter(([, { stages }]) => stages.length < 3))(
  'every reachable transition of %s',
  (_name, definition) => testTransitions(definition, allStages(definition).length === 1 ? 2 : 0),
);
