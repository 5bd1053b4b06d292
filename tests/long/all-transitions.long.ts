import { allStages } from '../../definition/definition.ts';
import { charts, testTransitions } from '../support/every-transition.ts';

// With three stages, or two at a time, none keeps the number of paths in hand.
describe.each(Object.entries(charts).filter(([, definition]) => allStages(definition).length > 1))(
  'every reachable transition of %s',
  (_name, definition) => {
    const isWide = allStages(definition).length > 2 || definition.groups !== undefined;
    testTransitions(definition, isWide ? 0 : 2);
  },
);
