import type { Failure } from '../../wire/failure.ts';
import type { AttemptAnswer, AttemptObserver, AttemptRequest } from '../contract.ts';
import type { RunnerDeps } from '../process-runner.ts';

/** All that acts for one kind of stage. */
export type KindRunner<Program> = {
  /** What is not there of what the file names, when it is loaded; null = it is all there. */
  missing(program: Program, projectDir: string): Promise<string | null>;
  /** Before the first stage of a run: why this one cannot work. `path` is its PATH. */
  preflight(program: Program, path: string): Promise<Failure | null>;
  /**
   * One attempt, to its answer. What it begins is recorded before, and over when it answers. The
   * signal says that nobody waits for the answer any more: what works in the service itself ends
   * then; processes are ended by the drain.
   */
  run(
    deps: RunnerDeps,
    request: AttemptRequest & { program: Program },
    observer: AttemptObserver,
    signal: AbortSignal,
  ): Promise<AttemptAnswer>;
};
