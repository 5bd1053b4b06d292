import type { StageKind, StageProgram } from '../../definition/kinds/stage-kinds.ts';
import type { AttemptAnswer, AttemptObserver, AttemptRequest } from '../contract.ts';
import type { RunnerDeps } from '../process-runner.ts';
import type { KindRunner } from './kind-runner.ts';
import { approvalRunner } from './no-runner.ts';
import { httpRunner } from './run-http.ts';
import { moduleRunner } from './run-module.ts';
import { processRunner } from './run-process.ts';
import { scriptRunner } from './run-script.ts';

/** How each kind of `definition/kinds/stage-kinds.ts` acts; one that is missing does not compile. */
const kindRunners = {
  process: processRunner,
  script: scriptRunner,
  module: moduleRunner,
  http: httpRunner,
  approval: approvalRunner,
} satisfies Record<StageKind, unknown>;

export const runnerOf = ({ kind }: StageProgram): KindRunner<StageProgram> => kindRunners[kind];

/** One attempt of one stage, whatever its kind. */
export const runAttempt = (
  deps: RunnerDeps,
  request: AttemptRequest,
  observer: AttemptObserver,
  signal: AbortSignal,
): Promise<AttemptAnswer> => runnerOf(request.program).run(deps, request, observer, signal);
