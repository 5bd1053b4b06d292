import type { ProgramOf } from '../../definition/kinds/stage-kinds.ts';
import type { KindRunner } from './kind-runner.ts';

/** An approval is a state of the chart: nothing of it is ever run. */
export const approvalRunner: KindRunner<ProgramOf<'approval'>> = {
  missing: async () => null,
  preflight: async () => null,
  run: async () => {
    throw new Error('an approval has no attempts');
  },
};
