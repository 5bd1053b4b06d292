import { Failed } from '../../stages/attempt-failed.ts';
import type { AttemptAnswer, Ending, ProcessIdentity } from '../../stages/contract.ts';
import { runAttempt } from '../../stages/kinds/kind-runners.ts';
import type { Launcher, ProcessTable } from '../../stages/launcher-port.ts';
import type { Progress } from '../../wire/status.ts';
import type { Masking } from '../history/masking.ts';
import type { Clock } from '../host/clock.ts';
import { isNoSpace } from '../host/no-space.ts';
import { type EffectRunner, NoRoom } from '../interpreter/effects.ts';
import type { EffectRow, RunRow } from '../store/run-rows.ts';
import { attemptRequest, type Places, stageOf } from './stage-request.ts';

/** What is heard of one attempt; `writtenAt` where that was written long before it was read. */
type Watch = { alive(writtenAt?: number): void; end(): void };
/** Plain writes beside the transitions: marks, progress, warnings move no state. */
export type StageMarks = {
  recordProcess(effect: EffectRow, process: ProcessIdentity | null): Promise<boolean>;
  /** Its program is asked for; what is returned is called once it is there, or will never be. */
  starting(effect: EffectRow): () => void;
  ending(effect: EffectRow, ending: Ending): void;
  progress(run: RunRow, stage: string, progress: Progress): void;
  /** What an attempt leaves to the journal: each warning, and its last progress as one event. */
  left(
    run: RunRow,
    effect: EffectRow,
    answer: Pick<AttemptAnswer, 'progress' | 'warnings'>,
  ): Promise<void>;
  /** An attempt begins to work: from now on its silence is counted, until `end`. */
  watch(run: RunRow, effect: EffectRow, limitMs: number | null): Watch;
  /** An attempt may write to the disk, until the function that comes back is called. */
  writer(): () => void;
};
type Deps = {
  launcher: Launcher;
  processes: ProcessTable;
  clock: Clock;
  places: Places;
  marks: StageMarks;
  masking: Pick<Masking, 'begin'>;
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
  masking,
}: Deps): EffectRunner => {
  return async (effect, run, signal) => {
    const stage = effect.input.stage as string;
    const request = attemptRequest(effect, run, places);
    // The request first: the values it has read are hidden from its first word on.
    const mask = places.secrets.maskOf(run);
    const over = marks.writer();
    const watch = marks.watch(run, effect, stageOf(run, effect).heartbeatMs);
    const begun = marks.starting(effect);
    let isRecorded = false;
    const observer = {
      recordProcess: async (process: ProcessIdentity | null) => {
        begun();
        isRecorded = await marks.recordProcess(effect, process);
        return isRecorded;
      },
      progress: (progress: Progress) => marks.progress(run, stage, progress),
      alive: watch.alive,
      ending: (ending: Ending) => marks.ending(effect, ending),
    };
    try {
      await masking.begin(run, stage, effect.attempt);
      // When the chart drops the effect, what works in the service itself ends by the signal; ending
      // processes is the drain's work, and only the drain's.
      const deps = { launcher, processes, clock, mask };
      const answer = await runAttempt(deps, request, observer, signal);
      if (!isRecorded && !answer.ok && answer.failure.message.includes('ENOSPC'))
        throw new NoRoom('there was no room to begin');
      if (answer.progress) marks.progress(run, stage, answer.progress);
      await marks.left(run, effect, answer);
      return outputOf(answer);
    } catch (error) {
      // Behind the gate nothing ran: the attempt waits, and is not used up.
      if (!isRecorded && isNoSpace(error)) throw new NoRoom('there was no room to begin');
      throw error;
    } finally {
      begun();
      watch.end();
      over();
    }
  };
};
