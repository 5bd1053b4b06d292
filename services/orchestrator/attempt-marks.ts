import type { Waits } from '../interpreter/waits.ts';
import { createAsk, createLateExit } from '../runners/answers-first.ts';
import type { createEndingMark } from '../runners/ending-mark.ts';
import { createProgress } from '../runners/progress.ts';
import type { StageMarks } from '../runners/stage-runner.ts';
import { createStartMarks } from '../runners/start-marks.ts';
import { fenceOf } from '../store/fence.ts';
import { createHeartbeats } from '../watchdog/heartbeats.ts';
import type { Foundation } from './foundation.ts';

/** What attempts say and show while they work, beside the steps of their runs. */
export const createMarks = (
  foundation: Foundation,
  { waits, ending }: { waits: Waits; ending: ReturnType<typeof createEndingMark> },
) => {
  const { store, clock, dataDir, disk, log } = foundation;
  const { note, tell, wake } = foundation.publisher;
  const progress = createProgress({ store, clock, note, tell, waits, log });
  const heartbeats = createHeartbeats({ store, clock, note, tell, log, ask: createAsk(dataDir) });
  const lateExit = createLateExit({ store, clock, dataDir, note });
  const left: StageMarks['left'] = async (run, effect, said) => {
    await progress.left(run, effect, said);
    await lateExit(run, effect);
  };
  const stage: StageMarks = {
    progress: progress.progress,
    left,
    starting: createStartMarks({ store, clock, wake, log }),
    ending,
    recordProcess: (effect, process) => store.recordProcess(effect.runId, fenceOf(effect), process),
    watch: heartbeats.watch,
    writer: disk.writer,
  };
  /** As its own runner would have told it. */
  const leftByNobody: StageMarks['left'] = async (run, effect, said) => {
    if (said.progress) progress.progress(run, effect.input.stage as string, said.progress);
    await left(run, effect, said);
  };
  return { stage, leftByNobody, progress, heartbeats };
};
