import type { Happening, Simulation } from '../../wire/simulation.ts';
import { ServiceError } from '../host/service-error.ts';
import { runLifecycle } from '../lifecycle/run-lifecycle.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import { BadScript, checkScript } from './script-flags.ts';
import { survey } from './survey.ts';
import { standAlone } from './world.ts';

export type Simulations = {
  /**
   * One run of the pipeline by a script, or many with random faults. Nothing of it is kept. @throws
   * unknown-pipeline, unknown-stage, simulation-too-long, too-many-simulations
   */
  simulate(
    pipeline: string,
    asked: { script: readonly Happening[]; seed: number | null; runs: number },
    signal: AbortSignal,
  ): Promise<Simulation>;
};

/** One works at a time, and so many wait for it. */
const maxWaiting = 4;
/** Some seconds of work; the loop has its turns in between. */
const maxInstants = 50_000;

/** Simulation as a service: one after the other, so that real runs do not feel it. */
export const createSimulations = ({
  lookup,
}: {
  lookup: Pick<RunLookup, 'requirePipeline'>;
}): Simulations => {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return {
    simulate: async (pipeline, { script, seed, runs }, signal) => {
      const { definition } = lookup.requirePipeline(pipeline);
      try {
        checkScript(definition, script);
      } catch (error) {
        if (error instanceof BadScript) throw new ServiceError('unknown-stage', error.message);
        throw error;
      }
      if (waiting > maxWaiting)
        throw new ServiceError(
          'too-many-simulations',
          `${maxWaiting} simulations wait for their turn; try again in some seconds, or use stagewright simulate`,
        );
      let instants = 0;
      const goesOn = (): void => {
        if (signal.aborted) throw new ServiceError('simulation-too-long', 'whoever asked has left');
        instants += 1;
        if (instants > maxInstants)
          throw new ServiceError(
            'simulation-too-long',
            `it has more than ${maxInstants} instants; ask for fewer runs, or use stagewright simulate`,
          );
      };
      waiting += 1;
      const work = () =>
        survey({
          ...standAlone(definition, runLifecycle),
          script,
          // Many runs without faults would be one.
          seed: seed ?? (runs > 1 ? 1 : null),
          runs,
          goesOn,
        });
      const mine = last.then(work).finally(() => {
        waiting -= 1;
      });
      last = mine.catch(() => {});
      return mine;
    },
  };
};
