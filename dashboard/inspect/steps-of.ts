import type { Inspected } from './inspected-frame.ts';

/** What the run was told once, with all that came of it: the frames from `first` to `last`. */
export type Step = {
  run: string | null;
  n: number;
  at: number;
  first: number;
  last: number;
  /** The frame that says where it led: the snapshot of the run, or the last one there is. */
  shown: number;
};

/** Frames without a step, such as those of other programs, are a step each. */
export const stepsOf = (frames: readonly Inspected[]): Step[] => {
  const steps: Step[] = [];
  frames.forEach(({ runId, step, at, kind, sessionId }, place) => {
    const before = steps.at(-1);
    const isSame = before && step !== null && before.n === step && before.run === runId;
    const current = isSame
      ? before
      : { run: runId, n: step ?? place, at, first: place, last: place, shown: place };
    if (!isSame) steps.push(current);
    current.last = place;
    if (kind === 'snapshot' && sessionId === runId) current.shown = place;
  });
  return steps;
};

/** The place of the step that a frame is of; -1 before the first. */
export const stepAt = (steps: readonly Step[], place: number): number => {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((steps[middle]?.first ?? 0) <= place) low = middle + 1;
    else high = middle;
  }
  return low - 1;
};
