import type { Progress } from '../../machines/status.ts';
import type { AttemptAnswer, ProcessIdentity } from '../../stages/contract.ts';
import { runAttempt } from '../../stages/kinds/kind-runners.ts';
import type { Launcher, ProcessTable } from '../../stages/launcher-port.ts';
import type { Clock } from '../clock.ts';
import { type EffectRunner, Failed } from '../interpreter/effects.ts';
import type { EffectRow, RunRow } from '../store.ts';
import { attemptRequest, type Places, stageOf } from './stage-request.ts';

/** Plain writes beside the transitions: marks, progress, warnings move no state. */
export type StageMarks = {
  recordProcess(effect: EffectRow, process: ProcessIdentity | null): Promise<boolean>;
  progress(run: RunRow, stage: string, progress: Progress): void;
  /** What an attempt leaves to the journal: each warning, and its last progress as one event. */
  left(
    run: RunRow,
    effect: EffectRow,
    answer: Pick<AttemptAnswer, 'progress' | 'warnings'>,
  ): Promise<void>;
  /** An attempt begins to work: from now on its silence is counted, until `end`. */
  watch(run: RunRow, effect: EffectRow, limitMs: number | null): { alive(): void; end(): void };
};
type Deps = {
  launcher: Launcher;
  processes: ProcessTable;
  clock: Clock;
  places: Places;
  marks: StageMarks;
};

/** Answers as a promise actor answers: with an output, or by throwing the failure. */
export const outputOf = (
  answer: AttemptAnswer,
): { outputs: unknown; metrics: unknown; skipped: string | null; partial: string | null } => {
  if (!answer.ok) throw new Failed(answer.failure);
  return {
    outputs: answer.outputs,
    metrics: answer.metrics,
    skipped: answer.skipped,
    partial: answer.partial,
  };
};

/** Runs one attempt of a stage: from the committed row to the answer, with no process left. */
export const createStageRunner = ({
  launcher,
  processes,
  clock,
  places,
  marks,
}: Deps): EffectRunner => {
  return async (effect, run, signal) => {
    const stage = effect.input.stage as string;
    const request = attemptRequest(effect, run, places);
    const mask = places.secrets.maskOf(run.definition);
    const watch = marks.watch(run, effect, stageOf(run, effect).heartbeatMs);
    const observer = {
      recordProcess: (process: ProcessIdentity | null) => marks.recordProcess(effect, process),
      progress: (progress: Progress) => marks.progress(run, stage, mask.json(progress)),
      alive: watch.alive,
    };
    try {
      // When the chart drops the effect, what works in the service itself ends by the signal; ending
      // processes is the drain's work, and only the drain's.
      const answer = mask.json(
        await runAttempt({ launcher, processes, clock }, request, observer, signal),
      );
      if (answer.progress) marks.progress(run, stage, answer.progress);
      await marks.left(run, effect, answer);
      return outputOf(answer);
    } finally {
      watch.end();
    }
  };
};
